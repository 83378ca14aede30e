"""Layers: the picture is a mixture of two."""

from __future__ import annotations

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

RECIPES = (
    Recipe(
        name="fast",
        task=TASK,
        source=f"{DOUBLE_DIP}: one layer over the other, everywhere alike; not reliable",
        network=Layered(layer=small, mask=small),
        objective=Decompose(),
        optimizer=Muon(lr=0.01, vector_lr=0.01),
        max_steps=300,
    ),
)
