"""Tasks and recipes as data for the page."""

from __future__ import annotations

import functools
import re

from untrained.recipes import RECIPES, Recipe, explain
from untrained.studio.forms import FILES, TITLES, option_forms
from untrained.studio.models import FileForm, RecipeForm, Setting, TaskForm
from untrained.tasks import TASKS

__all__ = ["describe_tasks", "settings_of"]


@functools.cache
def describe_tasks() -> list[TaskForm]:
    """Return every task with its recipes."""
    return [
        TaskForm(
            name=name,
            title=TITLES.get(name, (name.capitalize(), ""))[0],
            description=TITLES.get(name, ("", ""))[1],
            takes="scan" if task.formats.what == "scan" else "picture",
            files=[_file(name, file) for file in task.files],
            options=list(option_forms(name)),
            recipes=[_recipe(recipe) for recipe in RECIPES.get(name, {}).values()],
        )
        for name, task in TASKS.items()
    ]


def settings_of(recipe: Recipe) -> list[Setting]:
    """Return every setting of a recipe with its explanation."""
    return [Setting(name=name, value=value, help=help_) for name, value, help_ in explain(recipe)]


def _file(task: str, name: str) -> FileForm:
    plain = FileForm(name=name, label=name.capitalize(), help="", required=False, accepts="")
    return FILES.get(f"{task}/{name}") or FILES.get(name, plain)


def _recipe(recipe: Recipe) -> RecipeForm:
    return RecipeForm(
        name=recipe.name,
        title=recipe.title or recipe.name.replace("-", " ").capitalize(),
        description=recipe.source,
        cites=", ".join(re.findall(r"arXiv \d{4}\.\d{4,5}", recipe.source)),
        settings=settings_of(recipe),
    )
