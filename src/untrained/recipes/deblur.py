"""Deblurring by a known kernel: the operator is the convolution."""

from __future__ import annotations

from dataclasses import replace

from untrained.inputs import Noise
from untrained.networks import Skip
from untrained.objectives import Deconvolution
from untrained.optimizers import Adam
from untrained.recipes import inpaint
from untrained.recipes.recipe import Recipe
from untrained.stopping import FixedSteps

__all__ = ["RECIPES", "TASK"]

TASK = "deblur"

fast = replace(
    inpaint.fast,
    name="fast",
    task=TASK,
    source="ours: above Wiener and Richardson-Lucy on one picture (benchmarks/deblurring.py)",
    objective=Deconvolution(z=Noise(channels=16, scale=0.1), jitter=0.03),
    stopper=FixedSteps(),
    max_steps=600,
    exact_known=False,
)

paper = Recipe(
    name="paper",
    task=TASK,
    source="the image network of Ren et al., SelfDeblur, CVPR 2020, with the kernel given: skip "
    "connections of 16 channels, z of 8, 5000 steps at .01",
    network=Skip(widths_skip=16),
    objective=Deconvolution(z=Noise(channels=8, scale=0.1), jitter=0.001),
    optimizer=Adam(lr=0.01),
    max_steps=5000,
)

RECIPES = (fast, paper)
