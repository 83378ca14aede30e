"""What a batch is of: one entry a picture, and what all of them share."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from untrained.batches.addresses import join
from untrained.batches.options import complete
from untrained.recipes import Recipe, encode, find_recipe, with_settings
from untrained.tasks import find_task

__all__ = ["STATE", "Entry", "Settings", "target_of"]

STATE = "untrained-batch"
"""The folder of a batch's ledger, beside its outputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A picture to restore.

    Attributes:
        source: a file or an address.
        target: the output, likewise.
        task: a name of `TASKS`.
        options: of the task, those given.
        files: beside the picture, by name; files or addresses.
        truth: likewise, for scoring.
        bad: why this is none, "" = it is one.
    """

    source: str
    target: str
    task: str
    options: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    truth: str | None = None
    bad: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the entries of a batch share.

    Attributes:
        output: the folder of the outputs, or its address.
        task: of the entries that name none.
        recipe, changes: of every fit; the recipe's name, and what is changed of it by name.
        options, files: of the entries of `task` that do not say them themselves.
        seed, device, max_pixels, checkpoint_every: as for a `Job`.
        overwrite: whether files that this batch has not made are replaced.
        keep_runs: whether the runs' folders are kept.
        recursive: whether the subfolders of folders are taken, too.
        suffix: of the outputs that are not named; None = that of the input.
    """

    output: str
    task: str
    recipe: str = "fast"
    changes: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    max_pixels: int = 250_000_000
    checkpoint_every: float = 20.0
    overwrite: bool = False
    keep_runs: bool = False
    recursive: bool = False
    suffix: str | None = None

    def __post_init__(self) -> None:
        # a worker on another machine may be in another folder
        files = {name: join(".", place) for name, place in self.files.items()}
        object.__setattr__(self, "files", files)

    def recipe_of(self, task: str) -> Recipe:
        """Return the recipe of a task's fits. Raises InputError: there is none, no such setting."""
        return _recipe(task, self.recipe, tuple(self.changes.items()))[0]

    def check(self) -> None:
        """Refuse a task, an option, a recipe or a setting that there is not.

        Raises:
            InputError: one is.
        """
        complete(self.task, self.options)
        self.recipe_of(self.task)

    def options_of(self, entry: Entry) -> dict[str, Any]:
        """Return all options of an entry. Raises InputError: as `complete`."""
        shared = self.options if entry.task == self.task else {}
        return complete(entry.task, {**shared, **entry.options})

    def files_of(self, entry: Entry) -> dict[str, str]:
        """Return the files beside an entry's picture."""
        return {**(self.files if entry.task == self.task else {}), **entry.files}

    def key(self, entry: Entry) -> str:
        """Return what tells this piece of work from all others; the truth is no part of it.

        Raises:
            InputError: the entry's options do not do.
        """
        parts = [
            entry.source, entry.target, entry.task, self.options_of(entry), self.files_of(entry),
            _recipe(entry.task, self.recipe, tuple(self.changes.items()))[1], self.seed,
            self.device,
        ]  # fmt: skip
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.sha256(os.fsencode(text)).hexdigest()[:24]


@functools.lru_cache(maxsize=64)
def _recipe(task: str, name: str, changes: tuple[tuple[str, str], ...]) -> tuple[Recipe, str]:
    """Return a recipe, and what tells it from others."""
    recipe = with_settings(find_recipe(task, name), dict(changes))
    return recipe, hashlib.sha256(json.dumps(encode(recipe), sort_keys=True).encode()).hexdigest()


def target_of(name: str, task: str, settings: Settings) -> str:
    """Return where the output of an input of this name goes."""
    path = Path(name)
    suffix = settings.suffix or find_task(task).formats.output_suffix(path)
    return join(settings.output, path.with_suffix(suffix).as_posix())
