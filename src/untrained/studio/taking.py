"""The file that a job gives, and how an earlier step of the fit becomes it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import torch

from untrained.errors import InputError
from untrained.images import (
    Picture,
    from_unit,
    read_picture,
    shown_range,
    with_pixels,
    write_picture,
)
from untrained.jobs import Job, RunFolder
from untrained.studio.extending import run_of
from untrained.studio.pictures import plain_name
from untrained.studio.queue import Entry
from untrained.studio.workspace import Workspace
from untrained.tasks import find_task

__all__ = ["result_file", "result_name", "take_snapshot"]


def result_file(workspace: Workspace, id_: str) -> Path | None:
    """Return the file that a job gives; None if there is none yet."""
    return next(workspace.job(id_).glob("result.*"), None)


def result_name(entry: Entry, path: Path, pattern: str = "{name}-{task}") -> str:
    """Return what a result is called where it goes: of a pattern with {name}, {task}, {recipe}.

    Raises:
        InputError: a pattern with anything else in braces.
    """
    known = {
        "name": Path(entry.state["picture_name"]).stem,
        "task": entry.request["task"],
        "recipe": entry.request["recipe"],
    }
    for field in re.findall(r"\{(.*?)\}|[{}]", pattern):
        if field not in known:
            names = ", ".join(f"{{{name}}}" for name in known)
            raise InputError(f"pattern is {pattern!r}; wanted a name of text, {names}")
    stem = re.sub(r"\{(.*?)\}", lambda field: str(known[field[1]]), pattern)
    return plain_name(stem + path.suffix)


def take_snapshot(workspace: Workspace, id_: str, job: Job, step: int) -> None:
    """Put the snapshot of a step in place of a job's result, and say so in the run's record.

    Format, depth, alpha and metadata are those of the result. Of a file with more than 16 bits,
    snapshots have 16. The fit's own result is kept: taking its step brings it back.

    Raises:
        InputError: no such snapshot, or one that is not the whole image.
    """
    run = run_of(workspace, id_)
    if run is None:
        raise InputError("the job has not begun; there is nothing to take")
    record = run.read_record()
    if not find_task(job.task).formats.keeps_output:
        raise InputError("of a scan only looks were saved, which hold no complex or real numbers")
    shown, kept = run.path / f"result{job.target.suffix}", run.path / f"kept{job.target.suffix}"
    if not kept.exists():
        shutil.copy(shown, kept)
    picture = read_picture(kept, max_pixels=2**62)
    if step != record["results"][-1]["kept_step"]:
        picture = _with_snapshot(picture, run, job, step)
    write_picture(shown, picture)
    write_picture(job.target, _as_asked(picture, job))
    run.write_record({**record, "taken_step": step})


def _as_asked(picture: Picture, job: Job) -> Picture:
    """Return what is written of a result: weaker, where that was asked for."""
    if not job.afterwards():
        return picture
    before = read_picture(job.source, max_pixels=job.max_pixels)
    return find_task(job.task).finished(before, picture, job.options)


def _with_snapshot(picture: Picture, run: RunFolder, job: Job, step: int) -> Picture:
    path = run.path / "snapshots" / f"step-{step:06d}.png"
    if not path.is_file():
        raise InputError(f"there is no snapshot of step {step}; take one of those that are shown")
    snapshot = read_picture(path).pixels
    if snapshot.shape != picture.pixels.shape:
        got, wanted = ("x".join(map(str, p.shape)) for p in (snapshot, picture.pixels))
        raise InputError(
            f"the snapshot is {got}, the result {wanted} (pages x height x width x channels); "
            "only a whole image can be taken"
        )
    source = read_picture(job.source, max_pixels=job.max_pixels)
    unit_range = shown_range(source.pixels[0])
    pixels = snapshot[0]  # of 8 bits the values of the file
    if source.pixels.dtype != np.uint8 and unit_range is not None:
        unit = snapshot[0] / float(np.iinfo(snapshot.dtype).max)
        pixels = from_unit(torch.from_numpy(unit.transpose(2, 0, 1)[None]), unit_range)
    if picture.alpha is not None and pixels.shape == source.pixels[0].shape:
        # where the result is transparent, it has the colours of the source
        pixels = np.where((picture.alpha[0] == 0)[..., None], picture.pixels[0], pixels)
    return with_pixels(picture, pixels[None])
