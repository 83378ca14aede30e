"""Deinterlacing: the lines of one field are known, those of the other are filled."""

from __future__ import annotations

from dataclasses import replace

from untrained.recipes import inpaint

__all__ = ["RECIPES", "TASK"]

TASK = "deinterlace"

fast = replace(
    inpaint.fast,
    name="fast",
    title="Infill of every second line (ours, 2026)",
    task=TASK,
    source="ours, benchmarks/applications.py: inpainting's; above averaging lines",
)

paper = replace(
    inpaint.paper,
    name="paper",
    title="Deep Image Prior, settings of inpainting (Ulyanov et al., 2018)",
    task=TASK,
    source=f"{inpaint.DIP}: nobody published it for fields; its settings for 50 % of the pixels "
    "missing, with whole lines for scattered pixels; not run in full here",
)

RECIPES = (fast, paper)
