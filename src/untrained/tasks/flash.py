"""Flash / no-flash: the light of one picture, the details of another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from untrained.errors import InputError
from untrained.images import Picture, Second, read_second
from untrained.tasks.base import Asked, Given, Source, Task
from untrained.tasks.calling import FitKeywords, in_layout, opened, place_of, run_task

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
        return _given(guide)


def flash(
    image: Source,
    guide: Source,
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
    source, axis = opened(image), fit.get("channel_axis", -1)
    given = _given(read_second("guide", guide, place_of(source, axis), channel_axis=axis))
    assert given.guide is not None
    # beside an array, channels are where those of the array are
    pixels = in_layout(given.guide, 3, -1 if isinstance(source, Picture) else axis)
    return run_task("flash", source, replace(given, guide=pixels), fit)


def _given(guide: Second) -> Given:
    """Return the guide; what is hidden in it has no colour, and is given the mean one."""
    pixels, notes = guide.pixels, guide.notes
    hidden = None if guide.alpha is None else guide.alpha == 0
    if hidden is not None and hidden.any() and not hidden.all():
        pixels = np.where(hidden[..., None], pixels[~hidden].mean(0).astype(pixels.dtype), pixels)
        notes += ("the guide shows nothing where it is transparent",)
    return Given(guide=pixels, notes=notes)
