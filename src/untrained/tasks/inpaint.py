"""Filling of missing pixels: y = m x."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images import image_size, mask_to_tensor
from untrained.tasks.base import Asked, FitKeywords, Given, Source, Task, run_task

__all__ = ["Inpaint", "inpaint"]


class Inpaint(Task):
    """y = m x.

    File: `mask`, a picture, white = known. Option: `mask_invert`, black is.
    """

    name = "inpaint"
    participle = "inpainted"
    files = ("mask",)

    def given(self, asked: Asked) -> Given:
        """Return true where the mask file says that a pixel is known."""
        mask = asked.read("mask")
        if mask is None:
            return Given()
        values = mask.pixels[0].astype(np.float64).mean(axis=-1)
        known = values > values.max() / 2
        return Given(mask=~known if asked.options["mask_invert"] else known)


def inpaint(
    image: Source,
    mask: NDArray[Any] | None = None,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Fill the missing pixels of an image: y = m x.

    Args:
        image: as for `denoise`. NaN pixels are missing, and transparent ones of a file.
        mask: (H, W), true (or above half of its largest value) = known; None = the finite
            (opaque) pixels are.
        **fit: as for `denoise`.

    Returns:
        the filled image, same shape, dtype and range.

    Raises:
        InputError: as for `denoise`; also if there is nothing to fill.
    """
    if not isinstance(image, (str, Path)) and np.isfinite(image).all():
        if mask is None:
            raise InputError("nothing to inpaint: there is no mask and no NaN pixel; give a mask")
        if mask_to_tensor(mask, image_size(image, fit.get("channel_axis", -1))).all():
            raise InputError("nothing to inpaint: the mask marks every pixel as known (true)")
    return run_task("inpaint", image, Given(mask=mask), fit)
