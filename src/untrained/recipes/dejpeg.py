"""JPEG artefacts: the operator is the distance to the pictures that give the same file."""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.fitting import Muon
from untrained.networks import Noise
from untrained.objectives import DataFit
from untrained.recipes import denoise, inpaint
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "dejpeg"

fast = Recipe(
    name="fast",
    title="Within the file's quantisation intervals (ours, 2026)",
    task=TASK,
    source="ours, benchmarks/applications.py: stops before it fits the artefacts",
    network=inpaint.fast.network,
    objective=DataFit(z=Noise(channels=16, scale=0.1), jitter=0.1),
    optimizer=Muon(lr=0.01, vector_lr=0.01),
    max_steps=250,
    average=ExponentialAverage(decay=0.98, warm_up=True),
)

paper = next(r for r in denoise.RECIPES if r.name == "paper-jpeg")

RECIPES = (
    fast,
    replace(
        paper,
        name="paper",
        title="Deep Image Prior for JPEG artefacts (Ulyanov et al., 2018)",
        task=TASK,
        source=f"{paper.source}; the paper fits the picture itself: the distance to the pictures "
        "of the same file, and the step back into them at the end, are ours",
    ),
)
