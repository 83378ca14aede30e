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

RECIPES = (
    fast,
    replace(fast, name="best", source="ours: as fast, 1500 steps; not measured", max_steps=1500),
)
