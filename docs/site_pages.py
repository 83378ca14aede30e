"""The pages of the site that are made of the package itself: recipes, the API, the theory's figures."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import untrained
from untrained.recipes import RECIPES, Recipe, explain

__all__ = ["write"]

_ROOMS = {
    "operators": "Operators",
    "networks": "Networks and codes",
    "objectives": "Objectives and losses",
    "fitting": "Fits: stop rules, optimizers, observers, results",
    "noise": "Noise",
    "recipes": "Recipes",
}


def write(folder: Path, *, draft: bool = False) -> None:
    """Write recipes.md and api.md into a folder where they differ, and the figures' folder.

    As a draft the figures are of a few steps, and stand where there are none.
    """
    _write(folder / "recipes.md", _recipes())
    _write(folder / "api.md", _api())
    import theory_figures

    theory_figures.draw(folder / "_static" / "theory", draft=draft)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _recipes() -> str:
    lines = [
        "# Recipes", "",
        "A recipe is every setting of a fit: network, objective, optimizer, stop rule, average. Those named",
        "*fast* and *best* are ours; the others are as their papers or the authors' code have them.",
        "`--recipe NAME` takes one, `--set NAME=VALUE` changes it; `untrained recipes TASK/NAME` lists it.", "",
    ]  # fmt: skip
    for task, recipes in RECIPES.items():
        lines += [f"## {task}", ""]
        for recipe in recipes.values():
            lines += _recipe(recipe)
    return "\n".join(lines) + "\n"


def _recipe(recipe: Recipe) -> list[str]:
    rows = [f"| `{name}` | `{value}` | {_cell(help_)} |" for name, value, help_ in explain(recipe)]
    return [
        f"### {recipe.task}/{recipe.name}", "", _text(recipe.title or recipe.name), "",
        _text(recipe.source), "",
        ":::{dropdown} Every setting",
        "| setting | value | |", "| --- | --- | --- |", *rows, ":::", "",
    ]  # fmt: skip


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def _text(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace("*", "\\*").replace("$", "\\$")


def _api() -> str:
    lines = [
        "# API", "",
        "Everything that `import untrained` gives. Images are (H, W) or (H, W, C) arrays of any dtype and",
        "range; tensors are (batch, channels, height, width).", "",
    ]  # fmt: skip
    names = [name for name in untrained.__all__ if name not in _ROOMS and name != "__version__"]
    functions = [name for name in names if inspect.isfunction(getattr(untrained, name))]
    classes = [name for name in names if inspect.isclass(getattr(untrained, name))]
    lines += ["## Functions", "", *_directives("autofunction", "untrained", functions)]
    lines += ["## Classes", "", *_directives("autoclass", "untrained", classes)]
    for room, title in _ROOMS.items():
        module = getattr(untrained, room)
        inside = [name for name in module.__all__ if name not in names]
        lines += [f"## {title}", "", f"`untrained.{room}`", ""]
        for name in inside:
            value = getattr(module, name)
            kind = (
                "autoclass" if inspect.isclass(value)
                else "autofunction" if inspect.isfunction(value)
                else ""
            )  # fmt: skip
            if kind:
                lines += _directives(kind, f"untrained.{room}", [name])
    return "\n".join(lines) + "\n"


def _directives(kind: str, module: str, names: list[str]) -> list[str]:
    lines = []
    for name in names:
        value = getattr(__import__(module, fromlist=[name]), name)
        hidden = dataclasses.is_dataclass(value) or kind != "autoclass"
        options = [":no-members:"] if hidden and kind == "autoclass" else []
        lines += ["```{eval-rst}", f".. {kind}:: {module}.{name}", "   :no-index-entry:"]
        lines += [f"   {option}" for option in options] + ["```", ""]
    return lines
