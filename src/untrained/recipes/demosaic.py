"""Demosaicing: the operator keeps one colour of every pixel."""

from __future__ import annotations

from dataclasses import replace

from untrained.fitting import FixedSteps
from untrained.recipes import inpaint

__all__ = ["RECIPES", "TASK"]

TASK = "demosaic"

fast = replace(
    inpaint.fast,
    name="fast",
    title="Deep Image Prior through the mosaic (ours, 2026)",
    task=TASK,
    source="ours, benchmarks/applications.py: above bilinear in detail, below it without",
    objective=inpaint.from_noise,
    stopper=FixedSteps(),
    exact_known=False,
)

paper = replace(
    inpaint.paper,
    name="paper",
    title="Deep Image Prior, settings of inpainting (Ulyanov et al., 2018)",
    task=TASK,
    source=f"{inpaint.DIP}: nobody published it for mosaics; its settings for 50 % of the pixels "
    "missing, where here 67 % of the values are, through the mosaic; not run in full here",
)

RECIPES = (
    fast,
    paper,
    replace(
        fast,
        name="best",
        title="Deep Image Prior through the mosaic, 1500 steps (ours, 2026)",
        source="ours: as fast, 1500 steps; not measured",
        max_steps=1500,
    ),
)
