"""Flash / no-flash: another picture of the scene is z."""

from __future__ import annotations

from untrained.averaging import ExponentialAverage
from untrained.inputs import Guide
from untrained.objectives import DataFit
from untrained.optimizers import Adam, Muon
from untrained.recipes import inpaint
from untrained.recipes.recipe import Recipe
from untrained.stopping import HeldOut

__all__ = ["RECIPES", "TASK"]

TASK = "flash"

fast = Recipe(
    name="fast",
    task=TASK,
    source="ours, benchmarks/applications.py: stopped by pixels that were kept from the fit",
    network=inpaint.fast.network,
    objective=DataFit(z=Guide(), jitter=0.03),
    optimizer=Muon(lr=0.01, vector_lr=0.01),
    max_steps=400,
    stopper=HeldOut(fraction=0.02, patience=100),
    average=ExponentialAverage(decay=0.98, warm_up=True),
)

paper = Recipe(
    name="paper",
    task=TASK,
    source="Ulyanov, Vedaldi & Lempitsky, Deep Image Prior, arXiv 1711.10925, flash/no-flash: "
    "600 steps at .1",
    objective=DataFit(z=Guide()),
    optimizer=Adam(lr=0.1),
    max_steps=600,
)

RECIPES = (fast, paper)
