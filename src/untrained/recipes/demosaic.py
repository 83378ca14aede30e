"""Demosaicing: the operator keeps one colour of every pixel."""

from __future__ import annotations

from dataclasses import replace

from untrained.recipes import inpaint
from untrained.stopping import FixedSteps

__all__ = ["RECIPES", "TASK"]

TASK = "demosaic"

fast = replace(
    inpaint.fast,
    name="fast",
    task=TASK,
    source="ours, benchmarks/applications.py: above bilinear in detail, below it without",
    objective=inpaint.from_noise,
    stopper=FixedSteps(),
    exact_known=False,
)

paper = replace(
    inpaint.paper,
    name="paper",
    task=TASK,
    source=f"{inpaint.DIP}: nobody published it for mosaics; its settings for 50 % of the pixels "
    "missing, where here 67 % of the values are, through the mosaic; not run in full here",
)

RECIPES = (
    fast,
    paper,
    replace(fast, name="best", source="ours: as fast, 1500 steps; not measured", max_steps=1500),
)
