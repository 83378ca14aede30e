"""Removing haze: y = t J + (1 - t) A."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from untrained.callbacks import Callback
from untrained.recipes import Recipe
from untrained.tasks.base import Given, Task, run_task

__all__ = ["Dehaze", "dehaze"]


class Dehaze(Task):
    """y = t J + (1 - t) A; the picture written is J, with `transmission` (t) and A beside it."""

    name = "dehaze"


def dehaze(
    image: NDArray[Any] | str | Path,
    *,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> NDArray[Any]:
    """Remove the haze from an image: y = t J + (1 - t) A, A the colour of the haze.

    Args:
        image, channel_axis, recipe, seed, device, callbacks: as for `denoise`.

    Returns:
        J, same shape, dtype and range. `restore` with the recipe gives the transmission t too,
        as `Result.extras`.

    Raises:
        InputError: as for `denoise`.
    """
    return run_task(
        "dehaze", image, Given(), recipe=recipe, channel_axis=channel_axis, seed=seed,
        device=device, callbacks=callbacks,
    )  # fmt: skip
