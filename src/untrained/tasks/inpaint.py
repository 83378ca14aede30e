"""Filling of missing pixels: y = m x."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from untrained.errors import InputError
from untrained.images import Marks, Picture, Words, read_marks
from untrained.tasks.base import Asked, Given, Source, Task
from untrained.tasks.calling import FitKeywords, opened, place_of, run_task

__all__ = ["Inpaint", "inpaint"]

_MASK = Words()
_INVERTED = Words(white="to be filled", black="known")


class Inpaint(Task):
    """y = m x.

    File: `mask`, a picture, white = known. Option: `mask_invert`, black is.
    """

    name = "inpaint"
    participle = "inpainted"
    files = ("mask",)

    def given(self, asked: Asked) -> Given:
        """Return true where the mask file says that a pixel is known."""
        inverted = asked.options["mask_invert"]
        marks = asked.marks(_INVERTED if inverted else _MASK)
        if marks is None:
            return Given()
        return _given(replace(marks, white=~marks.white) if inverted else marks)


def inpaint(
    image: Source,
    mask: Source | None = None,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Fill the missing pixels of an image: y = m x.

    Args:
        image: as for `denoise`. NaN pixels are missing, and transparent ones of a file.
        mask: (H, W), true = known; or numbers, or (H, W, C), or the path of a picture file, which
            `untrained.images.masks` reads as the command does. None = the finite (opaque) pixels
            are known.
        **fit: as for `denoise`.

    Returns:
        the filled image, same shape, dtype and range.

    Raises:
        InputError: as for `denoise`; also if there is nothing to fill.
    """
    source, axis = opened(image), fit.get("channel_axis", -1)
    given = Given()
    if mask is not None:
        given = _given(read_marks(mask, place_of(source, axis), _MASK, channel_axis=axis))
    if not isinstance(source, Picture) and np.isfinite(source).all():
        if given.mask is None:
            raise InputError("nothing to inpaint: there is no mask and no NaN pixel; give a mask")
        if given.mask.all():
            raise InputError("nothing to inpaint: the mask marks every pixel as known (true)")
    return run_task("inpaint", source, given, fit)


def _given(marks: Marks) -> Given:
    return Given(mask=marks.white, notes=marks.notes)
