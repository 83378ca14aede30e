"""Haze: the picture is a scene behind a grey that grows with the distance."""

from __future__ import annotations

from untrained.networks import Layered
from untrained.objectives import Dehaze
from untrained.optimizers import Muon
from untrained.recipes.decompose import DOUBLE_DIP, small
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "dehaze"

RECIPES = (
    Recipe(
        name="fast",
        task=TASK,
        source=f"{DOUBLE_DIP} and the dark channel of He, Sun & Tang, TPAMI 2011",
        network=Layered(layer=small, mask=small, num_layers=1),
        objective=Dehaze(),
        optimizer=Muon(lr=0.01, vector_lr=0.01),
        max_steps=400,
    ),
)
