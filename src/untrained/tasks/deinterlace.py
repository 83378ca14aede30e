"""Deinterlacing: one field of a frame is kept, the lines of the other are filled."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from untrained.operators import Interlace
from untrained.operators.interlace import Field
from untrained.tasks.base import Asked, Given, Options, Source, Task
from untrained.tasks.calling import FitKeywords, opened, run_task, size_of

__all__ = ["Deinterlace", "deinterlace"]


class Deinterlace(Task):
    """y = every second line of the frame, `Interlace`. Option: `field`, the one that is kept."""

    name = "deinterlace"
    participle = "deinterlaced"

    def check(self, options: Options) -> None:
        """Refuse an unknown field."""
        Interlace(options["field"])

    def given(self, asked: Asked) -> Given:
        """Return which lines are kept."""
        _, height, width, _ = asked.picture.pixels.shape
        return Given(mask=_lines(height, width, asked.options["field"]))


def deinterlace(
    image: Source,
    field: Field = "top",
    **fit: Unpack[FitKeywords],
) -> Any:
    """Make a whole picture of one field of an interlaced frame.

    The two fields of a frame are a moment apart, which combs what moves. One is kept as it is, its
    missing lines are filled as in inpainting; nothing of the other field is used.

    Args:
        image: the frame, as for `denoise`.
        field: "top" keeps the lines 0, 2, 4 …, "bottom" the lines 1, 3, 5 ….
        **fit: as for `denoise`.

    Returns:
        the picture at the moment of the field, same shape, dtype and range.

    Raises:
        InputError: as for `denoise`; also an unknown field.
    """
    source = opened(image)
    lines = _lines(*size_of(source, fit.get("channel_axis", -1)), field)
    return run_task("deinterlace", source, Given(mask=lines), fit)


def _lines(height: int, width: int, field: Field) -> NDArray[np.bool_]:
    kept = np.zeros((height, width), dtype=bool)
    kept[Interlace(field).first :: 2] = True
    return kept
