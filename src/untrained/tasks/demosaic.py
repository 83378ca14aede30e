"""Demosaicing: y = one colour of every pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Unpack, cast

import numpy as np

from untrained.errors import InputError
from untrained.images import read_picture
from untrained.operators import Mosaic
from untrained.operators.mosaic import Pattern
from untrained.tasks.base import Asked, Given, Options, PictureShape, Source, Task
from untrained.tasks.calling import FitKeywords, run_task

__all__ = ["Demosaic", "demosaic"]


class Demosaic(Task):
    """y = one colour of every pixel. Option: `pattern`, of the top left 2x2 pixels.

    "auto" = as the file says, RGGB where it does not.
    """

    name = "demosaic"
    mosaic = True
    participle = "demosaicked"

    def check(self, options: Options) -> None:
        """Refuse an unknown pattern."""
        if options["pattern"] != "auto":
            Mosaic(options["pattern"])

    def given(self, asked: Asked) -> Given:
        """Return the mosaic."""
        channels = asked.picture.pixels.shape[3]
        if channels != 1:
            raise InputError(
                f"{asked.source}: has {channels} channels; wanted a raw mosaic, which has one"
            )
        pattern = _pattern(asked.options["pattern"], asked.picture.metadata.pattern)
        return Given(operator=Mosaic(pattern))

    def output_shape(self, shape: PictureShape, options: Options) -> PictureShape:
        """Return the shape with three channels."""
        return (*shape[:3], 3)


def _pattern(given: Pattern | Literal["auto"], said: str | None) -> Pattern:
    """Return the pattern that is given, or else said by the file.

    Raises:
        InputError: the two differ.
    """
    if given == "auto":
        return cast("Pattern", said or "RGGB")
    if said not in (None, given):
        raise InputError(f"pattern is {given}, but the raw file says {said}; leave it out")
    return given


def demosaic(
    image: Source,
    pattern: Pattern | Literal["auto"] = "auto",
    **fit: Unpack[FitKeywords],
) -> Any:
    """Find the colours of a sensor's mosaic, each pixel of which has measured one.

    Args:
        image: (H, W), linear or not, or the path of a gray picture file or of a camera's raw file.
        pattern: the colours of the top left 2x2 pixels, row by row: RGGB, BGGR, GRBG or GBRG.
            "auto" = as the raw file says, else RGGB.
        **fit: as for `denoise`.

    Returns:
        (H, W, 3), same dtype and range.

    Raises:
        InputError: as for `denoise`; also an image that has channels, or an unknown pattern.
    """
    said = None
    pixels: Any = image
    if isinstance(image, (str, Path)):
        picture = read_picture(image, mosaic=True)
        pixels, said = picture.to_array(), picture.metadata.pattern
    if np.ndim(pixels) != 2:
        raise InputError(f"mosaic has shape {np.shape(pixels)}; wanted (H, W)")
    return run_task(
        "demosaic", pixels, Given(operator=Mosaic(_pattern(pattern, said))),
        {**fit, "channel_axis": -1},
    )  # fmt: skip
