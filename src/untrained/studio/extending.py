"""More steps for a fit that has ended, with the stop rule off.

The end of every fit is kept. An extended job is a run of its own whose folder begins as a copy of
the other's, so that it is gone on with as any interrupted run is. It has the recipe of the other
with `FixedSteps`: no pixel is held out any longer, and the last image is kept. The step size is
what the recipe's schedule gives for the new number of steps.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from untrained.errors import InputError
from untrained.fitting import Callback, Check, FixedSteps, Result, read_tensors, write_tensors
from untrained.jobs import Job, RunFolder
from untrained.recipes import decode
from untrained.studio.workspace import Workspace

__all__ = ["STATE", "KeepState", "can_be_extended", "prepared", "run_of"]

STATE = "end.pt"
"""The state at the end of a finished fit, in its run folder."""


class KeepState(Callback):
    """Keep the state at the end of a fit that was not cut short (that one has its checkpoint)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.latest: Callable[[], dict[str, Any]] | None = None

    def on_check(self, check: Check) -> None:
        """Remember how to get the state."""
        self.latest = check.state

    def on_end(self, result: Result) -> None:
        """Write it."""
        if self.latest is not None and not result.cut_short:
            write_tensors(self.folder / STATE, self.latest())


def run_of(workspace: Workspace, id_: str) -> RunFolder | None:
    """Return the run's folder of a job, None before it has begun."""
    runs = sorted((workspace.job(id_) / "runs").glob("*/run.json"))
    return RunFolder(runs[0].parent) if runs else None


def can_be_extended(workspace: Workspace, id_: str) -> bool:
    """Whether the end of a job's fit was kept: not of one in tiles, nor of a stack."""
    run = run_of(workspace, id_)
    return run is not None and _end(run) is not None


def prepared(workspace: Workspace, job: Job, base: str, more_steps: int) -> Job:
    """Return the job that takes more steps than the job `base`, its folder begun.

    Raises:
        InputError: the end of the other fit is gone.
    """
    run = run_of(workspace, base)
    end = None if run is None else _end(run)
    folders = sorted(job.folder().path.parent.glob("*/run.json"))
    if folders:  # begun before: go on
        record = RunFolder(folders[0].parent).read_record()
        return replace(job, recipe=decode(record["job"]["recipe"]))
    if run is None or end is None:
        raise InputError("the fit to extend is gone; start it anew with more steps")
    state = read_tensors(end, unsealed=True)
    recipe = decode(run.read_record()["job"]["recipe"])
    recipe = replace(recipe, stopper=FixedSteps(), max_steps=state["step"] + more_steps)
    job = replace(job, recipe=recipe)
    folder = job.folder()
    folder.create()
    shutil.copytree(run.path / "snapshots", folder.path / "snapshots", dirs_exist_ok=True)
    shutil.copy(run.metrics, folder.metrics)
    folder.save_state(without_rule(state))
    record = run.read_record()
    folder.write_record({**record, "status": "running"})  # last: from now on it is a run
    return job


def without_rule(state: dict[str, Any]) -> dict[str, Any]:
    """Return a fit's state for another stop rule: its notes and its best image are forgotten."""
    return {**state, "rule": {}, "stopped": None, "best": None, "best_step": 0}


def _end(run: RunFolder) -> Path | None:
    """Return the state at the end of a fit."""
    return next((p for p in (run.path / STATE, run.checkpoint) if p.exists()), None)
