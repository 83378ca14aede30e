"""A job is one picture file to be restored into another, with its run folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from untrained.errors import InputError
from untrained.fitting import pick_device
from untrained.images import Picture
from untrained.jobs.runs import RunFolder
from untrained.reading import hash_of
from untrained.recipes import Recipe, as_recipe, decode, encode
from untrained.tasks import Unread, find_task

__all__ = ["Job", "job_as_data", "job_of_run"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One file to restore, with all that decides its result.

    Attributes:
        task: a name of `TASKS`.
        source, target: the input and the output file.
        recipe: all settings of the fit, or the name of one of the task's recipes.
        files: those that the task takes beside the picture, by name.
        options: of the task, all of them, as JSON values.
        truth: a clean picture for scoring.
        seed, device: as for `restore`.
        run_dir: where the run's folder is made; None = "untrained-runs" beside the output.
        keep_run: whether that folder is left behind; without it nothing can be skipped, gone on
            with or reported, and what is found beside the picture is lost.
        snapshots: steps whose image is saved.
        tensorboard: whether event files are written into the run's folder.
        keep_network: whether the fitted network is kept there, in `network` (`load_fit`).
        overwrite: whether an output that other settings made may be replaced.
        max_pixels: larger pictures are refused.
        nodata: the value that stands for a missing pixel; None = what the file says.
        checkpoint_every: seconds between two checkpoints; 0 = at every look.
        run: the folder of a run that is gone on with; None = named by what decides the result.
    """

    task: str
    source: Path
    target: Path
    recipe: Recipe
    files: Mapping[str, Path] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    truth: Path | None = None
    seed: int = 0
    device: str = "auto"
    run_dir: Path | None = None
    keep_run: bool = True
    snapshots: tuple[int, ...] = ()
    tensorboard: bool = False
    keep_network: bool = False
    overwrite: bool = False
    max_pixels: int = 250_000_000
    nodata: float | None = None
    checkpoint_every: float = 20.0
    run: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipe", as_recipe(self.recipe, task=self.task))
        task = find_task(self.task)
        assert self.files.keys() <= set(task.files), f"{self.task} takes {task.files}"
        task.check(self.options)
        object.__setattr__(self, "recipe", task.recipe(self.recipe, self.options))
        if not self.keep_run and (self.snapshots or self.tensorboard or self.keep_network):
            raise InputError(
                "snapshots, reports, TensorBoard events and the network are written into the run's "
                "folder, which --no-run leaves out; leave one of the two out"
            )

    def fingerprint(self) -> str:
        """Return a hash of everything that the result depends on: files, settings, device."""
        formats = find_task(self.task).formats
        formats.check(self.source)  # before all of it is read
        parts: dict[str, Any] = {
            "task": self.task,
            "source": hash_of(self.source),
            "files": {name: formats.digest(path) for name, path in self.files.items()},
            "options": {k: v for k, v in self.options.items() if k not in self.afterwards()},
            "recipe": encode(self.recipe),
            "device": pick_device(self.device).type,
            "seed": self.seed,
            "nodata": repr(self.nodata),
        }
        beside = [more for path in self.inputs().values() for more in formats.companions(path)]
        if beside:
            parts["companions"] = [hash_of(path) for path in beside]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def afterwards(self) -> dict[str, Any]:
        """Return the options that change what is written, and not the fit."""
        names = find_task(self.task).afterwards
        return {name: self.options[name] for name in names if name in self.options}

    def inputs(self) -> dict[str, Path]:
        """Return all files that are only read, by what they are."""
        truth = {} if self.truth is None else {"truth": self.truth}
        return {"input": self.source, **self.files, **truth}

    def read_source(self) -> Picture:
        """Return the picture to restore. Raises InputError: as `Task.read`."""
        picture = find_task(self.task).read(Unread(
            source=self.source, files=self.files, options=self.options, seed=self.seed,
            max_pixels=self.max_pixels,
        ))  # fmt: skip
        return picture if self.nodata is None else replace(picture, nodata=self.nodata)

    def folder(self) -> RunFolder:
        """Return the folder of this job's run; no other input has the same."""
        if self.run is not None:
            return RunFolder(self.run)
        parent = self.run_dir or self.target.parent / "untrained-runs"
        which = self.source.name
        if self.run_dir is not None:  # which runs of pictures from many places may share
            try:
                which = os.path.relpath(self.source, parent)
            except ValueError:  # another drive
                which = str(self.source.absolute())
        digest = hashlib.sha256(self.fingerprint().encode() + os.fsencode(which)).hexdigest()[:8]
        stem = os.fsdecode(os.fsencode(self.source.stem)[:_LONGEST])
        return RunFolder(parent / f"{stem}-{self.task}-{digest}")


_LONGEST = 150  # bytes of a name that go into a folder's name


def job_of_run(path: Path, *, overwrite: bool = False) -> Job:
    """Return the job of an existing run, to go on with it.

    Its folder may be a stranger's: nothing in it decides that a file of somebody else is replaced;
    `overwrite` does.

    Raises:
        InputError: no run, or its input or settings no longer give the same result.
    """
    path = Path(os.path.realpath(path))
    folder = RunFolder(path)
    folder.check()
    record = folder.read_record()
    job = _as_job(record["job"], path, overwrite=overwrite)
    if not job.source.exists():
        raise InputError(f"{job.source}: the run's input is gone; put it back to resume")
    before = record.get("fingerprint", path.name[-8:])
    if len(before) < 8 or not job.fingerprint().startswith(before):
        inputs = ", ".join(["the input", *(f"the {name}" for name in job.files)])
        raise InputError(
            f"{path}: {inputs} or the device is not what the run started with; "
            "restore the file again instead"
        )
    return job


def _as_job(data: Mapping[str, Any], run: Path, *, overwrite: bool) -> Job:
    """Return the job that `job_as_data` made the data from."""
    values = {name: data[name] for name in _PLAIN}
    values["keep_network"] = data.get("keep_network", False)  # runs of 0.1 know none
    try:
        return Job(
            **values, source=Path(data["source"]), target=Path(data["target"]),
            truth=None if data["truth"] is None else Path(data["truth"]),
            files={name: Path(file) for name, file in data["files"].items()},
            recipe=decode(data["recipe"]), snapshots=tuple(data["snapshots"]),
            overwrite=overwrite, run_dir=run.parent, run=run,
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"{run}: {error}") from error
    except Exception as error:  # settings take whatever they are given
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"{run}: its settings cannot be read ({reason[:200]}); it was edited, or is of another "
            "version of untrained: restore the file again instead"
        ) from error


_PLAIN = ("task", "options", "seed", "device", "tensorboard", "max_pixels", "checkpoint_every")


def job_as_data(job: Job) -> dict[str, Any]:
    """Return a job as its record has it, of which `job_of_run` makes it again."""
    data = {name: getattr(job, name) for name in job.__dataclass_fields__ if name != "run"}
    for name in ("source", "target", "truth", "run_dir"):
        data[name] = None if data[name] is None else os.path.realpath(data[name])
    data["files"] = {name: os.path.realpath(file) for name, file in job.files.items()}
    return {
        **data,
        "options": dict(job.options),
        "recipe": encode(job.recipe),
        "snapshots": list(job.snapshots),
    }
