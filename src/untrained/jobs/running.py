"""A job run: one picture restored, skipped where it is done, gone on with where it was begun."""

from __future__ import annotations

import contextlib
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from untrained.atomic import sweep
from untrained.errors import DivergedError, InputError
from untrained.fitting import Callback, Result, Scoring
from untrained.images import Picture
from untrained.jobs.job import Job, job_as_data
from untrained.jobs.locks import RunLock
from untrained.jobs.outputs import check_target, deliver, kept_result
from untrained.jobs.pages import Pages
from untrained.jobs.records import accounts_in
from untrained.jobs.runs import RunFolder, as_begun, describe_machine, now
from untrained.jobs.scoring import scored_as_written
from untrained.reading import hash_of
from untrained.tasks import Asked, Given, find_task

__all__ = ["Outcome", "run_job", "written_again"]


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

    A finished one is fitted again if `overwrite` is set and it lacks what was asked for. What is
    damaged in the run's folder is begun anew, what cannot be written beside the picture left out;
    the record's `notes` say so.

    Args:
        job: what to do.
        observers: makes more callbacks for a page, from its label and its scores.
        cancelled: polled during the fit.
        command: how the user asked for it, for the record.

    Raises:
        InputError: bad input, and nothing has been written then; another process is at work on the
            run; the output cannot be written.
        DivergedError: no image came of the fit; the output is as it was.
    """
    try:
        if job.keep_run:
            return _run(job, observers, cancelled, command)
        with tempfile.TemporaryDirectory(prefix="untrained-") as place:
            aside = replace(job, run_dir=Path(place), checkpoint_every=math.inf)
            outcome = _run(aside, observers, cancelled, command)
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.filename is None:
            raise  # of no file
        raise InputError(f"{error.filename}: {error.strerror}") from error
    return replace(outcome, job=job, folder=None)


def _run(
    job: Job, observers: Callable[[str, Scoring], Sequence[Callback]],
    cancelled: Callable[[], bool], command: str,
) -> Outcome:  # fmt: skip
    """Run a job in its folder."""
    folder = job.folder()
    with RunLock(folder.path) as lock:
        if folder.path.exists() or folder.path.is_symlink():
            folder.check()
            lock.take()
            folder.sweep()
        sweep(job.target.parent, job.target.name)
        return _go_on(job, folder, lock, observers, cancelled, command)


def _go_on(
    job: Job, folder: RunFolder, lock: RunLock,
    observers: Callable[[str, Scoring], Sequence[Callback]], cancelled: Callable[[], bool],
    command: str,
) -> Outcome:  # fmt: skip
    """Do what is left to do of a job."""
    notes = folder.notes
    earlier = folder.earlier()
    outputs: dict[str, str] = {} if earlier is None else earlier.get("outputs", {})
    there = hash_of(job.target) if outputs and job.target.is_file() else ""
    ours = there in outputs
    done = earlier is not None and earlier["status"] == "finished"
    if earlier and done and _differs_afterwards(job, earlier):
        if _result_is_whole(job, folder, earlier):
            return written_again(job, folder, earlier, ours=ours)
        notes.append("begun anew, since the picture that the run kept was changed")
        earlier = None
    if earlier and outputs.get(there) == "finished":
        lacking = _lacking(job, earlier)
        if not job.overwrite or (done and not lacking):
            if done:
                with contextlib.suppress(OSError):  # left by a kill after the last record
                    folder.checkpoint.unlink(missing_ok=True)
            return Outcome(
                job=job, status="skipped", folder=folder.path,
                record={**earlier, "notes": notes}, lacking=lacking,
            )  # fmt: skip
        earlier = None if done else earlier  # else an overwriting fit was killed: go on
    picture = _read_unchanged(job)
    check_target(job, picture, ours=ours)
    with _naming(job.source, folder.path):
        asked = _asked(job, picture)
        task = find_task(job.task)
        truth, given = task.truth(asked, task.measured(asked) or task.given(asked), job.truth)
        windows, note = task.windows(picture, job.options)
    notes += [*picture.notes, note] if note else picture.notes
    if earlier is None:  # what was left would pass for this one's
        shutil.rmtree(folder.path / "pages", ignore_errors=True)
        folder.checkpoint.unlink(missing_ok=True)
    begun = folder.checkpoint.exists() or (folder.path / "pages").exists()
    with as_begun(earlier.get("threads") if earlier and begun else None, notes.append):
        record = {
            "status": "running",
            "command": command,
            "started": earlier.get("started", now()) if earlier else now(),
            "job": job_as_data(job),
            "fingerprint": job.fingerprint(),
            "source_sha256": hash_of(job.source),
            "outputs": outputs,  # what this run has written, by its hash: the status then
            "notes": notes,
            **describe_machine(),
        }
        facts = task.facts(picture)
        record |= {"scan": dict(facts)} if facts else {}
        spacing = task.spacing(picture)
        record |= {"spacing_mm": list(spacing)} if spacing else {}
        if earlier and begun and "scales" in earlier:  # of pages that are finished
            record["scales"] = dict(earlier["scales"])
        pages = Pages(
            job=job, folder=folder, lock=lock, record=record, picture=picture, earlier=earlier,
            observers=observers, cancelled=cancelled, windows=windows,
        )  # fmt: skip
        try:
            with _naming(job.source, folder.path):
                restored, results = pages.restored(given, truth)
                notes += [note for note in restored.notes if note not in notes]
        except DivergedError:
            with contextlib.suppress(InputError):
                folder.write_record({**record, "status": "diverged", "ended": now()})
            raise
    cut_short = any(result.cut_short for result in results)
    record["status"] = "interrupted" if cut_short else "finished"
    record["ended"] = now()
    record["size"] = list(restored.pixels.shape)
    wanted = find_task(job.task).finished(picture, restored, job.options)
    record["results"] = scored_as_written(
        record["results"], truth, given=picture, restored=restored, written=wanted,
        pages=pages.done,
    )  # fmt: skip
    recorded = deliver(job, folder, restored, wanted, record)
    if recorded and not cut_short:
        folder.checkpoint.unlink(missing_ok=True)
    return Outcome(
        job=job, status=record["status"], folder=folder.path, record=record,
        results=tuple(results), picture=restored,
    )  # fmt: skip


def _differs_afterwards(job: Job, earlier: Mapping[str, Any]) -> bool:
    """Whether the target would be another now, of the same fit."""
    before = earlier["job"]["options"]
    names = find_task(job.task).afterwards
    return any(job.options.get(name) != before.get(name) for name in names)


def written_again(job: Job, folder: RunFolder, earlier: dict[str, Any], *, ours: bool) -> Outcome:
    """Write the target anew from the result that the run's folder keeps, without a fit.

    Args:
        job: with the options that are now asked for.
        folder: of its run, which may have been cut short.
        earlier: what its record says.
        ours: whether the target is a file that the run has made.

    Raises:
        InputError: the result or the source is gone, or the target cannot be written.
    """
    picture = _read_unchanged(job)
    check_target(job, picture, ours=ours)
    result = kept_result(job, folder)
    if not result.exists():
        kept = Path(earlier["job"]["target"]).suffix
        raise InputError(f"{job.target}: the run keeps a {kept} file; write into one of that kind")
    formats = find_task(job.task).formats
    restored = formats.read_kept(result, picture, max_pixels=job.max_pixels)
    wanted = find_task(job.task).finished(picture, restored, job.options)
    failed = {entry["page"] - 1 for entry in earlier.get("failed", [])}
    pages = [i for i in range(len(wanted.pixels)) if i not in failed]
    if "result_pages" in earlier:
        pages = list(accounts_in(earlier))
    results = scored_as_written(
        earlier["results"], _earlier_truth(job, earlier, picture),
        given=picture, restored=restored, written=wanted, pages=pages,
    )  # fmt: skip
    record = {**earlier, "job": job_as_data(job), "notes": folder.notes, "results": results}
    deliver(job, folder, restored, wanted, record, fitted=False)
    return Outcome(job=job, status="finished", folder=folder.path, record=record, picture=wanted)


def _result_is_whole(job: Job, folder: RunFolder, earlier: Mapping[str, Any]) -> bool:
    """Whether the kept result is as it was written (the output may be another name of it)."""
    kept = kept_result(job, folder)
    if not kept.exists():  # of another format is for `written_again` to say
        return kept.suffix != Path(earlier["job"]["target"]).suffix
    return earlier.get("result_sha256") in (None, hash_of(kept))


def _read_unchanged(job: Job) -> Picture:
    """Read the source, which nobody may replace meanwhile: the record has its hash."""
    before = hash_of(job.source)
    picture = job.read_source()
    if hash_of(job.source) != before:
        raise InputError(f"{job.source}: was changed while it was read; run this again")
    return picture


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
    if job.keep_network and not before.get("keep_network"):
        lacking.append("the network")
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


def _asked(job: Job, picture: Picture) -> Asked:
    return Asked(
        source=job.source, picture=picture, files=job.files, options=job.options,
        max_pixels=job.max_pixels,
    )  # fmt: skip


def _earlier_truth(job: Job, earlier: Mapping[str, Any], picture: Picture) -> Picture | None:
    """Return the truth given now, or else that of the earlier run if it is still there."""
    before = earlier["job"]["truth"]
    path = job.truth or (Path(before) if before is not None and Path(before).is_file() else None)
    return find_task(job.task).truth(_asked(job, picture), Given(), path)[0]
