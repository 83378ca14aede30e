"""Flash / no-flash: the light of one picture, the details of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images import read_picture
from untrained.tasks.base import Asked, FitKeywords, Given, Source, Task, run_task

__all__ = ["Flash", "flash"]


class Flash(Task):
    """y = x + noise, and a guide. File: `guide`, a picture of the same scene and size."""

    name = "flash"
    files = ("guide",)

    def given(self, asked: Asked) -> Given:
        """Return the guide."""
        guide = asked.read("guide")
        if guide is None:
            raise InputError("there is no guide; give the picture with flash, or --guide")
        return Given(guide=guide.pixels[0])


def flash(
    image: Source,
    guide: NDArray[Any] | str | Path,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Restore an image with another picture of the scene as the network's input.

    Args:
        image: the picture without flash, whose light is wanted; as for `denoise`.
        guide: the picture with flash; or a depth map, another channel …: (H, W) or (H, W, C), of
            the image's height and width, any dtype and range; or the path of a picture file.
        **fit: as for `denoise`.

    Returns:
        the restored image, same shape, dtype and range.

    Raises:
        InputError: as for `denoise`; also a guide of another size.
    """
    # beside an array, channels are where those of the array are
    asked = fit.get("channel_axis", -1)
    axis = -1 if isinstance(image, (str, Path)) or asked is None else asked
    other = guide
    if isinstance(other, (str, Path)):
        other = np.moveaxis(read_picture(other).pixels[0], -1, axis)
    return run_task("flash", image, Given(guide=other), fit)
