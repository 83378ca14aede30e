"""A run is one fit with its folder on disk: record, history, checkpoint, snapshots, result.

run.json         every setting, versions, machine, seed, stop reason, timings, scores
run.copy.json    the same again, in case it is damaged
metrics.jsonl    one line a step
checkpoint.pt    all that resuming needs, replaced every few seconds
snapshots/       the image at chosen steps
pages/           of a stack: the same for each page, and page.npy
result.*         the restored picture
lock             while a process is at work on it
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from untrained import __version__
from untrained.atomic import DamagedError, read_sealed, sweep, write_atomically, write_sealed
from untrained.errors import InputError
from untrained.fitting import Callback, Check, Result, Start, read_tensors, write_tensors
from untrained.jobs.locks import RunLock
from untrained.jobs.records import as_text, checked, read_json

__all__ = ["Checkpoints", "Opening", "Recorder", "RunFolder", "describe_machine", "summary_of"]


class RunFolder:
    """The folder of a run; nothing is created before the first write.

    `notes` are lines about what was found damaged in it, and passed over.
    """

    def __init__(self, path: Path, *, notes: list[str] | None = None) -> None:
        self.path = path
        self.notes = [] if notes is None else notes

    def part(self, page: int) -> RunFolder:
        """Return the folder of a page of a stack, counted from 1."""
        return RunFolder(self.path / "pages" / f"{page:04d}", notes=self.notes)

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

    def check(self) -> None:
        """Make sure that whatever is in here lies in here: no link leads out, no pipe waits.

        Raises:
            InputError: there is something else than files and folders.
        """
        places = [self.path]
        while places:
            place = places.pop()
            try:
                mode = place.lstat().st_mode
                if stat.S_ISDIR(mode):
                    places += place.iterdir()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise InputError(f"{place}: cannot be read ({error.strerror})") from None
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                kind = "a link" if stat.S_ISLNK(mode) else "a pipe or device"
                raise InputError(
                    f"{place}: is {kind}, and a run's folder holds files and folders alone; "
                    "remove it, or restore the file again with another --run-dir"
                )

    def sweep(self) -> None:
        """Remove the temporary files that killed processes have left."""
        for folder, _, _ in os.walk(self.path):
            sweep(Path(folder))

    def write_record(self, record: dict[str, Any]) -> None:
        """Replace run.json."""
        self.create()
        text = as_text(record).encode()
        write_atomically(self.path / "run.json", lambda file: file.write(text))
        with contextlib.suppress(InputError):  # without it there is still the record itself
            write_atomically(self.path / _COPY, lambda file: file.write(text))

    def read_record(self) -> dict[str, Any]:
        """Return run.json; where it is damaged its copy, and a note.

        Raises:
            InputError: there is none, or it is not a run's.
        """
        path = self.path / "run.json"
        try:
            record = read_json(path)
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; wanted the folder of a run") from None
        except DamagedError:
            try:
                record = checked(read_json(self.path / _COPY), path)
            except (OSError, InputError):
                pass
            else:
                self.notes.append("run.json was damaged; its copy was used")
                return record
            raise
        return checked(record, path)

    def earlier(self) -> dict[str, Any] | None:
        """Return the record of a run that has begun here; None and a note if it is damaged."""
        if not self.exists():
            return None
        try:
            return self.read_record()
        except InputError as error:
            self.notes.append(f"begun anew, since the earlier run cannot be gone on with ({error})")
            return None

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint."""
        write_tensors(self.checkpoint, state)

    def load_state(self) -> dict[str, Any] | None:
        """Return the checkpoint; None if there is none, or a damaged one, with a note."""
        try:
            return read_tensors(self.checkpoint)
        except FileNotFoundError:
            return None
        except DamagedError as error:
            self.notes.append(f"begun anew, since {error}")
            return None

    def save_page(self, pixels: NDArray[Any]) -> None:
        """Write the finished page of a stack."""

        def packed() -> memoryview:
            buffer = io.BytesIO()
            np.save(buffer, pixels)
            return buffer.getbuffer()

        write_sealed(self.page, packed)

    def load_page(self) -> NDArray[Any] | None:
        """Return the finished page; None if there is none, or a damaged one, with a note."""
        try:
            page = np.load(io.BytesIO(read_sealed(self.page)), allow_pickle=False)
        except FileNotFoundError:
            return None
        except (InputError, ValueError, EOFError, SyntaxError):
            self.notes.append(f"page {self.path.name} is damaged, and is not used")
            return None
        return np.asarray(page)


_COPY = "run.copy.json"
_SHARE = 0.03


def pause_after(took: float, *, least: float) -> float:
    """Return the seconds until the next write, so that writes get at most 3 % of the time."""
    return max(least, took / _SHARE)


class Opening(Callback):
    """Begin a run's folder as the fit begins: the lock, the record."""

    needs_whole_image: ClassVar[bool] = False

    def __init__(self, folder: RunFolder, lock: RunLock, record: dict[str, Any]) -> None:
        self.folder = folder
        self.lock = lock
        self.record = record
        self.begun = False

    def on_start(self, start: Start) -> None:
        """Write the record. Raises InputError where another process has just begun the run."""
        self.begun = True
        self.folder.create()
        self.lock.take()
        self.folder.write_record(self.record)

    def on_check(self, check: Check) -> None:
        """Tell other processes that this one is still there."""
        self.lock.say()


class Checkpoints(Callback):
    """Write all that resuming needs, now and then. The last of a fit's observers.

    What the others have written of a look is then on the disk before the checkpoint: a killed run
    goes on from there, and their files have no gap.
    """

    needs_whole_image: ClassVar[bool] = False

    def __init__(self, folder: RunFolder, *, every: float) -> None:
        """`every` is in seconds; 0 = at every look. Where writing takes long (large pictures) it is
        done less often: it gets 3 % of the time.
        """
        self.folder = folder
        self.checkpoint_every = every
        self.next = 0.0
        self.latest: Callable[[], dict[str, Any]] | None = None

    def on_start(self, start: Start) -> None:
        """Begin to count."""
        self.next = time.monotonic() + self.checkpoint_every

    def on_check(self, check: Check) -> None:
        """Replace the checkpoint if it is old."""
        self.latest = check.state
        began = time.monotonic()
        if began < self.next:
            return
        self.next = began + self.checkpoint_every
        self.folder.create()
        self.folder.save_state(check.state())
        ended = time.monotonic()
        pause = pause_after(ended - began, least=self.checkpoint_every)
        self.next = ended + pause if self.checkpoint_every else ended

    def on_end(self, result: Result) -> None:
        """Keep the checkpoint of a fit that was cut short, so that it can go on."""
        if result.cut_short and self.latest is not None:
            self.folder.create()
            self.folder.save_state(self.latest())


class Recorder(Checkpoints):
    """Write a record when the fit starts, and checkpoints while it runs."""

    def __init__(
        self, folder: RunFolder, job: RunFolder, record: dict[str, Any], *, checkpoint_every: float
    ) -> None:
        """The checkpoint goes to `folder`, the record to `job`."""
        super().__init__(folder, every=checkpoint_every)
        self.job = job
        self.record = record

    def on_start(self, start: Start) -> None:
        """Write the record."""
        self.folder.create()
        self.job.write_record(self.record)
        super().on_start(start)


@contextlib.contextmanager
def as_begun(threads: int | None, tell: Callable[[str], None]) -> Iterator[None]:
    """Take as many threads as a fit was begun with; None = as many as there are.

    With another number sums are rounded in another order, and the fit goes another way.
    """
    here = torch.get_num_threads()
    if threads is None or threads == here:
        yield
        return
    tell(f"gone on with {threads} thread(s), as it was begun; here it would be {here}")
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(here)


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
