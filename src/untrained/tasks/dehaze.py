"""Removing haze: y = t J + (1 - t) A."""

from __future__ import annotations

from typing import Any, Unpack

from untrained.tasks.base import Given, Source, Task
from untrained.tasks.calling import FitKeywords, run_task

__all__ = ["Dehaze", "dehaze"]


class Dehaze(Task):
    """y = t J + (1 - t) A; the picture written is J, with `transmission` (t) and A beside it."""

    name = "dehaze"
    participle = "dehazed"


def dehaze(
    image: Source,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Remove the haze from an image: y = t J + (1 - t) A, A the colour of the haze.

    Args:
        image: as for `denoise`.
        **fit: as for `denoise`.

    Returns:
        J, same shape, dtype and range. With `return_result=True` the `Result`, which has the
        transmission t in its `extras`.

    Raises:
        InputError: as for `denoise`.
    """
    return run_task("dehaze", image, Given(), fit)
