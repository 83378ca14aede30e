"""The fit on a terminal: a live bar, or a line now and then where there is no terminal."""

from __future__ import annotations

import sys
import time
from typing import IO, Any, ClassVar, TextIO, cast

from untrained.fitting.callbacks.base import Callback, Check, Plan, Start
from untrained.fitting.callbacks.scoring import Scoring
from untrained.fitting.result import Result
from untrained.streams import Guarded

__all__ = ["Progress", "format_seconds"]


class Progress(Callback):
    """Show step, loss, PSNR to the truth where it is known, steps/s and time left.

    On a terminal this is a bar (rich), unless `bar` says otherwise; elsewhere a plain line every
    `line_every` seconds.
    """

    needs_whole_image: ClassVar[bool] = False

    def __init__(
        self, label: str, *, scoring: Scoring | None = None, stream: IO[str] | None = None,
        line_every: float = 10.0, bar: bool | None = None,
    ) -> None:  # fmt: skip
        self.label = label
        self.scoring = scoring
        self.stream = Guarded(stream or sys.stderr)  # a fit does not end with its audience
        self.line_every = line_every
        self.wants_bar = self.stream.isatty() if bar is None else bar
        self.first: tuple[int, float] = (0, 0.0)
        self.last_line = 0.0
        self.bar: Any = None
        self.task: Any = None

    def on_plan(self, plan: Plan) -> None:
        """Say what the fit will cost."""
        height, width, channels = plan.size
        tiles = f" in {plan.tiles} tiles" if plan.tiles > 1 else ""
        time_ = "" if plan.between is None else f" in {format_between(*plan.between)}"
        print(
            f"{self.label}: {height}x{width}x{channels}{tiles}, up to {plan.max_steps} steps"
            f"{time_} and {_format_bytes(plan.memory_bytes)}, {plan.precision} on {plan.device}",
            file=self.stream,
            flush=True,
        )

    def on_start(self, start: Start) -> None:
        """Open the bar."""
        self.first = (start.step, time.monotonic())
        self.last_line = time.monotonic()
        if self.wants_bar:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            self.bar = Bar(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.completed}/{task.total}"),
                TextColumn("{task.fields[note]}", markup=False),
                console=Console(file=cast(TextIO, self.stream)),
                transient=True,
            )
            self.task = self.bar.add_task(
                self.label, total=start.max_steps, completed=start.step, note="starting"
            )
            self.bar.start()

    def on_check(self, check: Check) -> None:
        """Show where the fit is."""
        note = self._note(check)
        if self.bar is not None:
            self.bar.update(self.task, completed=check.step, note=note)
        elif time.monotonic() - self.last_line >= self.line_every:
            self.last_line = time.monotonic()
            print(
                f"{self.label}: step {check.step}/{check.max_steps}  {note}",
                file=self.stream,
                flush=True,
            )

    def on_end(self, result: Result) -> None:
        """Close the bar."""
        self.close()

    def close(self) -> None:
        """Take the bar off the terminal; safe to call twice."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _note(self, check: Check) -> str:
        step, began = self.first
        pace = (time.monotonic() - began) / max(1, check.step - step)
        left = format_seconds(pace * (check.max_steps - check.step))
        parts = [f"loss {check.losses[-1]:.5f}"]
        if self.scoring and self.scoring.latest:
            parts.append(f"PSNR to truth {self.scoring.latest['psnr_truth']:.2f} dB")
        if check.recoveries:
            parts.append(f"{check.recoveries} recoveries")
        return "  ".join([*parts, f"{1 / pace:.1f} steps/s", f"at most {left} left"])


def _format_bytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def format_between(least: float, most: float) -> str:
    """Return "about 20 to 60 s", "about 3 to 8 min": two digits are all that is known."""
    for unit, name in ((3600, "h"), (60, "min")):
        if most >= 2 * unit:
            low, high = (value / unit for value in (least, most))
            digits = 1 if high < 10 else 0
            return f"about {low:.{digits}f} to {high:.{digits}f} {name}"
    return f"about {max(1, round(least))} to {max(2, round(most))} s"


def format_seconds(seconds: float) -> str:
    """Return "8 s", "3 min 20 s" or "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
