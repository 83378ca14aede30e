"""Demosaicing: y = one colour of every pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

import numpy as np

from untrained.errors import InputError
from untrained.images import read_picture
from untrained.operators import Mosaic
from untrained.operators.mosaic import Pattern
from untrained.tasks.base import (
    Asked,
    FitKeywords,
    Given,
    Options,
    PictureShape,
    Source,
    Task,
    run_task,
)

__all__ = ["Demosaic", "demosaic"]


class Demosaic(Task):
    """y = one colour of every pixel. Option: `pattern`, of the top left 2x2 pixels."""

    name = "demosaic"
    participle = "demosaicked"

    def check(self, options: Options) -> None:
        """Refuse an unknown pattern."""
        Mosaic(options["pattern"])

    def given(self, asked: Asked) -> Given:
        """Return the mosaic."""
        channels = asked.picture.pixels.shape[3]
        if channels != 1:
            raise InputError(
                f"{asked.source}: has {channels} channels; wanted a raw mosaic, which has one"
            )
        return Given(operator=Mosaic(asked.options["pattern"]))

    def output_shape(self, shape: PictureShape, options: Options) -> PictureShape:
        """Return the shape with three channels."""
        return (*shape[:3], 3)


def demosaic(
    image: Source,
    pattern: Pattern = "RGGB",
    **fit: Unpack[FitKeywords],
) -> Any:
    """Find the colours of a sensor's mosaic, each pixel of which has measured one.

    Args:
        image: (H, W), linear or not, or the path of a gray picture file.
        pattern: the colours of the top left 2x2 pixels, row by row: RGGB, BGGR, GRBG or GBRG.
        **fit: as for `denoise`.

    Returns:
        (H, W, 3), same dtype and range.

    Raises:
        InputError: as for `denoise`; also an image that has channels, or an unknown pattern.
    """
    pixels = read_picture(image).to_array() if isinstance(image, (str, Path)) else image
    if np.ndim(pixels) != 2:
        raise InputError(f"mosaic has shape {np.shape(pixels)}; wanted (H, W)")
    return run_task(
        "demosaic", pixels, Given(operator=Mosaic(pattern)), {**fit, "channel_axis": -1}
    )
