"""The history as JSON lines: one object a step, readable while the fit runs."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import IO, Any

from untrained.atomic import make_folder, write_atomically
from untrained.fitting.callbacks.base import Callback, Check, Start
from untrained.fitting.callbacks.scoring import Scoring
from untrained.fitting.result import Result

__all__ = ["JsonLines", "read_json_lines"]


class JsonLines(Callback):
    """Write `step`, `loss` and `psnr_observed` (dB) of every step.

    The last step before each look has more: `lr`, the stop rule's `value`, `seconds`, and the
    scores if there is a truth. Lines that cannot be written are tried again at the next look.
    """

    def __init__(self, path: Path, *, scoring: Scoring | None = None) -> None:
        self.path = path
        self.scoring = scoring
        self.file: IO[bytes] | None = None
        self.whole = 0  # bytes of the file that are complete lines
        self.waiting: list[dict[str, Any]] = []

    def on_start(self, start: Start) -> None:
        """Make the file anew; on resuming, without the lines of steps that will be taken again."""
        self.waiting = []
        if start.step and self.path.exists():
            lines = read_json_lines(self.path)
            self.waiting = [line for line in lines if line["step"] <= start.step]
        self._write()

    def on_check(self, check: Check) -> None:
        """Append the steps since the last look."""
        first = check.step - len(check.losses) + 1
        for i, (loss, value) in enumerate(zip(check.losses, check.psnr_observed, strict=True)):
            line: dict[str, Any] = {"step": first + i, "loss": loss, "psnr_observed": value}
            if first + i == check.step:
                line |= {"lr": check.lr, "value": check.value, "seconds": round(check.seconds, 3)}
                line |= self.scoring.latest if self.scoring else {}
            self.waiting.append(line)
        self._write()

    def on_end(self, result: Result) -> None:
        """Close the file."""
        try:
            self._write()
        finally:
            if self.file is not None:
                self.file.close()
                self.file = None

    def _write(self) -> None:
        """Write the lines that wait, whole or not at all."""
        text = "".join(json.dumps(line) + "\n" for line in self.waiting).encode()
        if self.file is None:
            # A new file under the old name: the old one may have other names, outside of the run.
            make_folder(self.path.parent)
            write_atomically(self.path, lambda file: file.write(text))
            self.file = self.path.open("ab", buffering=0)
            self.whole = len(text)
        elif text:
            os.ftruncate(self.file.fileno(), self.whole)  # a part that an error left
            rest = memoryview(text)
            while rest:
                rest = rest[self.file.write(rest) :]
            self.whole += len(text)
        self.waiting = []


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a history that are whole: not one cut by a kill, nor damaged ones.

    Every line returned is what `JsonLines` writes of a step; steps rise.

    Raises:
        OSError: it cannot be read.
    """
    lines: list[dict[str, Any]] = []
    for text in path.read_bytes().splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if _is_line(line) and (not lines or line["step"] > lines[-1]["step"]):
            lines.append(line)
    return lines


def _is_line(line: Any) -> bool:
    """Whether this is what `JsonLines` writes of a step."""
    if not isinstance(line, dict):
        return False
    step = line.get("step")
    if not isinstance(step, int) or isinstance(step, bool) or not 0 < step < 2**53:
        return False
    if ("psnr_truth" in line) != ("psnr_truth_iterate" in line):
        return False
    wanted = {"loss", "psnr_observed", *line} - {"value"}  # a stop rule may have no number
    return all(_is_number(line.get(name)) for name in wanted)


def _is_number(value: Any) -> bool:
    """Whether this is a number that fits a float; infinite ones and NaN are."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        math.isfinite(value)
    except OverflowError:
        return False
    return True
