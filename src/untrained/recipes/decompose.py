"""Layers: the picture is two of them and a mask."""

from __future__ import annotations

from dataclasses import replace

from untrained.networks import Layered, Skip
from untrained.objectives import Decompose
from untrained.optimizers import Muon
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK", "small"]

TASK = "decompose"

DOUBLE_DIP = "after Gandelsman, Shocher & Irani, Double-DIP, CVPR 2019, with settings of ours"

small = Skip(
    widths=(32, 32, 32, 32), widths_skip=16, up="nearest", padding="zeros", norm_concat=False,
    kernel_refine=0,
)  # fmt: skip

fast = Recipe(
    name="fast",
    task=TASK,
    source=f"{DOUBLE_DIP}: one layer lies transparently over the other, everywhere alike",
    network=Layered(layer=small, mask=small),
    objective=Decompose(mask="uniform"),
    optimizer=Muon(lr=0.01, vector_lr=0.01),
    max_steps=300,
)

_tiny = replace(small, widths=(16, 16, 16, 16), widths_skip=4)

RECIPES = (
    fast,
    replace(
        fast,
        name="regions",
        source=f"{DOUBLE_DIP}: two regions side by side; give a hint",
        network=Layered(layer=_tiny, mask=_tiny),
        objective=Decompose(mask="binary"),
    ),
)
