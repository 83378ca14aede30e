"""A job is one picture file to be restored into another, with its run folder."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from untrained.acceleration import pick_device
from untrained.callbacks import Callback, JsonLines, Scoring, Snapshots, TensorBoard
from untrained.errors import InputError
from untrained.images import (
    Picture,
    check_writable,
    is_image_path,
    read_picture,
    with_pixels,
    write_picture,
)
from untrained.recipes import Recipe, decode, encode
from untrained.restore import Hooks, restore_picture
from untrained.result import Result, StopReason
from untrained.runs import Recorder, RunFolder, describe_machine, now, summary_of
from untrained.tasks import task_operator

__all__ = ["Job", "Outcome", "job_of_run", "plan_targets", "run_job"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One file to restore, with all that decides its result.

    Attributes:
        task: denoise, inpaint or upscale.
        source, target: the input and the output file.
        recipe: all settings of the fit.
        mask: a picture, white = known; `mask_invert` = black is.
        sigma: noise level; in units of the file's values if `sigma_in_units`, else on the
            customary scale where 255 is full scale; None = estimated.
        factor: of upscaling.
        truth: a clean picture for scoring.
        seed, device: as for `restore`.
        run_dir: where the run's folder is made; None = "untrained-runs" beside the output.
        snapshots: steps whose image is saved.
        tensorboard: whether event files are written into the run's folder.
        overwrite: whether an output that other settings made may be replaced.
        max_pixels: larger pictures are refused.
    """

    task: str
    source: Path
    target: Path
    recipe: Recipe
    mask: Path | None = None
    mask_invert: bool = False
    sigma: float | None = None
    sigma_in_units: bool = False
    factor: int = 4
    truth: Path | None = None
    seed: int = 0
    device: str = "auto"
    run_dir: Path | None = None
    snapshots: tuple[int, ...] = ()
    tensorboard: bool = False
    overwrite: bool = False
    max_pixels: int = 250_000_000
    checkpoint_every: float = 20.0

    def fingerprint(self) -> str:
        """Return a hash of everything that the result depends on: files, settings, device."""
        parts = {
            "source": _hash(self.source),
            "mask": _hash(self.mask) if self.mask else None,
            "recipe": encode(self.recipe),
            "device": pick_device(self.device).type,
            **{n: getattr(self, n) for n in ("task", "mask_invert", "sigma", "sigma_in_units")},
            **{n: getattr(self, n) for n in ("factor", "seed")},
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def folder(self) -> RunFolder:
        """Return the folder of this job's run."""
        parent = self.run_dir or self.target.parent / "untrained-runs"
        return RunFolder(parent / f"{self.source.stem}-{self.task}-{self.fingerprint()[:8]}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a job: "finished", "skipped" (it was done before), or "interrupted"."""

    job: Job
    status: str
    folder: Path
    record: dict[str, Any]
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

    Args:
        job: what to do.
        observers: makes more callbacks for a page, from its label and its scores.
        cancelled: polled during the fit.
        command: how the user asked for it, for the record.

    Raises:
        InputError: bad input; nothing has been written then.
    """
    folder = job.folder()
    earlier = folder.read_record() if folder.exists() else None
    if earlier and earlier["status"] == "finished" and job.target.exists():
        return Outcome(job=job, status="skipped", folder=folder.path, record=earlier)
    picture = read_picture(job.source, max_pixels=job.max_pixels)
    _check_target(job, picture, earlier)
    mask = _read_mask(job)
    truth = _read_truth(job)
    record = {
        "status": "running",
        "command": command,
        "started": earlier["started"] if earlier else now(),
        "job": _job_as_data(job),
        "source_sha256": _hash(job.source),
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
            callbacks.append(Snapshots(job.snapshots, _snapshot_saver(part.path, picture)))
        if job.tensorboard:
            callbacks.append(
                TensorBoard(part.path / "tensorboard", settings=record["job"], scoring=scoring)
            )
        return Hooks(
            callbacks=[*callbacks, *observers(labels[page], scoring)],
            cancelled=cancelled,
            state=part.load_state() if earlier else None,
            finished=np.load(part.page) if earlier and part.page.exists() else None,
            on_finished=lambda pixels, _: np.save(part.page, pixels) if pages > 1 else None,
        )

    restored, results = restore_picture(
        picture, recipe=job.recipe, operator=task_operator(job.task, job.factor), mask=mask,
        sigma=_sigma_in_units(job, picture), truth=truth, seed=job.seed, device=job.device,
        hooks=hooks,
    )  # fmt: skip
    cut_short = any(r.reason in (StopReason.INTERRUPTED, StopReason.CANCELLED) for r in results)
    record["status"] = "interrupted" if cut_short else "finished"
    record["ended"] = now()
    record["size"] = list(restored.pixels.shape)
    record["results"] = [summary_of(result) for result in results]
    write_picture(folder.path / f"result{job.target.suffix}", restored)
    job.target.parent.mkdir(parents=True, exist_ok=True)
    write_picture(job.target, restored)
    folder.write_record(record)
    if not cut_short:
        folder.checkpoint.unlink(missing_ok=True)
    return Outcome(
        job=job, status=record["status"], folder=folder.path, record=record,
        results=tuple(results), picture=restored,
    )  # fmt: skip


def plan_targets(
    task: str, sources: Sequence[Path], output: Path | None
) -> list[tuple[Path, Path]]:
    """Return the input and output file of every job.

    Folders stand for the pictures in them. One picture goes to the file `output` (into it if it is
    a folder), several into the folder `output`; without one, beside the input as NAME-TASK.

    Raises:
        InputError: no picture, a file as the output of many, two inputs of one name.
    """
    pictures: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(p for p in source.iterdir() if p.is_file() and is_image_path(p))
            if not inside:
                raise InputError(f"{source}: holds no picture; wanted a folder with some")
            pictures += inside
        else:
            pictures.append(source)
    if not pictures:
        raise InputError("no input; give one or more picture files or folders")
    many = len(pictures) > 1 or sources[0].is_dir()
    if output is None:
        pairs = [(p, p.with_name(f"{p.stem}-{task}{p.suffix}")) for p in pictures]
    elif many or output.is_dir():
        if output.exists() and not output.is_dir():
            raise InputError(
                f"{output}: is a file, the output of {len(pictures)} pictures must be a folder"
            )
        pairs = [(p, output / p.name) for p in pictures]
    else:
        pairs = [(pictures[0], output)]
    targets = [target for _, target in pairs]
    for target in targets:
        if targets.count(target) > 1:
            raise InputError(f"{target}: two inputs would go there; give them different names")
    return pairs


def job_of_run(path: Path) -> Job:
    """Return the job of an existing run, to go on with it.

    Raises:
        InputError: no run, or its input or settings no longer give the same result.
    """
    folder = RunFolder(path)
    record = folder.read_record()
    data = dict(record["job"])
    for name in ("source", "target", "mask", "truth"):
        data[name] = None if data[name] is None else Path(data[name])
    job = Job(**{**data, "recipe": decode(data["recipe"]), "snapshots": tuple(data["snapshots"]),
                 "run_dir": path.resolve().parent})  # fmt: skip
    if not job.source.exists():
        raise InputError(f"{job.source}: the run's input is gone; put it back to resume")
    if job.folder().path.resolve() != path.resolve():
        raise InputError(
            f"{path}: the input, the mask or the device is not what the run started with; "
            "restore the file again instead"
        )
    return job


def _check_target(job: Job, picture: Picture, earlier: dict[str, Any] | None) -> None:
    if job.target.exists() and job.target.samefile(job.source):
        raise InputError(f"{job.target}: is the input itself; give another output with -o")
    if job.target.exists() and not job.overwrite and not earlier:
        raise InputError(
            f"{job.target}: exists, and was not made by this command with these settings; "
            "pass --overwrite to replace it"
        )
    scale = job.factor if job.task == "upscale" else 1
    pages, height, width, channels = picture.pixels.shape
    shape = (pages, scale * height, scale * width, channels)
    outcome = np.broadcast_to(picture.pixels.dtype.type(0), shape)  # takes no memory
    alpha = None if picture.alpha is None else outcome[..., 0]
    check_writable(job.target, with_pixels(picture, outcome, alpha=alpha))
    needed = 3 * scale**2 * picture.pixels.nbytes
    parent = next(p for p in (job.target.parent, *job.target.resolve().parents) if p.exists())
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise InputError(
            f"{job.target}: the disk is full ({free / 2**20:.1f} MiB free, "
            f"about {needed / 2**20:.1f} MiB wanted); free some space or write elsewhere"
        )


def _read_mask(job: Job) -> NDArray[np.bool_] | None:
    """Return true where the mask file says that a pixel is known."""
    if job.mask is None:
        return None
    picture = read_picture(job.mask, max_pixels=job.max_pixels)
    values = picture.pixels[0].astype(np.float64).mean(axis=-1)
    known: NDArray[np.bool_] = values > values.max() / 2
    return ~known if job.mask_invert else known


def _read_truth(job: Job) -> Picture | None:
    return None if job.truth is None else read_picture(job.truth, max_pixels=job.max_pixels)


def _sigma_in_units(job: Job, picture: Picture) -> float | None:
    """Return the noise level in the units of the file's values."""
    if job.sigma is None or job.sigma_in_units:
        return job.sigma
    if np.issubdtype(picture.pixels.dtype, np.integer):
        return job.sigma / 255 * float(np.iinfo(picture.pixels.dtype).max)
    finite = picture.pixels[np.isfinite(picture.pixels)]
    if finite.size and (finite.min() < 0 or finite.max() > 1):
        raise InputError(
            f"{job.source}: sigma on the 0-255 scale needs a full scale, and float values from "
            f"{finite.min():g} to {finite.max():g} have none; pass --sigma-in-units"
        )
    return job.sigma / 255


def _snapshot_saver(folder: Path, picture: Picture) -> Callable[[int, Tensor], None]:
    """Return what saves an image of the unit range as PNG, 8-bit for 8-bit files, else 16-bit."""
    kind = np.uint8 if picture.pixels.dtype == np.uint8 else np.uint16

    def save(step: int, image: Tensor) -> None:
        shown = image[0] if image.shape[1] in (1, 3) else image[0, :1]
        values = shown.clamp(0, 1).permute(1, 2, 0).cpu().numpy() * np.iinfo(kind).max
        path = folder / "snapshots" / f"step-{step:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = Picture.from_array(np.rint(values).astype(kind))
        write_picture(path, plain)

    return save


def _job_as_data(job: Job) -> dict[str, Any]:
    data = {name: getattr(job, name) for name in job.__dataclass_fields__}
    for name in ("source", "target", "mask", "truth", "run_dir"):
        data[name] = None if data[name] is None else str(Path(data[name]).resolve())
    return {**data, "recipe": encode(job.recipe), "snapshots": list(job.snapshots)}


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
