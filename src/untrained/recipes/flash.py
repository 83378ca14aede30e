"""Flash / no-flash: another picture of the scene guides the fit."""

from __future__ import annotations

from dataclasses import replace

from untrained.fitting import Adam
from untrained.networks import Guide
from untrained.objectives import DataFit
from untrained.recipes import denoise
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "flash"

fast = replace(
    denoise.fast,
    title="Masked prediction with a guide (ours, 2026)",
    max_steps=1500,
    refinement=None,  # it would filter without the guide
    task=TASK,
    source="ours, docs/measurements.md: denoising, with the guide shown beside the noisy picture",
)

paper = Recipe(
    name="paper",
    title="Deep Image Prior, flash / no-flash (Ulyanov et al., 2018)",
    task=TASK,
    source="Ulyanov, Vedaldi & Lempitsky, Deep Image Prior, arXiv 1711.10925, flash/no-flash: "
    "600 steps at .1",
    objective=DataFit(z=Guide()),
    optimizer=Adam(lr=0.1),
    max_steps=600,
)

RECIPES = (fast, paper)
