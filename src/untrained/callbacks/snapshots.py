"""Images of the fit at chosen steps."""

from __future__ import annotations

from collections.abc import Callable, Collection

from torch import Tensor

from untrained.callbacks.base import Callback, Check, Start
from untrained.result import Result

__all__ = ["Snapshots"]


class Snapshots(Callback):
    """Hand the image that would be kept to `save` at (the first look after) each chosen step."""

    def __init__(self, steps: Collection[int], save: Callable[[int, Tensor], None]) -> None:
        """`save` takes the step and the image (1, C, H, W) in the unit range."""
        self.wanted = sorted(set(steps))
        self.save = save
        self.done = -1

    def on_start(self, start: Start) -> None:
        """Skip the snapshots that an earlier part of a resumed run has taken."""
        self.done = start.step if start.step else -1

    def on_check(self, check: Check) -> None:
        """Save the image if a chosen step was reached."""
        if any(self.done < step <= check.step for step in self.wanted):
            self.save(check.step, check.image)
        self.done = check.step

    def on_end(self, result: Result) -> None:
        """Save the kept image, too, under the step that it is from."""
        self.save(result.kept_step, result.estimate)
