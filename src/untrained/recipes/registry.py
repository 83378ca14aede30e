"""Every recipe, by task and name."""

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
    sensing,
    upscale,
)
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "as_recipe", "find_recipe"]

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
        sensing,
    )
}  # fmt: skip
"""Every recipe: RECIPES["denoise"]["paper"]."""


def find_recipe(task: str, name: str) -> Recipe:
    """Return a recipe of a task.

    Raises:
        InputError: no such task or recipe; names the closest one.
    """
    if task not in RECIPES:
        hint = did_you_mean(task, RECIPES)
        raise InputError(f"no task {task!r}; {hint}wanted one of {', '.join(RECIPES)}")
    known = RECIPES[task]
    if name not in known:
        hint = did_you_mean(name, known)
        raise InputError(f"no recipe {name!r} for {task}; {hint}it has {', '.join(known)}")
    return known[name]


def as_recipe(recipe: str | Recipe, *, task: str | None = None) -> Recipe:
    """Return a recipe as it is, or that of a name: "TASK/NAME", or "NAME" of the task.

    Raises:
        InputError: no such task or recipe; a name without a task where none is understood.
    """
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str):
        raise InputError(
            f"recipe is a {type(recipe).__name__}; wanted a recipe, or the name of one: TASK/NAME"
        )
    named, slash, name = recipe.partition("/")
    if slash:
        return find_recipe(named, name)
    if task is None:
        raise InputError(f"recipe is {recipe!r}; wanted TASK/NAME, for example denoise/{recipe}")
    return find_recipe(task, recipe)
