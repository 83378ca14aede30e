"""The command and the lines of Python that make a run's result again."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from untrained.errors import InputError
from untrained.images import output_suffix
from untrained.recipes import Recipe, changes_of, find_recipe
from untrained.tasks import find_task

__all__ = ["command_of", "python_of"]

_PLAIN: dict[str, Any] = {"device": "auto", "seed": 0}
_COMMANDS = {"deblur-blind": "deblur"}  # where they differ from their tasks


def command_of(job: dict[str, Any], recipe: Recipe | None) -> str:
    """Return the command, for the folder that holds the input; "" if there is none.

    Args:
        job: as run.json has it.
        recipe: what it holds; None = it can no longer be read.
    """
    changes = _changes(recipe, job)
    if recipe is None or changes is None:
        return ""
    source = Path(job["source"])
    words = ["untrained", _COMMANDS.get(job["task"], job["task"]), source.name]
    if Path(job["target"]) != source.with_name(
        f"{source.stem}-{job['task']}{output_suffix(source)}"
    ):
        words += ["-o", _from(source, job["target"])]
    for name, path in job["files"].items():
        words += [f"--{name.replace('_', '-')}", _from(source, path)]
    for name, value in job["options"].items():
        if name in job["files"]:  # the file is what was chosen
            continue
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            words += [flag, str(value)]
    if recipe.name != "fast":
        words += ["--recipe", recipe.name]
    for name, text in changes.items():
        words += ["--set", f"{name}={text}"]
    if job["truth"] is not None:
        words += ["--truth", _from(source, job["truth"])]
    for name, plain in _PLAIN.items():
        if job[name] != plain:
            words += [f"--{name}", str(job[name])]
    return shlex.join(words)


def python_of(job: dict[str, Any], recipe: Recipe | None) -> str:
    """Return the same in Python; "" if the recipe can no longer be read."""
    if recipe is None:
        return ""
    source = Path(job["source"])
    changes = _changes(recipe, job)
    if changes is None:
        imports = "import json\n", "from untrained.recipes import decode"
        chosen = "decode(json.loads(Path('run.json').read_text())['job']['recipe'])"
    else:
        names = "find_recipe, with_settings" if changes else "find_recipe"
        imports = "", f"from untrained import {names}"
        chosen = f"find_recipe({job['task']!r}, {recipe.name!r})"
        if changes:
            inside = "".join(f"    {name!r}: {text!r},\n" for name, text in changes.items())
            chosen = f"with_settings({chosen}, {{\n{inside}}})"
    lines = [
        f"{imports[0]}from pathlib import Path",
        "",
        imports[1],
        "from untrained.jobs import Job, run_job",
        "",
        f"recipe = {chosen}",
        "job = Job(",
        f"    task={job['task']!r},",
        f"    source=Path({source.name!r}),",
        f"    target=Path({_from(source, job['target'])!r}),",
        "    recipe=recipe,",
    ]
    if job["files"]:
        inside = ", ".join(f"{n!r}: Path({_from(source, p)!r})" for n, p in job["files"].items())
        lines.append(f"    files={{{inside}}},")
    if job["options"]:
        lines.append(f"    options={job['options']!r},")
    if job["truth"] is not None:
        lines.append(f"    truth=Path({_from(source, job['truth'])!r}),  # for scoring only")
    lines += [f"    {n}={job[n]!r}," for n, plain in _PLAIN.items() if job[n] != plain]
    lines += [")", "outcome = run_job(job)", "print(outcome.folder)"]
    return "\n".join(lines)


def _changes(recipe: Recipe | None, job: dict[str, Any]) -> dict[str, str] | None:
    """Return how the recipe differs from the one of its name; None if `--set` cannot say it.

    What the task's options have made of it is said by these.
    """
    if recipe is None:
        return None
    try:
        named = find_recipe(recipe.task, recipe.name)
        return changes_of(recipe, find_task(job["task"]).recipe(named, job["options"]))
    except InputError:
        return None


def _from(source: Path, path: str) -> str:
    """Return a path as seen from the folder of the input."""
    try:
        return os.path.relpath(path, source.parent)
    except ValueError:  # another drive
        return path
