"""Deblurring by a known kernel: the operator is the convolution."""

from __future__ import annotations

from dataclasses import replace

from untrained.fitting import Adam, FixedSteps
from untrained.networks import Noise, Skip
from untrained.objectives import Deconvolution
from untrained.recipes import inpaint
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "deblur"

fast = replace(
    inpaint.fast,
    name="fast",
    title="Deconvolution with a painted frame (ours, 2026)",
    task=TASK,
    source="ours: above Wiener and Richardson-Lucy on one picture (benchmarks/deblurring.py)",
    objective=Deconvolution(z=Noise(channels=16, scale=0.1), jitter=0.03),
    stopper=FixedSteps(),
    max_steps=600,
    exact_known=False,
)

paper = Recipe(
    name="paper",
    title="SelfDeblur with the kernel given (Ren et al., 2020)",
    task=TASK,
    source="the image network of Ren et al., SelfDeblur, CVPR 2020, with the kernel given: skip "
    "connections of 16 channels, z of 8, 5000 steps at .01",
    network=Skip(widths_skip=16),
    objective=Deconvolution(z=Noise(channels=8, scale=0.1), jitter=0.001),
    optimizer=Adam(lr=0.01),
    max_steps=5000,
)

RECIPES = (fast, paper)
