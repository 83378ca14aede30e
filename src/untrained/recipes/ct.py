"""Computed tomography: the operator is a projector."""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.fitting import Adam, Cosine, HeldOut, LowestLoss, Muon
from untrained.networks import Noise, Skip
from untrained.objectives import DataFit, Offsets, Ramp, TotalVariation, Transmission
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "ct"

network = Skip(
    widths=(32, 32, 32, 32), widths_skip=4, padding="zeros", output="linear", norm_concat=False,
    kernel_refine=3,
)  # fmt: skip

fast = Recipe(
    name="fast",
    title="Deep Image Prior, ramp-filtered residuals, TV, offsets (ours, 2026)",
    task=TASK,
    source="ours, measured in docs/measurements.md (computed tomography)",
    network=network,
    objective=DataFit(
        z=Noise(channels=16),
        data_term=Ramp(),
        total_variation=TotalVariation(weight=0.0025, isotropic=True),
        offsets=Offsets(),
    ),
    optimizer=Muon(lr=0.015, vector_lr=0.01, step_size=Cosine(hold=0.3)),
    max_steps=400,
    stopper=HeldOut(fraction=0.1, patience=200),
    average=ExponentialAverage(decay=0.98, warm_up=True),
)

paper = Recipe(
    name="paper",
    title="Deep Image Prior with total variation for CT (Baguer et al., 2020)",
    task=TASK,
    source="Baguer, Leuschner & Schmidt, Computed tomography reconstruction using deep image prior "
    "and learned reconstruction methods, Inverse Problems 36, 2020, its LoDoPaB settings: 6 scales "
    "of 128, Poisson loss of 4096 photons, lr 5e-4, 17000 steps, lowest loss; its sums as means: "
    "weight 7 · 361² / (1000 · 513 · 4096); gradients are not clipped",
    network=Skip(widths=(128,) * 6, widths_skip=(0, 0, 0, 0, 4, 4), norm_concat=False),
    objective=DataFit(
        z=Noise(channels=1, scale=0.1, distribution="normal"),
        data_term=Transmission(photons=4096),
        total_variation=TotalVariation(weight=7 * 361**2 / (1000 * 513 * 4096)),
    ),
    optimizer=Adam(lr=5e-4),
    max_steps=17000,
    stopper=LowestLoss(),
)

best = replace(
    fast,
    name="best",
    title="As fast, two networks and their spread (ours, 2026)",
    source="ours, measured in docs/measurements.md (computed tomography): as fast, two networks "
    "side by side, whose mean is the image and whose spread is known; hardly better than one",
    members=2,
)

RECIPES = (fast, best, paper)
