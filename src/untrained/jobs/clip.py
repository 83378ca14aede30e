"""A clip restored frame by frame, every fit going on from the weights of the frame before.

frames ──▶ fit ──▶ frames/000001.png … ──▶ the clip
            │ ▲
            ▼ │ the weights of the last finished frame: a killed run goes on from them
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.atomic import (
    DamagedError,
    check_place,
    link_or_copy,
    make_folder,
    refuse_input,
    sweep,
    write_atomically,
)
from untrained.errors import DivergedError, InputError
from untrained.fitting import read_tensors, write_tensors
from untrained.images import Picture, read_picture, write_picture
from untrained.images.clips import Frame, check_target, read_clip, write_clip
from untrained.jobs.locks import RunLock
from untrained.jobs.records import as_text, read_json
from untrained.jobs.runs import RunFolder, as_begun, describe_machine, now
from untrained.reading import hash_of
from untrained.recipes import Recipe, encode
from untrained.restoring import Execution, Weights, enlarged, restore
from untrained.tasks import Asked, find_task

__all__ = ["CLIP_TASKS", "ClipJob", "restore_clip"]

CLIP_TASKS = ("denoise", "inpaint", "upscale")

_CUT = 0.1  # mean change of the frame shrunk by eight, of full scale


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipJob:
    """A clip to restore.

    Attributes:
        source: a video file, or a folder of pictures of one size.
        target: a video file (.mkv, .mp4, .mov, .m4v, .webm) or a folder for PNG files.
        task: one of `CLIP_TASKS`.
        recipe: all settings of the fit of the first frame, and of one after a cut.
        later_steps: the most steps of a frame that starts from its predecessor's weights; 0 = every
            frame is fitted from scratch.
        files, options: of the task, as for a `Job`; the same for all frames.
        seed, device: as for `restore`.
        run_dir: where the run's folder is made; None = "untrained-runs" beside the output.
        overwrite: whether an existing output may be replaced.
    """

    source: Path
    target: Path
    task: str
    recipe: Recipe
    later_steps: int
    files: Mapping[str, Path] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    device: str = "auto"
    run_dir: Path | None = None
    overwrite: bool = False

    def folder(self) -> Path:
        """Return the folder of this job's run; other settings or inputs give another."""
        parts = {
            "source": [_stamp(p) for p in _files_of(self.source)],
            "files": {name: _stamp(path) for name, path in self.files.items()},
            **{name: getattr(self, name) for name in ("task", "later_steps", "seed", "device")},
            "recipe": encode(self.recipe),
            "options": dict(self.options),
        }
        text = json.dumps(parts, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        parent = self.run_dir or self.target.parent / "untrained-runs"
        return parent / f"{self.source.stem}-clip-{self.task}-{digest}"


def restore_clip(
    job: ClipJob,
    *,
    say: Callable[[str], None] = lambda line: None,
    limit: int | None = None,
) -> dict[str, Any]:
    """Restore a clip; go on where a killed run of the same job stopped.

    A frame that has little to do with the one before (a cut) is fitted from scratch.

    Args:
        job: what to do.
        say: is told a line a frame.
        limit: end after so many frames in all, as if killed; the clip is not written.

    Returns:
        what is written to clip.json: steps and seconds of every frame, and of the sound.

    Raises:
        InputError: bad input; nothing has been written then.
    """
    _check(job)
    folder = job.folder()
    with RunLock(folder) as lock:
        if folder.exists() or folder.is_symlink():
            RunFolder(folder).check()
            lock.take()
            RunFolder(folder).sweep()
        sweep(job.target.parent, job.target.name)
        done, state = _earlier(folder, say)
        with as_begun(state.get("threads"), say):
            return _restore(job, folder, lock, say, limit, done, state)


def _restore(
    job: ClipJob, folder: Path, lock: RunLock, say: Callable[[str], None], limit: int | None,
    done: int, state: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    weights, rows = state["weights"], state["rows"]
    before: NDArray[Any] | None = None
    for i, frame in enumerate(read_clip(job.source, start=max(0, done - 1)), max(0, done - 1)):
        cut = before is None or _is_cut(before, frame.pixels)
        before = frame.pixels
        if i < done:  # the last finished one, read for the comparison only
            continue
        if limit is not None and i >= limit:
            return {"frames": rows}
        warm = weights if job.later_steps and not cut else None
        steps = job.recipe.max_steps if warm is None else job.later_steps
        recipe = replace(job.recipe, max_steps=steps)
        image, facts = _restored(job, frame, recipe, warm)
        # Where nothing was fitted, the next frame goes on from the one before.
        weights = facts.pop("weights") or weights
        make_folder(folder / "frames")
        lock.take()
        path = _frame(folder, i + 1)
        write_picture(path, Picture.from_array(image))
        row = {"frame": i + 1, "time": frame.time, "name": frame.name, "warm": warm is not None}
        rows = [*rows, {**row, **facts, "sha256": hash_of(path)}]
        state = {"weights": weights, "rows": rows, "threads": torch.get_num_threads()}
        write_tensors(folder / "state.pt", state)
        lock.say()
        start = "warm" if warm is not None else "from scratch"
        if "failed" in facts:
            say(f"frame {i + 1}: {facts['failed']}; it is as it was")
        else:
            say(f"frame {i + 1}: {facts['steps']} steps {start}, {facts['seconds']:.1f} s")
    sound = _deliver(job, folder, rows)
    record = {
        "ended": now(), "source": str(job.source), "target": str(job.target), "task": job.task,
        "recipe": encode(job.recipe), "later_steps": job.later_steps, "seed": job.seed,
        "options": dict(job.options), "sound": sound, "frames": rows, **describe_machine(),
    }  # fmt: skip
    text = as_text(record)
    write_atomically(folder / "clip.json", lambda file: file.write(text.encode()))
    return record


def _restored(
    job: ClipJob, frame: Frame, recipe: Recipe, weights: Weights | None
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return a frame restored, and what is noted of it; one that cannot be stays as it was.

    Raises:
        KeyboardInterrupt: the fit was cut short.
    """
    try:
        result = restore(
            frame.pixels, recipe=recipe, given=_given(job, frame), seed=job.seed,
            execution=Execution(device=job.device, weights=weights),
        )  # fmt: skip
    except DivergedError as error:
        shape = find_task(job.task).output_shape((1, *frame.pixels.shape), job.options)[1:]
        image = np.broadcast_to(enlarged(frame.pixels, shape), shape)
        return image, {"steps": 0, "seconds": 0.0, "failed": str(error), "weights": None}
    if result.cut_short:
        raise KeyboardInterrupt
    assert result.image is not None
    last = {name: value.cpu() for name, value in result.last_weights.items()}
    seconds = round(result.seconds, 2)
    return result.image, {"steps": result.stop_step, "seconds": seconds, "weights": last}


def _deliver(job: ClipJob, folder: Path, rows: list[dict[str, Any]]) -> str:
    """Write the clip, and before it which one: a run that is killed then knows its own."""
    make_folder(job.target.parent)
    note = {"target": os.path.realpath(job.target), "sha256": ""}
    frames, to_folder = _finished(folder, rows), not job.target.suffix
    if to_folder:
        _note_writing(folder, note)
        sound = write_clip(job.target, frames, source=job.source)
    else:
        made = folder / f"result{job.target.suffix}"
        sound = write_clip(made, frames, source=job.source)
        _note_writing(folder, {**note, "sha256": hash_of(made)})
        link_or_copy(made, job.target)
        made.unlink(missing_ok=True)
    (folder / _WRITING).unlink(missing_ok=True)
    return sound


_WRITING = "writing.json"


def _note_writing(folder: Path, note: dict[str, str]) -> None:
    write_atomically(folder / _WRITING, lambda file: file.write(as_text(note).encode()))


def _is_ours(job: ClipJob) -> bool:
    """Whether what is there was being written by this run when it was killed."""
    try:
        note = read_json(job.folder() / _WRITING)
    except (OSError, InputError):
        return False
    if note.get("target") != os.path.realpath(job.target):
        return False
    return job.target.is_dir() or note.get("sha256") == hash_of(job.target)


def _check(job: ClipJob) -> None:
    if job.task not in CLIP_TASKS:
        raise InputError(f"task is {job.task!r}; wanted one of {', '.join(CLIP_TASKS)}")
    if job.later_steps < 0:
        raise InputError(f"later_steps is {job.later_steps}; wanted 0 or more")
    find_task(job.task).check(job.options)
    check_target(job.target, job.source)
    if not job.source.exists():
        raise InputError(f"{job.source}: no such file or folder")
    refuse_input(job.target, job.source)
    if job.target.exists() and not job.overwrite and not _is_ours(job):
        raise InputError(f"{job.target}: exists; pass --overwrite to replace it")
    if job.task == "inpaint" and "mask" not in job.files:
        raise InputError("nothing to inpaint: give a mask (--mask, white = known)")
    for place in (job.target, job.folder()):
        check_place(place)
    if job.source.is_dir():  # every frame is looked at before the first is fitted
        for _ in read_clip(job.source):
            pass


def _earlier(folder: Path, say: Callable[[str], None]) -> tuple[int, dict[str, Any]]:
    """Return how many frames are finished, the weights of the last one, and their records."""
    nothing: dict[str, Any] = {"weights": None, "rows": []}
    try:
        state = read_tensors(folder / "state.pt")
        for row in state["rows"]:
            if hash_of(_frame(folder, row["frame"])) != row["sha256"]:
                raise DamagedError(f"{_frame(folder, row['frame'])}: is damaged")
    except FileNotFoundError:
        return 0, nothing
    except (InputError, LookupError, TypeError, ValueError) as error:
        say(f"begun anew, since {error}")
        return 0, nothing
    return len(state["rows"]), state


def _frame(folder: Path, number: int) -> Path:
    return folder / "frames" / f"{number:06d}.png"


def _given(job: ClipJob, frame: Frame) -> Any:
    asked = Asked(
        source=job.source, picture=Picture.from_array(frame.pixels), files=job.files,
        options=job.options,
    )  # fmt: skip
    given = find_task(job.task).given(asked)
    if job.task == "inpaint" and given.mask is not None and given.mask.all():
        raise InputError("nothing to inpaint: the mask is white everywhere; black is to be filled")
    return given


def _is_cut(before: NDArray[Any], after: NDArray[Any]) -> bool:
    """Whether a frame shows another scene: noise and slow motion vanish in blocks of 8x8."""
    height, width = (side - side % 8 for side in after.shape[:2])
    blocks = [
        x[:height, :width].reshape(height // 8, 8, width // 8, 8, -1).mean((1, 3), dtype=np.float64)
        for x in (before, after)
    ]
    full = np.iinfo(after.dtype).max if np.issubdtype(after.dtype, np.integer) else 1.0
    return bool(np.abs(blocks[0] - blocks[1]).mean() > _CUT * full)


def _finished(folder: Path, rows: list[dict[str, Any]]) -> Iterator[Frame]:
    for row in rows:
        picture = read_picture(_frame(folder, row["frame"]))
        pixels = picture.pixels[0]
        yield Frame(pixels=pixels, name=row["name"], time=row["time"])


def _files_of(source: Path) -> list[Path]:
    return sorted(p for p in source.iterdir() if p.is_file()) if source.is_dir() else [source]


def _stamp(path: Path) -> list[Any]:
    """Return what tells a file from another of its name; a film is too long to be hashed."""
    try:
        facts = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return [path.name, facts.st_size, facts.st_mtime_ns]
