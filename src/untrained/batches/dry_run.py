"""What a batch would take, before anything is fitted."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from untrained.batches.addresses import is_remote, local
from untrained.batches.entries import Entry, Settings
from untrained.batches.finding import entries_in
from untrained.batches.footprint import PROCESS, footprint_of
from untrained.batches.sizes import sides_of
from untrained.errors import FailedError, InputError
from untrained.fitting import Plan
from untrained.memory import free_memory
from untrained.restoring import plan_picture, step_ratio, timed_from
from untrained.tasks import Asked, Unread, find_task

__all__ = ["DryRun", "look_at_batch"]

_SIZES = 40  # sizes of which a plan is made; the others go by the nearest of these


@dataclass(kw_only=True, slots=True)
class DryRun:
    """What a batch would take.

    Attributes:
        pictures: that would be fitted.
        pixels: of their first pages, in all; of those whose header says it.
        seconds: that a worker takes for all of them; None = a pace is not known.
        between: the least and the most that it may be: fits stop early, other programs run.
        planned: how many pictures that is of.
        threads: of a worker, so that core-hours are seconds x threads / 3600.
        memory_bytes: the most that a worker needs, its process included.
        workers_by_memory: so many workers have room on this machine; None = cannot be told.
        refused: entries and reasons; at most a hundred are named.
        refused_count: how many there are.
        unread: entries on other machines, which are not fetched for this.
    """

    pictures: int = 0
    pixels: int = 0
    seconds: float | None = None
    between: tuple[float, float] = (0.0, 0.0)
    planned: int = 0
    threads: int = 1
    memory_bytes: int = 0
    workers_by_memory: int | None = None
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_count: int = 0
    unread: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        hours = None if self.seconds is None else self.seconds * self.threads / 3600
        return {
            "pictures": self.pictures, "megapixels": round(self.pixels / 1e6, 3),
            "worker_seconds": self.seconds, "core_hours": hours, "planned": self.planned,
            "worker_seconds_between": None if self.seconds is None else self.between,
            "memory_bytes_a_worker": self.memory_bytes,
            "workers_by_memory": self.workers_by_memory,
            "refused": self.refused_count, "unread": self.unread,
            "reasons": dict(self.refused),
        }  # fmt: skip


Kind = tuple[str, int, int, int, str]
"""Task, height, width, channels, suffix: a JPEG's noise is another, and takes other steps."""


def look_at_batch(
    inputs: Sequence[str], settings: Settings, *, threads: int | None = None
) -> DryRun:
    """Return what the entries of a batch would take on this machine; nothing is fitted in full.

    A picture of each size is planned: by the time that earlier fits of the kind took, else by
    steps that are timed on a crop of it. What an earlier part of the batch has done is not taken
    off. That fits stop before their most steps is known from earlier ones; where there are none the
    time is rather too long than too short.

    Raises:
        InputError: as `entries_in`; settings that do not do.
    """
    settings.check()
    found = DryRun(threads=threads or os.cpu_count() or 1)
    kinds: Counter[Kind] = Counter()
    examples: dict[Kind, Entry] = {}
    for entry in entries_in(inputs, settings):
        try:
            if entry.bad:
                raise InputError(entry.bad)
            settings.options_of(entry)
            if is_remote(entry.source):
                found.unread += 1
                continue
            find_task(entry.task).formats.check(local(entry.source))
        except InputError as error:
            found.refused_count += 1
            if len(found.refused) < 100:
                found.refused.append((entry.source, str(error)))
            continue
        found.pictures += 1
        sides = sides_of(local(entry.source)) or (0, 0, 0)
        found.pixels += sides[0] * sides[1]
        kind = (entry.task, *sides, os.path.splitext(entry.source)[1].lower())  # noqa: PTH122
        kinds[kind] += 1
        if len(examples) < _SIZES:
            examples.setdefault(kind, entry)
    before = torch.get_num_threads()
    torch.set_num_threads(found.threads)
    try:
        _plan(found, settings, kinds, examples)
    finally:
        torch.set_num_threads(before)
    return found


def _plan(
    found: DryRun, settings: Settings, kinds: Counter[Kind], examples: dict[Kind, Entry]
) -> None:
    plans: dict[Kind, Plan] = {}
    for kind, entry in examples.items():
        try:
            plans[kind] = _planned(entry, settings)
        except (InputError, FailedError) as error:
            found.refused_count += kinds[kind]
            found.pictures -= kinds[kind]
            found.refused.append((entry.source, f"{error} (as all of {kinds[kind]} of its size)"))
            kinds[kind] = 0
    for kind, count in kinds.items():
        alike = [other for other in plans if other[0] == kind[0]]
        if not count or not alike:
            continue
        near = min(
            alike,
            key=lambda other: (other[3:] != kind[3:], abs(_area(other) - _area(kind))),
        )
        plan = plans[near]
        found.memory_bytes = max(found.memory_bytes, _of_a_worker(plan, examples[near], settings))
        if plan.seconds is not None:
            scale = 1.0 if near == kind else step_ratio(_area(kind), _area(near))
            scale *= count
            found.seconds = (found.seconds or 0.0) + scale * plan.share * plan.seconds
            least, most = plan.between or (plan.seconds, plan.seconds)
            found.between = found.between[0] + scale * least, found.between[1] + scale * most
            found.planned += count
    free = free_memory()
    if free is not None and found.memory_bytes:
        found.workers_by_memory = free // found.memory_bytes


def _of_a_worker(plan: Plan, entry: Entry, settings: Settings) -> int:
    """Return the bytes that a worker needs: what bounds the workers, and all pages of a window."""
    fit = plan.memory_bytes if plan.device == "cpu" else 0
    return max(footprint_of(entry, settings), PROCESS + fit)


def _area(kind: Kind) -> int:
    return max(1, math.prod(kind[1:3]))


def _planned(entry: Entry, settings: Settings) -> Plan:
    """Return the plan of an entry's fit."""
    task, options, source = find_task(entry.task), settings.options_of(entry), local(entry.source)
    files = {
        name: Path(local(place))
        for name, place in settings.files_of(entry).items()
        if not is_remote(place)
    }
    picture = task.read(Unread(
        source=source, files=files, options=options, seed=settings.seed,
        max_pixels=settings.max_pixels,
    ))  # fmt: skip
    asked = Asked(source=source, picture=picture, files=files, options=options)
    recipe = task.recipe(settings.recipe_of(entry.task), options)
    with timed_from(0):
        return plan_picture(
            picture, recipe=recipe, given=task.measured(asked) or task.given(asked),
            seed=settings.seed, device=settings.device, windows=task.windows(picture, options)[0],
        )  # fmt: skip
