"""Deblurring by an unknown kernel: a second network finds it."""

from __future__ import annotations

from untrained.fitting import Adam, Halving
from untrained.networks import Noise, Skip
from untrained.objectives import BlindDeconvolution, TotalVariation
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "deblur-blind"

fast = Recipe(
    name="fast",
    title="SelfDeblur with a narrower network (ours, 2026)",
    task=TASK,
    source="ours: SelfDeblur (Ren et al., CVPR 2020) with a narrower network, MSE, total variation "
    "and a faster kernel: +.9 and +5.0 dB over two blurred pictures (benchmarks/deblurring.py)",
    network=Skip(
        widths=(32, 32, 32, 32, 32),
        widths_skip=16,
        padding="zeros",
        norm_concat=False,
    ),
    objective=BlindDeconvolution(
        z=Noise(channels=8, scale=0.1),
        jitter=0.001,
        kernel_rate=0.1,
        total_variation=TotalVariation(weight=3e-4),
    ),
    optimizer=Adam(lr=0.01, step_size=Halving(every=300, after=300)),
    max_steps=1000,
)

paper = Recipe(
    name="paper",
    title="SelfDeblur (Ren et al., 2020)",
    task=TASK,
    source="Ren et al., SelfDeblur, CVPR 2020: skip connections of 16 channels, z of 8, 5000 steps "
    "at .01 (kernel .0001), halved at 2000, 3000 and 4000; MSE, from step 1000 on 1 - SSIM",
    network=Skip(widths_skip=16),
    objective=BlindDeconvolution(
        z=Noise(channels=8, scale=0.1), jitter=0.001, kernel_rate=0.01, similarity_after=1000
    ),
    optimizer=Adam(lr=0.01, step_size=Halving(every=1000, after=1000)),
    max_steps=5000,
)

RECIPES = (fast, paper)
