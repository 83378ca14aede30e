"""From what the page asks to the job that runs, and to the command that does the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from untrained.errors import InputError
from untrained.fitting import Plan, spread_steps
from untrained.images import Picture, orientation_of, upright_size
from untrained.jobs import Job
from untrained.recipes import Recipe, find_recipe, with_settings
from untrained.recipes.explained import shown
from untrained.report.reproducing import command_of
from untrained.restoring import plan_picture, timed_from
from untrained.studio.forms import FILES, complete_options
from untrained.studio.models import JobRequest
from untrained.studio.pictures import Pictures
from untrained.tasks import Asked, find_task

__all__ = ["Requests", "warm_up"]

_MOST_STEPS = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Requests:
    """Turn requests into jobs of a workspace.

    Attributes:
        pictures: of the workspace.
        device: where fits run.
        checkpoint_every: seconds of work that a kill may cost.
    """

    pictures: Pictures
    device: str = "auto"
    checkpoint_every: float = 10.0

    def complete(self, request: JobRequest) -> JobRequest:
        """Return a request with all options of its task.

        Raises:
            InputError: a task, recipe, setting, option, file or picture that there is not.
        """
        options = complete_options(request.task, request.options)
        self.recipe(request)
        task = find_task(request.task)
        for name in request.files:
            if name not in task.files:
                has = f"it takes {', '.join(task.files)}" if task.files else "it takes none"
                raise InputError(f"no file {name!r} for {request.task}; {has}")
        for name in task.files:
            if name in FILES and FILES[name].required and name not in request.files:
                raise InputError(f"{request.task} needs a {name}; give one")
        wanted = {"picture": request.picture, **request.files}
        for name, id_ in {**wanted, **({"truth": request.truth} if request.truth else {})}.items():
            facts = self.pictures.queue.picture(id_)
            if facts is None:
                raise InputError(f"no picture {id_} for the {name}; upload it first")
            if facts["kind"] == "kernel" and name != "kernel":
                raise InputError(f"{facts['name']} is a kernel; wanted a picture for the {name}")
            if facts["kind"] == "scan" and task.formats.what != "scan":
                raise InputError(f"{facts['name']} is a scan; wanted a picture for {request.task}")
        return request.model_copy(update={"options": options})

    def recipe(self, request: JobRequest) -> Recipe:
        """Return the recipe of a request with its settings.

        Raises:
            InputError: an unknown recipe or setting, or a value that does not do.
        """
        changes = {name: _as_text(value) for name, value in request.settings.items()}
        recipe = with_settings(find_recipe(request.task, request.recipe), changes, foreign=False)
        if recipe.max_steps > _MOST_STEPS:
            raise InputError(f"max_steps is {recipe.max_steps}; wanted at most {_MOST_STEPS}")
        return recipe

    def job(self, id_: str, request: JobRequest, *, recipe: Recipe | None = None) -> Job:
        """Return the job of a complete request; `recipe` in place of the one it names."""
        recipe = recipe or self.recipe(request)
        source = self.pictures.file(request.picture)
        folder = self.pictures.workspace.job(id_)
        return Job(
            task=request.task,
            source=source,
            target=folder / f"result{find_task(request.task).formats.output_suffix(source)}",
            recipe=recipe,
            files={name: self.pictures.file(file) for name, file in request.files.items()},
            options=request.options,
            truth=None if request.truth is None else self.pictures.file(request.truth),
            seed=request.seed,
            device=self.device,
            run_dir=folder / "runs",
            snapshots=spread_steps(recipe.max_steps),
            overwrite=True,
            max_pixels=self.pictures.max_pixels,
            checkpoint_every=self.checkpoint_every,
        )

    def names(self, request: JobRequest) -> dict[Path, str]:
        """Return what the user calls the files of a request, for messages."""
        ids = [request.picture, *request.files.values(), *filter(None, [request.truth])]
        facts = {id_: self.pictures.queue.picture(id_) for id_ in ids}
        return {self.pictures.file(id_): known["name"] for id_, known in facts.items() if known}

    def pages(self, request: JobRequest) -> int:
        """Return how many pages a request is of."""
        facts = self.pictures.queue.picture(request.picture) or {"pages": 1}
        alone = any(request.options.get(name) is not None for name in ("slice", "frame"))
        return 1 if alone else int(facts["pages"])

    def record(self, request: JobRequest) -> dict[str, Any]:
        """Return the job as its record would have it, in a folder with the files' own names."""
        source = Path(self._name(request.picture))
        suffix = find_task(request.task).formats.output_suffix(source)
        return {
            "task": request.task,
            "source": str(source),
            "target": str(source.with_name(f"{source.stem}-{request.task}{suffix}")),
            "files": {name: self._name(id_) for name, id_ in request.files.items()},
            "options": request.options,
            "truth": None if request.truth is None else self._name(request.truth),
            "seed": request.seed,
            "device": self.device,
        }

    def command(self, request: JobRequest) -> str:
        """Return the command line that does the same."""
        return command_of(self.record(request), self.recipe(request))

    def plan(self, request: JobRequest, *, timed: bool) -> Plan:
        """Return what a complete request will cost.

        Args:
            request: complete.
            timed: whether a pace that is not known is measured, which takes seconds; while a worker
                fits, that would be slowed down, and so would the measurement.

        Raises:
            InputError: as `run_job`, where the fit could not begin.
        """
        job = self.job("0" * 16, request)
        task = find_task(job.task)
        # what a scan is read as depends on its options
        is_scan = task.formats.what == "scan"
        picture = job.read_source() if is_scan else self.pictures.kept(job)
        asked = Asked(source=job.source, picture=picture, files=job.files, options=job.options,
                      max_pixels=job.max_pixels)  # fmt: skip
        given = task.measured(asked) or task.given(asked)
        try:
            with timed_from(0 if timed else math.inf):
                found = plan_picture(
                    picture, recipe=job.recipe, given=given, seed=job.seed, device=job.device,
                    windows=task.windows(picture, job.options)[0],
                )  # fmt: skip
        finally:
            torch.cuda.empty_cache()  # the workers need the memory; nothing happens without CUDA
        height, width, channels = found.size
        height, width = upright_size((height, width), orientation_of(picture))
        return replace(found, size=(height, width, channels))

    def _name(self, id_: str) -> str:
        facts: dict[str, Any] = self.pictures.queue.picture(id_) or {"name": id_}
        return str(facts["name"])


def warm_up() -> None:
    """Import what the first plan needs, by planning; torch takes seconds for it."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    with timed_from(math.inf):
        plan_picture(Picture.from_array(noise), recipe="denoise/fast")


def _as_text(value: Any) -> str:
    """Return a setting as `with_settings` takes it."""
    return shown(tuple(value) if isinstance(value, list) else value)
