"""Images of the fit at chosen steps."""

from __future__ import annotations

from collections.abc import Callable, Collection

from torch import Tensor

from untrained.fitting.callbacks.base import Callback, Check, Start
from untrained.fitting.result import Result

__all__ = ["Snapshots", "spread_steps"]


def spread_steps(max_steps: int, *, count: int = 16) -> tuple[int, ...]:
    """Return steps from 0 to max_steps, dense at first: max_steps · t³ at `count` even t in [0, 1].

    A picture appears fast and turns to noise slowly; and a fit that a stop rule ends at a third of
    its steps still has two thirds of these behind it.
    """
    last = count - 1
    return tuple(sorted({round(max_steps * (i / last) ** 3) for i in range(count)}))


class Snapshots(Callback):
    """Hand the image that would be kept to `save` at (the first look after) each chosen step.

    Step 0 is the untrained network's. Looks are not moved: when one looks decides when a fit stops,
    and must not depend on what is saved.
    """

    def __init__(self, steps: Collection[int], save: Callable[[int, Tensor], None]) -> None:
        """`save` takes the step and the image (1, C, H, W) in the unit range."""
        self.wanted = sorted(set(steps))
        self.save = save
        self.done = 0

    def on_start(self, start: Start) -> None:
        """Save step 0; skip the snapshots that an earlier part of a resumed run has taken."""
        self.done = start.step
        if start.step == 0 and 0 in self.wanted and start.image is not None:
            self.save(0, start.image())

    def on_check(self, check: Check) -> None:
        """Save the image if a chosen step was reached."""
        if any(self.done < step <= check.step for step in self.wanted):
            self.save(check.step, check.image)
        self.done = check.step

    def on_end(self, result: Result) -> None:
        """Save the kept image, too, under the step that it is from."""
        self.save(result.kept_step, result.estimate)
