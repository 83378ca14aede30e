"""An earlier step of a fit as the result to download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.arrays import from_unit, to_unit
from untrained.errors import InputError
from untrained.images import read_picture, with_pixels, write_picture
from untrained.runs import RunFolder
from untrained.studio.extending import run_of
from untrained.studio.models import JobRequest
from untrained.studio.queue import Entry
from untrained.studio.requests import Requests
from untrained.studio.workspace import Workspace

__all__ = ["snapshot_file", "take_snapshot"]


def take_snapshot(workspace: Workspace, requests: Requests, entry: Entry, step: int) -> None:
    """Write the snapshot of a step in place of a job's result, and say so in the run's record.

    Depth, range, alpha and metadata are those of the result. A snapshot of a file with more than
    16 bits has 16. The fit's own result stays in the run's folder.

    Raises:
        InputError: no such snapshot, or one that is not the whole image.
    """
    run = run_of(workspace, entry.id)
    path = None if run is None else snapshot_file(run, step)
    if run is None or path is None:
        raise InputError(f"there is no snapshot of step {step}; take one of those that are shown")
    request = JobRequest.model_validate(entry.request)
    job = requests.job(entry.id, request)
    result = run.path / f"result{job.target.suffix}"
    record = run.read_record()
    if step == record["results"][-1]["kept_step"]:
        picture = read_picture(result)  # the fit's own, not rounded to 16 bits
    else:
        picture = read_picture(result)
        snapshot = read_picture(path).pixels
        if snapshot.shape != picture.pixels.shape:
            raise InputError(
                f"the snapshot is {_size(snapshot)}, the result {_size(picture.pixels)} (pages x "
                "height x width x channels); only whole images can be taken"
            )
        source = read_picture(job.source, max_pixels=job.max_pixels)
        unit_range = to_unit(source.pixels[0])[2]
        unit = snapshot[0] / float(np.iinfo(snapshot.dtype).max)
        tensor = torch.from_numpy(unit.transpose(2, 0, 1)[None])
        pixels = from_unit(tensor, unit_range)
        if picture.alpha is not None:  # what nobody sees stays as it is
            pixels = np.where((picture.alpha[0] == 0)[..., None], picture.pixels[0], pixels)
        picture = with_pixels(picture, pixels[None])
    write_picture(job.target, picture)
    run.write_record({**record, "taken_step": step})


def snapshot_file(run: RunFolder, step: int) -> Path | None:
    """Return the file of a snapshot; None if there is none of this step."""
    path = run.path / "snapshots" / f"step-{step:06d}.png"
    return path if path.is_file() else None


def _size(pixels: NDArray[Any]) -> str:
    return "x".join(map(str, pixels.shape))
