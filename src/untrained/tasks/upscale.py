"""Enlarging: y = A x with A a downsampling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from untrained.callbacks import Callback
from untrained.errors import InputError
from untrained.operators import Resample
from untrained.recipes import Recipe
from untrained.tasks.base import Asked, Given, Options, PictureShape, Task, as_size, run_task

__all__ = ["Upscale", "upscale"]


class Upscale(Task):
    """y = A x with A a Lanczos2 downsampling.

    Option: `factor`, how many times the height and width, a whole number from 2 up.
    """

    name = "upscale"

    def check(self, options: Options) -> None:
        """Refuse a factor under 2."""
        _downsampling(options["factor"])

    def given(self, asked: Asked) -> Given:
        """Return the downsampling."""
        return Given(operator=_downsampling(asked.options["factor"]))

    def output_shape(self, shape: PictureShape, options: Options) -> PictureShape:
        """Return the shape with `factor` times the height and width."""
        pages, height, width, channels = shape
        return pages, options["factor"] * height, options["factor"] * width, channels


def upscale(
    image: NDArray[Any] | str | Path,
    factor: int = 4,
    *,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> NDArray[Any]:
    """Enlarge an image: y = A x with A a Lanczos2 downsampling by `factor`.

    Args:
        image: as for `denoise`.
        factor: a whole number from 2 up.
        channel_axis, recipe, seed, device, callbacks: as for `denoise`.

    Returns:
        the enlarged image, `factor` times the height and width, same dtype and range.

    Raises:
        InputError: as for `denoise`; also a factor under 2.
    """
    return run_task(
        "upscale", image, Given(operator=_downsampling(factor)), recipe=recipe,
        channel_axis=channel_axis, seed=seed, device=device, callbacks=callbacks,
    )  # fmt: skip


def _downsampling(factor: int) -> Resample:
    factor = as_size(factor, "factor")
    if factor < 2:
        raise InputError(f"factor is {factor}; wanted a whole number from 2 up")
    return Resample(factor, kernel="lanczos2")
