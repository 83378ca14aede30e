"""A job is one picture file to be restored into another, with its run folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from untrained.errors import InputError
from untrained.fitting import (
    pick_device,
)
from untrained.images import check_is_picture
from untrained.jobs.runs import RunFolder
from untrained.reading import hash_of
from untrained.recipes import Recipe, as_recipe, decode, encode
from untrained.tasks import find_task

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
        overwrite: whether an output that other settings made may be replaced.
        max_pixels: larger pictures are refused.
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
    overwrite: bool = False
    max_pixels: int = 250_000_000
    checkpoint_every: float = 20.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipe", as_recipe(self.recipe, task=self.task))
        task = find_task(self.task)
        assert self.files.keys() <= set(task.files), f"{self.task} takes {task.files}"
        task.check(self.options)
        if not self.keep_run and (self.snapshots or self.tensorboard):
            raise InputError(
                "snapshots, reports and TensorBoard events are written into the run's folder, "
                "which --no-run leaves out; leave one of the two out"
            )

    def fingerprint(self) -> str:
        """Return a hash of everything that the result depends on: files, settings, device."""
        check_is_picture(self.source)  # before all of it is read
        parts = {
            "task": self.task,
            "source": hash_of(self.source),
            "files": {name: hash_of(path) for name, path in self.files.items()},
            "options": {k: v for k, v in self.options.items() if k not in self.afterwards()},
            "recipe": encode(self.recipe),
            "device": pick_device(self.device).type,
            "seed": self.seed,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def afterwards(self) -> dict[str, Any]:
        """Return the options that change what is written, and not the fit."""
        names = find_task(self.task).afterwards
        return {name: self.options[name] for name in names if name in self.options}

    def folder(self) -> RunFolder:
        """Return the folder of this job's run."""
        parent = self.run_dir or self.target.parent / "untrained-runs"
        return RunFolder(parent / f"{self.source.stem}-{self.task}-{self.fingerprint()[:8]}")


def job_of_run(path: Path) -> Job:
    """Return the job of an existing run, to go on with it.

    Raises:
        InputError: no run, or its input or settings no longer give the same result.
    """
    folder = RunFolder(path)
    record = folder.read_record()
    data = dict(record["job"])
    if not data.keys() <= Job.__dataclass_fields__.keys():
        raise InputError(
            f"{path}: is a run of another version of untrained; restore the file again instead"
        )
    for name in ("source", "target", "truth"):
        data[name] = None if data[name] is None else Path(data[name])
    data["files"] = {name: Path(file) for name, file in data["files"].items()}
    if record["status"] == "finished":
        data["overwrite"] = False  # nothing is left to go on with
    job = Job(**{**data, "recipe": decode(data["recipe"]), "snapshots": tuple(data["snapshots"]),
                 "run_dir": path.resolve().parent})  # fmt: skip
    if not job.source.exists():
        raise InputError(f"{job.source}: the run's input is gone; put it back to resume")
    if job.folder().path.resolve() != path.resolve():
        inputs = ", ".join(["the input", *(f"the {name}" for name in job.files)])
        raise InputError(
            f"{path}: {inputs} or the device is not what the run started with; "
            "restore the file again instead"
        )
    return job


def job_as_data(job: Job) -> dict[str, Any]:
    """Return a job as its record has it, of which `job_of_run` makes it again."""
    data = {name: getattr(job, name) for name in job.__dataclass_fields__}
    for name in ("source", "target", "truth", "run_dir"):
        data[name] = None if data[name] is None else str(Path(data[name]).resolve())
    data["files"] = {name: str(file.resolve()) for name, file in job.files.items()}
    return {
        **data,
        "options": dict(job.options),
        "recipe": encode(job.recipe),
        "snapshots": list(job.snapshots),
    }
