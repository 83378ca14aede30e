"""What a worker tells of its fit: progress always, the picture only while somebody looks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from untrained.fitting import Callback, Check, Plan, Result, Start
from untrained.images import screen_profile, upright
from untrained.jobs.runs import pause_after
from untrained.studio.screen import encode_png

__all__ = ["LatestImage", "Watcher", "is_watched", "keep_watching"]

_WATCHED_FOR = 6.0
_EVERY = 0.45  # half a second: with looks .7 s apart a whole one would skip every second look


class Watcher(Callback):
    """Tell `tell` where a fit is, at most three times a second."""

    needs_whole_image: ClassVar[bool] = False

    def __init__(
        self, tell: Callable[..., None], *, earlier: Sequence[Watcher], pages: int
    ) -> None:
        """The numbers are of all pages of a stack; `earlier` are those of the pages before."""
        self.tell = tell
        self.page = len(earlier)
        self.pages = pages
        self.seconds: float = 0.0
        self.before = sum(watcher.seconds for watcher in earlier)
        self.max_steps = 0
        self.first = (0, 0.0)
        self.told = 0.0

    def on_plan(self, plan: Plan) -> None:
        """Tell the size of the result and the most steps."""
        height, width, _ = plan.size
        self.tell(width=width, height=height, max_steps=plan.max_steps * self.pages)

    def on_start(self, start: Start) -> None:
        """Take the time."""
        self.max_steps = start.max_steps
        self.first = (start.step, time.monotonic())

    def on_check(self, check: Check) -> None:
        """Tell step, pace, time left and PSNR, if it is time."""
        now = time.monotonic()
        if now - self.told >= 0.33:
            self.told = now
            self._tell(check.step, check.seconds, check.psnr_observed[-1])

    def on_end(self, result: Result) -> None:
        """Tell the last numbers."""
        if result.history.psnr_observed:
            self._tell(result.stop_step, result.seconds, result.history.psnr_observed[-1])

    def _tell(self, step: int, seconds: float, psnr_observed: float) -> None:
        first, began = self.first
        pace = max(1e-9, time.monotonic() - began) / max(1, step - first)
        self.seconds = seconds
        taken = self.page * self.max_steps + step
        self.tell(
            step=taken,
            seconds=round(self.before + seconds, 3),
            steps_per_second=round(1 / pace, 3),
            seconds_left=round((self.pages * self.max_steps - taken) * pace, 1),
            psnr_observed=round(psnr_observed, 3) if math.isfinite(psnr_observed) else None,
        )


class LatestImage(Callback):
    """Write the image that would be kept now, while it is watched, about twice a second at most.

    Where encoding takes long (large pictures) it is done less often: it gets 3 % of the time.
    """

    def __init__(
        self, folder: Path, *, orientation: int = 1,
        look: Callable[[Tensor], Tensor] = lambda image: image, icc: bytes | None = None,
    ) -> None:  # fmt: skip
        """`orientation` is that of the picture that is fitted; its image is shown upright.

        `look` is what is to be seen of the image, `icc` the picture's colour profile.
        """
        self.folder = folder
        self.orientation = orientation
        self.look = look
        self.icc = icc
        self.next = 0.0

    def on_check(self, check: Check) -> None:
        """Write the picture if it is time and somebody looks."""
        began = time.monotonic()
        if began < self.next:
            return
        if not is_watched(self.folder):
            self.next = began + 0.2
            return
        self._write(check.image)
        self.next = began + pause_after(time.monotonic() - began, least=_EVERY)

    def on_end(self, result: Result) -> None:
        """Leave the kept image, if anybody looked."""
        if (self.folder / "latest.png").exists():
            self._write(result.estimate)

    def _write(self, image: Tensor) -> None:
        look = self.look(image)
        write_latest(self.folder, look, orientation=self.orientation, icc=self.icc)


def write_latest(
    folder: Path, image: Tensor, *, orientation: int = 1, icc: bytes | None = None
) -> None:
    """Write (1, C, H, W) of the unit range as latest.png; of other channels than 1 or 3 the first.

    Not forced to the disk: it is looked at once, and the next one is a second away.
    """
    shown = image[0] if image.shape[1] in (1, 3) else image[0, :1]
    with torch.no_grad():
        data = (shown.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    temporary = folder / "latest.tmp"
    profile = screen_profile(icc, data.shape[2])
    png = encode_png(upright(data, orientation), compression=0, profile=profile)
    temporary.write_bytes(png)
    temporary.replace(folder / "latest.png")


def keep_watching(folder: Path) -> None:
    """Say that somebody looks at a job, for the next few seconds."""
    if folder.exists() and not is_watched(folder, at_least=_WATCHED_FOR - 1):
        (folder / "watched").touch()


def is_watched(folder: Path, *, at_least: float = 0.0) -> bool:
    """Whether somebody looks, and will be thought to for `at_least` so many seconds."""
    try:
        age = time.time() - (folder / "watched").stat().st_mtime
    except OSError:
        return False
    return age < _WATCHED_FOR - at_least
