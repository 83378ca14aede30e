"""Reconstruction through any linear operator. Not among `RECIPES`: there is no picture file."""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.errors import InputError, did_you_mean
from untrained.fitting import Adam, HeldOut, Muon
from untrained.networks import Noise, Skip
from untrained.objectives import DataFit
from untrained.recipes.recipe import Recipe
from untrained.recipes.registry import as_recipe, find_recipe

__all__ = ["AUTO", "RECONSTRUCT", "find_reconstruction"]

AUTO = "auto"
"""The name that stands for the recipe that the operator calls for."""

fast = Recipe(
    name="fast",
    title="Deep Image Prior on a small network, stopped by held-out measurements (ours, 2026)",
    task="reconstruct",
    source="ours, docs/measurements.md (beside deepinv): the network of inpaint/fast without a "
    "sigmoid, fed a code, stopped by held-out measurements",
    network=Skip(
        widths=(32, 32, 32, 32), widths_skip=16, padding="zeros", norm_concat=False,
        kernel_refine=3, output="linear",
    ),
    objective=DataFit(z=Noise(channels=16, scale=0.1), jitter=0.03),
    optimizer=Muon(lr=0.01, vector_lr=0.01),
    max_steps=1000,
    stopper=HeldOut(fraction=0.05, patience=200),
    average=ExponentialAverage(decay=0.98, warm_up=True),
)  # fmt: skip

paper = replace(
    fast,
    name="paper",
    title="Deep Image Prior (Ulyanov et al., 2018) with a linear output",
    source="Ulyanov, Vedaldi & Lempitsky, Deep Image Prior, arXiv 1711.10925, the settings of "
    "denoising (z jittered by 1/30, Adam at .01, average of .99, 1800 steps); no sigmoid, since a "
    "reconstruction may be negative",
    network=Skip(output="linear"),
    objective=DataFit(z=Noise(channels=32, scale=0.1), jitter=1 / 30),
    optimizer=Adam(lr=0.01),
    max_steps=1800,
    average=ExponentialAverage(decay=0.99),
)

RECONSTRUCT = {recipe.name: recipe for recipe in (fast, paper)}
"""The recipes that need nothing of an operator but that it is differentiable."""


def find_reconstruction(
    recipe: str | Recipe, *, direct: bool = False, holes: bool = False, noisy: bool = False
) -> Recipe:
    """Return the recipe of that name, "TASK/NAME" that of a task, or the one given.

    `auto` is denoise/fast where y is the image itself (`direct`), inpaint/fast where some of it is
    missing (`holes`) too, with all pixels the network's where y is said to be `noisy`, and else
    `fast`.

    Raises:
        InputError: no such name.
    """
    if recipe == AUTO and direct and holes:
        found = find_recipe("inpaint", "fast")
        return replace(found, exact_known=False) if noisy else found
    if recipe == AUTO:
        return find_recipe("denoise", "fast") if direct else fast
    if isinstance(recipe, str) and "/" not in recipe:
        if recipe not in RECONSTRUCT:
            known = (AUTO, *RECONSTRUCT)
            hint = did_you_mean(recipe, known)
            raise InputError(
                f"no recipe {recipe!r} for any operator; {hint}it has {', '.join(known)}, "
                "or name that of a task: TASK/NAME"
            )
        return RECONSTRUCT[recipe]
    return as_recipe(recipe)
