"""Haze: the picture is a scene behind a grey that grows with the distance."""

from __future__ import annotations

from untrained.fitting import Adam, Muon
from untrained.networks import Layered, Noise
from untrained.objectives import Dehaze
from untrained.recipes.decompose import AFTER, DOUBLE_DIP, narrow, small
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "dehaze"

RECIPES = (
    Recipe(
        name="fast",
        title="After Double-DIP and the dark channel (ours, 2026)",
        task=TASK,
        source=f"{AFTER} and the dark channel of He, Sun & Tang, TPAMI 2011",
        network=Layered(layer=small, mask=small, num_layers=1),
        objective=Dehaze(),
        optimizer=Muon(lr=0.01, vector_lr=0.01),
        max_steps=400,
    ),
    Recipe(
        name="paper",
        title="Double-DIP, haze (Gandelsman et al., 2019)",
        task=TASK,
        source=f"{DOUBLE_DIP}, dehazing, as in its code: z of 8, 4000 steps at .001, smoothness "
        ".005. Here that is mean |grad t|^2, there the distance to a blurred t; here t has jitter, "
        "too; left out are a second run on the first one's result, whose airlight is fitted, and "
        "that y is divided by a filtered t. Not run in full here",
        network=Layered(layer=narrow, mask=narrow, num_layers=1),
        objective=Dehaze(
            z=Noise(channels=8, scale=0.1), jitter=1 / 30, dark_weight=0.0, smooth_weight=0.005,
            patch=15,
        ),
        optimizer=Adam(lr=0.001),
        max_steps=4000,
    ),
)  # fmt: skip
