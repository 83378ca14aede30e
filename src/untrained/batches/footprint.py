"""How much memory a worker needs for an entry, from its header alone.

    process + 44 bytes x values of the picture + what the planner predicts of the fit

A worker of this machine or a cluster is begun only where that has room.
"""

from __future__ import annotations

import functools
import json
import math

import torch

from untrained.batches.addresses import is_remote, local
from untrained.batches.entries import Entry, Settings
from untrained.batches.sizes import sides_of
from untrained.errors import InputError
from untrained.fitting import pick_device
from untrained.objectives import Problem
from untrained.recipes import find_recipe, with_settings
from untrained.restoring import memory_in_parts
from untrained.tasks import Formats, find_task

__all__ = ["PROCESS", "footprint_of"]

PROCESS = 600 * 2**20
"""Bytes of a worker besides its fit: the interpreter, torch, the second stage of `denoise`.

Measured, less what is counted of picture and fit: 369 MiB at 64² and 491 at 512² of one channel,
557 at 256² of three."""

_COPIES = 44  # bytes a value of a picture that is read, made a tensor, and written


def footprint_of(entry: Entry, settings: Settings, *, gpu: bool | None = None) -> int:
    """Return the bytes of the machine's memory that a worker needs for an entry.

    Where the header does not tell the size (a scan, a file on another machine) the fit is not
    counted; it checks its own memory before it begins. Neither is it on a GPU, which has its own.

    Args:
        entry: what is to be fitted.
        settings: of its batch.
        gpu: whether the fit is on a GPU; None = if this machine would do it on one.
    """
    if is_remote(entry.source):
        return PROCESS
    sides = sides_of(local(entry.source))
    if sides is None:
        return PROCESS
    try:
        if gpu is None:
            gpu = pick_device(settings.device).type == "cuda"
        options = settings.options_of(entry)
        changes = tuple(settings.changes.items())
        text = json.dumps(options, sort_keys=True, default=str)
        fit = 0 if gpu else _fit(entry.task, settings.recipe, changes, text, sides)
    except InputError:  # as the worker will say
        return PROCESS
    return PROCESS + _COPIES * math.prod(sides) + fit


@functools.lru_cache(maxsize=256)
def _fit(
    task: str, recipe: str, changes: tuple[tuple[str, str], ...], options: str,
    sides: tuple[int, int, int],
) -> int:  # fmt: skip
    """Return the bytes that a fit needs, by what decides it."""
    found = find_task(task)
    if type(found.formats) is not Formats:
        return 0  # of a scan the image's size is known when it is read
    chosen = json.loads(options)
    _, height, width, channels = found.output_shape((1, *sides), chosen)
    channels -= channels in (2, 4)  # transparency is not fitted
    image = torch.zeros(1, channels, 1, 1).expand(-1, -1, height, width)
    wanted = found.recipe(with_settings(find_recipe(task, recipe), dict(changes)), chosen)
    return memory_in_parts(wanted, Problem(observed=image), None)[0]
