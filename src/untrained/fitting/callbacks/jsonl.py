"""The history as JSON lines: one object a step, readable while the fit runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from untrained.fitting.callbacks.base import Callback, Check, Start
from untrained.fitting.callbacks.scoring import Scoring
from untrained.fitting.result import Result

__all__ = ["JsonLines", "read_json_lines"]


class JsonLines(Callback):
    """Write `step`, `loss` and `psnr_observed` (dB) of every step.

    The last step before each look has more: `lr`, the stop rule's `value`, `seconds`, and the
    scores if there is a truth.
    """

    def __init__(self, path: Path, *, scoring: Scoring | None = None) -> None:
        self.path = path
        self.scoring = scoring
        self.file: IO[str] | None = None

    def on_start(self, start: Start) -> None:
        """Open the file; on resuming, drop the lines of steps that will be taken again."""
        lines = []
        if start.step and self.path.exists():
            lines = [line for line in read_json_lines(self.path) if line["step"] <= start.step]
        self.file = self.path.open("w", encoding="utf-8")
        for line in lines:
            self._write(line)
        self.file.flush()

    def on_check(self, check: Check) -> None:
        """Append the steps since the last look."""
        assert self.file is not None
        first = check.step - len(check.losses) + 1
        for i, (loss, value) in enumerate(zip(check.losses, check.psnr_observed, strict=True)):
            line: dict[str, Any] = {"step": first + i, "loss": loss, "psnr_observed": value}
            if first + i == check.step:
                line |= {"lr": check.lr, "value": check.value, "seconds": round(check.seconds, 3)}
                line |= self.scoring.latest if self.scoring else {}
            self._write(line)
        self.file.flush()

    def on_end(self, result: Result) -> None:
        """Close the file."""
        if self.file is not None:
            self.file.close()

    def _write(self, line: dict[str, Any]) -> None:
        assert self.file is not None
        self.file.write(json.dumps(line) + "\n")


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the complete lines of a history; a last line cut by a kill is left out."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines
