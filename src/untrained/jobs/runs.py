"""A run is one fit with its folder on disk: record, history, checkpoint, snapshots, result.

run.json         every setting, versions, machine, seed, stop reason, timings, scores
metrics.jsonl    one line a step
checkpoint.pt    all that resuming needs, replaced every few seconds
snapshots/       the image at chosen steps
result.*         the restored picture
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

import torch

from untrained import __version__
from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.fitting import Callback, Check, Result, Start

__all__ = ["Recorder", "RunFolder", "describe_machine", "summary_of"]


class RunFolder:
    """The folder of a run; nothing is created before the first write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def metrics(self) -> Path:
        """The history, one JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The state of the unfinished fit."""
        return self.path / "checkpoint.pt"

    @property
    def page(self) -> Path:
        """The finished page of a stack, as an array."""
        return self.path / "page.npy"

    def exists(self) -> bool:
        """Whether a run has begun here."""
        return (self.path / "run.json").exists()

    def create(self) -> None:
        """Make the folder. Raises InputError where that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot make the run folder ({error.strerror}); "
                "use --run-dir to put it elsewhere"
            ) from None

    def write_record(self, record: dict[str, Any]) -> None:
        """Replace run.json."""
        self.create()
        text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
        write_atomically(self.path / "run.json", lambda file: file.write(text.encode()))

    def read_record(self) -> dict[str, Any]:
        """Return run.json.

        Raises:
            InputError: there is none, or it is not a run's.
        """
        path = self.path / "run.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; wanted the folder of a run") from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as a run record ({error})") from None
        if not isinstance(record, dict) or "job" not in record:
            raise InputError(f"{path}: is not the record of a run")
        return record

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint."""
        write_atomically(self.checkpoint, lambda file: torch.save(state, file))

    def load_state(self) -> dict[str, Any] | None:
        """Return the checkpoint; None if there is none."""
        if not self.checkpoint.exists():
            return None
        state: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        return state


_SHARE = 0.03


def pause_after(took: float, *, least: float) -> float:
    """Return the seconds until the next write, so that writes get at most 3 % of the time."""
    return max(least, took / _SHARE)


class Recorder(Callback):
    """Keep a run's folder: the record when it starts, the checkpoint while it runs."""

    needs_whole_image: ClassVar[bool] = False

    def __init__(
        self, folder: RunFolder, job: RunFolder, record: dict[str, Any], *, checkpoint_every: float
    ) -> None:
        """The checkpoint goes to `folder`, the record to `job`: the same, but for a stack's pages.

        `checkpoint_every` is in seconds; 0 = at every look. Where writing takes long (large
        pictures) it is done less often: it gets 3 % of the time.
        """
        self.folder = folder
        self.job = job
        self.record = record
        self.checkpoint_every = checkpoint_every
        self.next = 0.0
        self.latest: Callable[[], dict[str, Any]] | None = None

    def on_start(self, start: Start) -> None:
        """Write the record."""
        self.folder.create()
        self.job.write_record(self.record)
        self.next = time.monotonic() + self.checkpoint_every

    def on_check(self, check: Check) -> None:
        """Replace the checkpoint if it is old."""
        self.latest = check.state
        began = time.monotonic()
        if began < self.next:
            return
        self.folder.save_state(check.state())
        ended = time.monotonic()
        pause = pause_after(ended - began, least=self.checkpoint_every)
        self.next = ended + pause if self.checkpoint_every else ended

    def on_end(self, result: Result) -> None:
        """Keep the checkpoint of a fit that was cut short, so that it can go on."""
        if result.cut_short and self.latest is not None:
            self.folder.save_state(self.latest())


def describe_machine() -> dict[str, Any]:
    """Return what a result may depend on: versions, system, processor, threads."""
    versions = {"untrained": __version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "scikit-image", "pyvips", "tifffile"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "versions": versions,
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def now() -> str:
    """Return the time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def summary_of(result: Result) -> dict[str, Any]:
    """Return what a record says about a result."""
    summary: dict[str, Any] = {
        "stop_reason": result.reason.value,
        "stop_advice": result.reason.advice,
        "stop_step": result.stop_step,
        "kept": result.kept,
        "kept_step": result.kept_step,
        "recoveries": result.recoveries,
        "seconds": round(result.seconds, 3),
        "steps_per_second": round(result.stop_step / max(result.seconds, 1e-9), 3),
        **result.details,
    }
    if result.history.psnr_observed:
        summary["psnr_observed"] = result.history.psnr_observed[-1]
    if result.notes:
        summary["notes"] = list(result.notes)
    if result.extras:
        summary["extras"] = list(result.extras)
    score = result.score
    if score is not None:
        summary["score"] = {
            "psnr": score.psnr_kept,
            "ssim": score.ssim_kept,
            "psnr_degraded": score.psnr_degraded,
            "peak_psnr": score.peak_psnr,
            "peak_step": score.peak_step,
            "gap_to_peak": score.gap,
        }
    return summary
