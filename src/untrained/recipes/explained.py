"""The settings of a recipe in words, taken from where they are documented: the docstrings."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

from untrained.recipes.changes import with_settings
from untrained.recipes.recipe import Recipe
from untrained.recipes.settings import flatten

__all__ = ["changes_of", "explain", "shown"]

_ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*): (.*)$")


def explain(recipe: Recipe) -> list[tuple[str, str, str]]:
    """Return (dotted name, value as `--set` takes it, one sentence or "") of every setting."""
    return [
        (name, shown(value), _help(recipe, name.split(".")))
        for name, value in flatten(recipe).items()
    ]


def shown(value: Any) -> str:
    """Return a value as `--set` takes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(shown, value)) if isinstance(value, tuple) else str(value)


def changes_of(recipe: Recipe, base: Recipe) -> dict[str, str] | None:
    """Return what `with_settings(base, …)` must be told to give the recipe; None = it cannot."""
    changes: dict[str, str] = {}
    reached = base
    while True:  # a new kind brings new fields, which may have to change in turn
        have = flatten(reached)
        new = {
            name: shown(value)
            for name, value in flatten(recipe).items()
            if name in have and have[name] != value and name not in changes
        }
        if not new:
            break
        try:
            reached = with_settings(base, changes | new)
        except (ValueError, KeyError):
            return None
        changes |= new
    return changes if reached == recipe else None


def _help(settings: Any, path: list[str]) -> str:
    head, *rest = path
    value = getattr(settings, head)
    if rest:
        return _help(value, rest)
    text = _documented(type(settings)).get(head, "")
    if dataclasses.is_dataclass(value):
        own = inspect.getdoc(type(value)) or ""
        return own.partition("\n")[0].replace("`", "")
    return text


def _documented(kind: type) -> dict[str, str]:
    """Return what the "Attributes:" of a class say of each."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[1:-1]):
        found |= _documented(base)
    names: list[str] = []
    _, _, section = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    for line in section.splitlines():
        text = line.strip()
        entry = _ATTRIBUTE.match(text) if line.startswith("    ") and line[4:5] != " " else None
        if entry:
            names = entry[1].split(", ")
            found |= dict.fromkeys(names, entry[2])
        elif text and names:
            found |= {name: f"{found[name]} {text}" for name in names}
        else:
            names = []
    return {name: text[:1].upper() + text[1:].replace("`", "") for name, text in found.items()}
