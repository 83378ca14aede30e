"""Recipes by task and name; one task a file."""

from __future__ import annotations

from untrained.errors import InputError, did_you_mean
from untrained.recipes import (
    deblur,
    deblur_blind,
    decompose,
    dehaze,
    deinterlace,
    dejpeg,
    demosaic,
    denoise,
    flash,
    inpaint,
    upscale,
)
from untrained.recipes.explained import changes_of, explain
from untrained.recipes.recipe import Recipe
from untrained.recipes.settings import decode, encode, flatten, with_settings

__all__ = [
    "RECIPES",
    "Recipe",
    "changes_of",
    "decode",
    "encode",
    "explain",
    "find_recipe",
    "flatten",
    "with_settings",
]

RECIPES: dict[str, dict[str, Recipe]] = {
    module.TASK: {recipe.name: recipe for recipe in module.RECIPES}
    for module in (
        denoise,
        inpaint,
        upscale,
        deblur,
        deblur_blind,
        dejpeg,
        flash,
        demosaic,
        deinterlace,
        decompose,
        dehaze,
    )
}  # fmt: skip
"""Every recipe: RECIPES["denoise"]["paper"]."""


def find_recipe(task: str, name: str) -> Recipe:
    """Return a recipe of a task.

    Raises:
        InputError: no such task or recipe; names the closest one.
    """
    if task not in RECIPES:
        raise InputError(f"no task {task!r}; wanted one of {', '.join(RECIPES)}")
    known = RECIPES[task]
    if name not in known:
        hint = did_you_mean(name, known)
        raise InputError(f"no recipe {name!r} for {task}; {hint}it has {', '.join(known)}")
    return known[name]
