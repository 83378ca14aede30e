"""Enlarging: y = A x with A a downsampling."""

from __future__ import annotations

from typing import Any, Unpack

from untrained.errors import InputError
from untrained.operators import Resample
from untrained.tasks.base import Asked, Given, Options, PictureShape, Source, Task, as_size
from untrained.tasks.calling import FitKeywords, run_task

__all__ = ["Upscale", "upscale"]


class Upscale(Task):
    """y = A x with A a Lanczos2 downsampling.

    Option: `factor`, how many times the height and width, a whole number from 2 up.
    """

    name = "upscale"
    participle = "upscaled"

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
    image: Source,
    factor: int = 4,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Enlarge an image: y = A x with A a Lanczos2 downsampling by `factor`.

    Args:
        image: as for `denoise`.
        factor: a whole number from 2 up.
        **fit: as for `denoise`.

    Returns:
        the enlarged image, `factor` times the height and width, same dtype and range.

    Raises:
        InputError: as for `denoise`; also a factor under 2.
    """
    return run_task("upscale", image, Given(operator=_downsampling(factor)), fit)


def _downsampling(factor: int) -> Resample:
    factor = as_size(factor, "factor")
    if factor < 2:
        raise InputError(f"factor is {factor}; wanted a whole number from 2 up")
    return Resample(factor, kernel="lanczos2")
