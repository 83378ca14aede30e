"""A job run: one picture restored, skipped where it is done, gone on with where it was begun."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import link_or_copy, make_folder, refuse_input, write_atomically
from untrained.errors import DivergedError, InputError
from untrained.fitting import (
    Callback,
    JsonLines,
    Result,
    Scoring,
    Snapshots,
    TensorBoard,
)
from untrained.images import (
    Picture,
    check_writable,
    read_picture,
    with_pixels,
    write_picture,
)
from untrained.jobs.job import Job, job_as_data
from untrained.jobs.run_pictures import snapshot_saver, write_extras
from untrained.jobs.runs import Recorder, RunFolder, describe_machine, now, summary_of
from untrained.reading import hash_of
from untrained.restoring import Hooks, restore_picture
from untrained.tasks import Asked, Given, find_task

__all__ = ["Outcome", "run_job"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a job.

    Attributes:
        status: "finished", "skipped" (it was done before), or "interrupted".
        folder: of the run; None of a job that keeps none.
        lacking: what was asked for now and is not in the folder of a skipped run, in words.
    """

    job: Job
    status: str
    folder: Path | None
    record: dict[str, Any]
    lacking: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    picture: Picture | None = None


def run_job(
    job: Job,
    *,
    observers: Callable[[str, Scoring], Sequence[Callback]] = lambda label, scoring: (),
    cancelled: Callable[[], bool] = lambda: False,
    command: str = "",
) -> Outcome:
    """Restore a file; go on where a killed run of the same job stopped; skip a finished one.

    A finished one is fitted again if `overwrite` is set and it lacks what was asked for.

    Args:
        job: what to do.
        observers: makes more callbacks for a page, from its label and its scores.
        cancelled: polled during the fit.
        command: how the user asked for it, for the record.

    Raises:
        InputError: bad input; nothing has been written then.
        DivergedError: no image came of the fit; the output is as it was.
    """
    if job.keep_run:
        return _run(job, observers, cancelled, command)
    with tempfile.TemporaryDirectory(prefix="untrained-") as place:
        aside = replace(job, run_dir=Path(place), checkpoint_every=math.inf)
        outcome = _run(aside, observers, cancelled, command)
    return replace(outcome, job=job, folder=None)


def _run(
    job: Job, observers: Callable[[str, Scoring], Sequence[Callback]],
    cancelled: Callable[[], bool], command: str,
) -> Outcome:  # fmt: skip
    """Run a job in its folder."""
    folder = job.folder()
    earlier = folder.read_record() if folder.exists() else None
    outputs: dict[str, str] = {} if earlier is None else earlier.get("outputs", {})
    there = hash_of(job.target) if outputs and job.target.is_file() else ""
    if earlier and earlier["status"] == "finished" and _differs_afterwards(job, earlier):
        return _written_again(job, folder, earlier, ours=there in outputs)
    if earlier and outputs.get(there) == "finished":
        lacking = _lacking(job, earlier)
        done = earlier["status"] == "finished"  # else an overwriting fit was killed: go on
        if not job.overwrite or (done and not lacking):
            return Outcome(
                job=job, status="skipped", folder=folder.path, record=earlier, lacking=lacking
            )
        earlier = None if done else earlier
    picture = read_picture(job.source, max_pixels=job.max_pixels)
    _check_target(job, picture, ours=there in outputs)
    with _naming(job.source, folder.path):
        given = _given(job, picture)
    truth = _read_truth(job)
    if earlier is None:
        shutil.rmtree(folder.path / "pages", ignore_errors=True)  # they would pass for done
    record = {
        "status": "running",
        "command": command,
        "started": earlier["started"] if earlier else now(),
        "job": job_as_data(job),
        "source_sha256": hash_of(job.source),
        "outputs": outputs,  # what this run has written, by its hash: the status then
        **describe_machine(),
    }
    pages = len(picture.pixels)
    labels = [
        job.source.name + (f" page {i + 1}/{pages}" if pages > 1 else "") for i in range(pages)
    ]

    def hooks(page: int) -> Hooks:
        part = folder if pages == 1 else RunFolder(folder.path / "pages" / f"{page + 1:04d}")
        scoring = Scoring()
        callbacks: list[Callback] = [
            Recorder(part, folder, record, checkpoint_every=job.checkpoint_every),
            scoring,
            JsonLines(part.metrics, scoring=scoring),
        ]
        if job.snapshots:
            callbacks.append(Snapshots(job.snapshots, snapshot_saver(part.path, picture)))
        if job.tensorboard:
            callbacks.append(
                TensorBoard(part.path / "tensorboard", settings=record["job"], scoring=scoring)
            )

        def finished(pixels: NDArray[Any], result: Result) -> None:
            write_extras(part.path, result.extras)
            if pages > 1:
                write_atomically(part.page, lambda file: np.save(file, pixels))
                part.checkpoint.unlink(missing_ok=True)

        return Hooks(
            callbacks=[*callbacks, *observers(labels[page], scoring)],
            cancelled=cancelled,
            state=part.load_state() if earlier else None,
            finished=np.load(part.page) if earlier and part.page.exists() else None,
            on_finished=finished,
        )

    try:
        with _naming(job.source, folder.path):
            restored, results = restore_picture(
                picture, recipe=job.recipe, given=given, truth=truth, seed=job.seed,
                device=job.device, hooks=hooks,
            )  # fmt: skip
    except DivergedError:
        folder.write_record({**record, "status": "diverged", "ended": now()})
        raise
    cut_short = any(result.cut_short for result in results)
    record["status"] = "interrupted" if cut_short else "finished"
    record["ended"] = now()
    record["size"] = list(restored.pixels.shape)
    record["results"] = [summary_of(result) for result in results]
    result = folder.path / f"result{job.target.suffix}"
    write_picture(result, restored)
    make_folder(job.target.parent)
    _write_target(job, result, picture, restored)
    record["outputs"] = {**outputs, hash_of(job.target): record["status"]}
    folder.write_record(record)
    if not cut_short:
        folder.checkpoint.unlink(missing_ok=True)
    return Outcome(
        job=job, status=record["status"], folder=folder.path, record=record,
        results=tuple(results), picture=restored,
    )  # fmt: skip


def _write_target(job: Job, result: Path, picture: Picture, restored: Picture) -> Picture:
    """Write what the user asked for, and return it: the restored picture, or a weaker one."""
    wanted = find_task(job.task).finished(picture, restored, job.options)
    if wanted.pixels is restored.pixels:
        link_or_copy(result, job.target)
    else:
        write_picture(job.target, wanted)
    return wanted


def _differs_afterwards(job: Job, earlier: Mapping[str, Any]) -> bool:
    """Whether the target would be another now, of the same fit."""
    before = earlier["job"]["options"]
    names = find_task(job.task).afterwards
    return any(job.options.get(name) != before.get(name) for name in names)


def _written_again(job: Job, folder: RunFolder, earlier: dict[str, Any], *, ours: bool) -> Outcome:
    """Write the target anew from the result that the run's folder keeps, without a fit."""
    picture = read_picture(job.source, max_pixels=job.max_pixels)
    _check_target(job, picture, ours=ours)
    result = folder.path / f"result{job.target.suffix}"
    if not result.exists():
        kept = Path(earlier["job"]["target"]).suffix
        raise InputError(f"{job.target}: the run keeps a {kept} file; write into one of that kind")
    restored = read_picture(result, max_pixels=job.max_pixels)
    make_folder(job.target.parent)
    written = _write_target(job, result, picture, restored)
    outputs = {**earlier["outputs"], hash_of(job.target): "finished"}
    record = {**earlier, "job": job_as_data(job), "outputs": outputs}
    folder.write_record(record)
    return Outcome(job=job, status="finished", folder=folder.path, record=record, picture=written)


def _check_target(job: Job, picture: Picture, *, ours: bool) -> None:
    """Refuse a target that cannot be written, or is not to be: `ours` = an earlier part made it."""
    refuse_input(job.target, job.source)
    if job.target.exists() and not job.overwrite and not ours:
        raise InputError(
            f"{job.target}: exists, and was not made by this command with these settings; "
            "pass --overwrite to replace it"
        )
    shape = find_task(job.task).output_shape(picture.pixels.shape, job.options)
    outcome = np.broadcast_to(picture.pixels.dtype.type(0), shape)  # takes no memory
    alpha = None if picture.alpha is None else outcome[..., 0]
    check_writable(job.target, with_pixels(picture, outcome, alpha=alpha))
    needed = 3 * math.prod(shape) * picture.pixels.itemsize
    parent = next(p for p in (job.target.parent, *job.target.resolve().parents) if p.exists())
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise InputError(
            f"{job.target}: the disk is full ({free / 2**20:.1f} MiB free, "
            f"about {needed / 2**20:.1f} MiB wanted); free some space or write elsewhere"
        )


def _lacking(job: Job, earlier: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the job asks for beside the result and the earlier run has not kept."""
    before = earlier["job"]
    lacking = []
    if set(job.snapshots) - set(before.get("snapshots", ())):
        lacking.append("these snapshots" if before.get("snapshots") else "snapshots")
    if job.truth and not before.get("truth"):
        lacking.append("a truth")
    if job.tensorboard and not before.get("tensorboard"):
        lacking.append("TensorBoard events")
    return tuple(lacking)


@contextmanager
def _naming(source: Path, folder: Path) -> Iterator[None]:
    """Let errors that name no file say which picture they are about."""
    try:
        yield
    except InputError as error:
        if str(source) in str(error) or str(folder) in str(error):
            raise
        raise type(error)(f"{source}: {error}") from error


def _given(job: Job, picture: Picture) -> Given:
    asked = Asked(
        source=job.source, picture=picture, files=job.files, options=job.options,
        max_pixels=job.max_pixels,
    )  # fmt: skip
    return find_task(job.task).given(asked)


def _read_truth(job: Job) -> Picture | None:
    return None if job.truth is None else read_picture(job.truth, max_pixels=job.max_pixels)
