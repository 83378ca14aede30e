"""Super-resolution: the operator is an anti-aliased downsampling."""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.fitting import Adam, Muon
from untrained.networks import Noise, ResNet
from untrained.objectives import DataFit, ScaleEquivariant
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "upscale"

DIP = "Ulyanov, Vedaldi & Lempitsky, Deep Image Prior, arXiv 1711.10925"

fast = Recipe(
    name="fast",
    title="Scale equivariance (ours, 2026)",
    task=TASK,
    source="ours, measured in docs/measurements.md (upscaling, fast): details alike at all scales",
    network=ResNet(
        num_blocks=6, width=64, padding="zeros", output="linear", add_input=True, shuffle=4,
    ),
    objective=ScaleEquivariant(),
    optimizer=Muon(lr=0.01, vector_lr=0.01),
    max_steps=400,
    average=ExponentialAverage(decay=0.98, warm_up=True),
)  # fmt: skip

best = replace(
    fast,
    name="best",
    title="Scale equivariance, 1500 steps (ours, 2026)",
    source="ours, measured in docs/measurements.md (upscaling, best): as fast, 1500 steps",
    max_steps=1500,
)

paper = Recipe(
    name="paper",
    title="Deep Image Prior, four times (Ulyanov et al., 2018)",
    task=TASK,
    source=f"{DIP}, super-resolution x4: 2000 steps, z jittered by .03",
    objective=DataFit(z=Noise(channels=32, scale=0.1), jitter=0.03),
    optimizer=Adam(lr=0.01),
    max_steps=2000,
)

RECIPES = (
    fast,
    best,
    paper,
    replace(
        paper,
        name="paper-x8",
        title="Deep Image Prior, eight times (Ulyanov et al., 2018)",
        source=f"{DIP}, super-resolution x8: 4000 steps, z jittered by .05",
        objective=DataFit(z=Noise(channels=32, scale=0.1), jitter=0.05),
        max_steps=4000,
    ),
)
