"""Pictures found by their features. Not among `RECIPES`: there is no picture file to restore."""

from __future__ import annotations

from dataclasses import replace

from untrained.errors import InputError
from untrained.fitting import Adam, Muon
from untrained.networks import Noise, Skip
from untrained.objectives import DataFit
from untrained.recipes.recipe import Recipe

__all__ = ["INVERT", "MAXIMIZE", "find_inversion"]

_DIP = "Ulyanov, Vedaldi & Lempitsky, Deep Image Prior, arXiv 1711.10925"

paper = Recipe(
    name="paper",
    title="Deep Image Prior, feature inversion (Ulyanov et al., 2018)",
    task="invert",
    source=f"{_DIP}, feature inversion: depth 6, large kernels, 3100 steps at .001",
    network=Skip(
        widths=(16, 32, 64, 128, 128, 128), kernel_down=(7, 7, 5, 5, 3, 3),
        kernel_up=(7, 7, 5, 5, 3, 3), down="average", up="nearest", padding="zeros",
    ),
    objective=DataFit(z=Noise(channels=32, scale=0.1)),
    optimizer=Adam(lr=0.001),
    max_steps=3100,
)  # fmt: skip

fast = replace(
    paper,
    name="fast",
    title="Feature inversion with a small network (ours, 2026)",
    source="ours, docs/measurements.md: a small network and Muon",
    network=Skip(
        widths=(32,) * 4, widths_skip=16, up="nearest", padding="zeros", norm_concat=False,
        kernel_refine=0,
    ),
    optimizer=Muon(lr=0.02, vector_lr=0.01),
    max_steps=400,
)  # fmt: skip


def _maximizing(recipe: Recipe, title: str, source: str) -> Recipe:
    jittered = DataFit(z=Noise(channels=32, scale=0.1), jitter=0.03)
    return replace(recipe, task="maximize", title=title, source=source, objective=jittered)


INVERT = {"fast": fast, "paper": paper}
"""The recipes of feature inversion."""

MAXIMIZE = {
    "fast": _maximizing(
        fast,
        "Activation maximisation with a small network (ours, 2026)",
        "ours: as feature inversion",
    ),
    "paper": _maximizing(
        paper,
        "Deep Image Prior, activation maximisation (Ulyanov et al., 2018)",
        f"{_DIP}, activation maximisation: as feature inversion, z jittered by .03",
    ),
}
"""The recipes of activation maximisation."""


def find_inversion(recipe: str | Recipe, known: dict[str, Recipe]) -> Recipe:
    """Return the recipe of that name, or the one given.

    Raises:
        InputError: no such name.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if recipe not in known:
        raise InputError(f"no recipe {recipe!r} for this; it has {', '.join(known)}")
    return known[recipe]
