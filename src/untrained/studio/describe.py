"""Tasks and recipes as data for the page; settings are explained by their classes' docstrings."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from typing import Any

from untrained.recipes import RECIPES, Recipe, flatten
from untrained.studio.forms import FILES, TITLES, option_forms
from untrained.studio.models import FileForm, RecipeForm, Setting, TaskForm
from untrained.tasks import TASKS

__all__ = ["describe_tasks", "explain", "settings_of", "value_as_text"]


@functools.cache
def describe_tasks() -> list[TaskForm]:
    """Return every task with its recipes."""
    return [
        TaskForm(
            name=name,
            title=TITLES.get(name, (name.capitalize(), ""))[0],
            description=TITLES.get(name, ("", ""))[1],
            files=[_file(file) for file in task.files],
            options=list(option_forms(name)),
            recipes=[_recipe(recipe) for recipe in RECIPES.get(name, {}).values()],
        )
        for name, task in TASKS.items()
    ]


def settings_of(recipe: Recipe) -> list[Setting]:
    """Return every setting of a recipe with its explanation."""
    return [
        Setting(name=name, value=value_as_text(value), help=explain(recipe, name))
        for name, value in flatten(recipe).items()
    ]


def explain(recipe: Recipe, name: str) -> str:
    """Return what a setting does: the class of a part, or its line under "Attributes"."""
    owner: Any = recipe
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    value = getattr(owner, last)
    words = _attributes(type(owner)).get(last, "")
    if dataclasses.is_dataclass(value):
        return _first_paragraph(type(value))
    return words or f"Of {type(owner).__name__}: {_first_paragraph(type(owner))}"


def value_as_text(value: Any) -> str:
    """Return a setting as `--set` takes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return ",".join(map(value_as_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _file(name: str) -> FileForm:
    plain = FileForm(name=name, label=name.capitalize(), help="", required=False, accepts="")
    return FILES.get(name, plain)


def _recipe(recipe: Recipe) -> RecipeForm:
    cites = ", ".join(re.findall(r"arXiv \d{4}\.\d{4,5}", recipe.source))
    return RecipeForm(
        name=recipe.name,
        title=recipe.name.replace("-", " ").capitalize(),
        description=recipe.source,
        cites=cites,
        settings=settings_of(recipe),
    )


@functools.cache
def _attributes(kind: type) -> dict[str, str]:
    """Return the lines under "Attributes:" of a class's docstring, by the names they are for."""
    _, _, text = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    section = re.split(r"\n(?=\S)", text)[0]
    entries = re.findall(r"^    ([a-z_, ]+): (.*(?:\n {5,}.*)*)", section, flags=re.M)
    return {
        name.strip(): " ".join(words.split())
        for names, words in entries
        for name in names.split(",")
    }


@functools.cache
def _first_paragraph(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
