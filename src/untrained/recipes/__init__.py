"""Recipes: every setting of a fit, frozen, named and cited; one task a file."""

from untrained.recipes.changes import closest_setting, with_settings
from untrained.recipes.explained import changes_of, explain
from untrained.recipes.foreign import find_object
from untrained.recipes.recipe import Recipe
from untrained.recipes.reconstruct import RECONSTRUCT, find_reconstruction
from untrained.recipes.registry import RECIPES, as_recipe, find_recipe
from untrained.recipes.settings import decode, encode, flatten

__all__ = [
    "RECIPES",
    "RECONSTRUCT",
    "Recipe",
    "as_recipe",
    "changes_of",
    "closest_setting",
    "decode",
    "encode",
    "explain",
    "find_object",
    "find_recipe",
    "find_reconstruction",
    "flatten",
    "with_settings",
]
