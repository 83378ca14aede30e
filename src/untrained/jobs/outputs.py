"""The output of a run: whether it may be written, and how, so that a run knows its own.

result ──▶ run.json: "I am writing a file of this hash" ──▶ the output, renamed ──▶ run.json: done

A run that is killed in between finds its hash in the record, and takes the output for its own.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from untrained.atomic import link_or_copy, make_folder, refuse_input
from untrained.errors import InputError
from untrained.images import Picture, with_pixels
from untrained.jobs.job import Job
from untrained.jobs.runs import RunFolder
from untrained.reading import hash_of
from untrained.tasks import find_task

__all__ = ["check_target", "deliver", "kept_result"]

WRITING = "writing"


def kept_result(job: Job, folder: RunFolder) -> Path:
    """Return the file of the run's own in which the restored picture is kept."""
    return folder.path / f"result{find_task(job.task).formats.kept_suffix(job.target)}"


def check_target(job: Job, picture: Picture, *, ours: bool) -> None:
    """Refuse a target that cannot be written, or is not to be: `ours` = an earlier part made it.

    Raises:
        InputError: it is an input, a file of somebody else, or has no place.
    """
    target = _place(job)
    for name, path in job.inputs().items():
        refuse_input(job.target, path, name)
    if os.path.lexists(target) and not job.overwrite and not ours:
        raise InputError(
            f"{job.target}: exists, and was not made by this command with these settings; "
            "pass --overwrite to replace it"
        )
    task = find_task(job.task)
    shape = task.output_shape(picture.pixels.shape, job.options)
    outcome = np.broadcast_to(picture.pixels.dtype.type(0), shape)  # takes no memory
    alpha = None if picture.alpha is None else outcome[..., 0]
    task.formats.check_writable(job.target, with_pixels(picture, outcome, alpha=alpha))
    for more in _companions(job, target):
        refuse_input(more, job.source, "input")
        if os.path.lexists(more) and not job.overwrite and not ours:
            raise InputError(f"{more}: exists; pass --overwrite to replace it")
    needed = 3 * math.prod(shape) * picture.pixels.itemsize
    parent = next(p for p in target.absolute().parents if p.exists())
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise InputError(
            f"{job.target}: the disk is full ({free / 2**20:.1f} MiB free, "
            f"about {needed / 2**20:.1f} MiB wanted); free some space or write elsewhere"
        )


def deliver(
    job: Job, folder: RunFolder, restored: Picture, wanted: Picture, record: dict[str, Any],
    *, fitted: bool = True,
) -> bool:  # fmt: skip
    """Write what the user asked for: the restored picture, or a weaker one; and the record.

    A run's folder that cannot be written is told in `record["notes"]` and costs no picture.

    Args:
        job: whose target is written.
        folder: of the run.
        restored: the outcome of the fit.
        wanted: what is made of it for the user: the same, or weaker.
        record: what run.json is to say in the end; its `outputs` are completed.
        fitted: whether `restored` is new, and is kept as the run's result.

    Returns:
        whether the record was written.

    Raises:
        InputError: the target cannot be written, or has appeared since it was checked.
    """
    before = dict(record["outputs"])
    formats = find_task(job.task).formats
    kept = kept_result(job, folder)
    extra = folder.path / f"output{formats.suffix(job.target)}"
    made: Path | None = None
    try:
        if fitted:
            formats.keep(kept, restored)
            record["result_sha256"] = hash_of(kept)
        if wanted.pixels is not restored.pixels or not formats.keeps_output:
            formats.write(extra, wanted)
            kept = extra
        record["outputs"] = {**before, hash_of(kept): WRITING}
        made = kept
        folder.write_record({**record, "status": "running"})
    except InputError as error:
        record["notes"].append(f"the run's folder could not be written ({error})")
    place = _place(job)
    make_folder(place.parent)
    if place != job.target:
        record["notes"].append(f"{job.target} is a link; written to {place}")
    if made is None:
        try:
            _check_still_free(job, place, before)
        except FileExistsError:
            raise InputError(_appeared(job, None)) from None
        formats.write(place, wanted)
    else:
        place = _put(job, made, place, record)
    record["outputs"] = {**before, hash_of(place): record["status"]}
    with contextlib.suppress(OSError):  # else the next run of these settings replaces it
        for path in (extra, *formats.companions(extra)):
            path.unlink(missing_ok=True)
    try:
        folder.write_record(record)
    except InputError as error:
        record["notes"].append(f"the run's record could not be written ({error})")
        return False
    return True


def _put(job: Job, made: Path, place: Path, record: dict[str, Any]) -> Path:
    """Give a finished file the name of the target, and return it; refuse what has appeared."""
    try:
        _check_still_free(job, place, record["outputs"])
        replaces = job.overwrite or os.path.lexists(place)
        for old, new in zip(_companions(job, made), _companions(job, place), strict=True):
            link_or_copy(old, new, replace=replaces)
        link_or_copy(made, place, replace=replaces)
    except FileExistsError:
        if job.keep_run:
            raise InputError(_appeared(job, made)) from None
        # it is kept nowhere else
        names = (place.with_stem(f"{place.stem}-{n}") for n in itertools.count(2))
        place = next(name for name in names if not os.path.lexists(name))
        for old, new in zip(_companions(job, made), _companions(job, place), strict=True):
            link_or_copy(old, new, replace=False)
        link_or_copy(made, place, replace=False)
        record["notes"].append(f"{job.target} appeared meanwhile; written to {place}")
    return place


def _companions(job: Job, path: Path) -> tuple[Path, ...]:
    """Return the files that are written beside an output of this name."""
    return find_task(job.task).formats.companions(path)


def _check_still_free(job: Job, place: Path, outputs: Mapping[str, str]) -> None:
    """Raise FileExistsError if there is a file that may not be replaced."""
    if os.path.lexists(place) and not job.overwrite and hash_of(place) not in outputs:
        raise FileExistsError(f"{place} exists")


def _appeared(job: Job, made: Path | None) -> str:
    kept = "" if made is None else f"the picture is {made}; copy it, or "
    return (
        f"{job.target}: appeared while the fit ran, and is not replaced; "
        f"{kept}run this again with --overwrite"
    )


def _place(job: Job) -> Path:
    """Return where the target really lies: a link is followed, as by any program that writes.

    Raises:
        InputError: it leads in a circle.
    """
    if not job.target.is_symlink():
        return job.target
    place = Path(os.path.realpath(job.target))
    if place.is_symlink():
        raise InputError(f"{job.target}: is a link that leads in a circle; give another output")
    return place
