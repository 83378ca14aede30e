"""Taking a picture apart into layers: y = m a + (1 - m) b."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from untrained.errors import InputError
from untrained.images import (
    Marks,
    Picture,
    UnitRange,
    Words,
    from_unit,
    read_marks,
    with_pixels,
)
from untrained.recipes import find_recipe
from untrained.restoring import read_values
from untrained.tasks.base import Asked, Given, Source, Task
from untrained.tasks.calling import FitKeywords, fit_task, opened, place_of

__all__ = ["Decompose", "decompose"]


class Decompose(Task):
    """y = m a + (1 - m) b; the picture written is a; b and m are extras, `second` and `mask`.

    File: `hint`, a picture, white = where a mark may lie over a: m = 1 elsewhere.
    """

    name = "decompose"
    participle = "decomposed"
    files = ("hint",)

    def given(self, asked: Asked) -> Given:
        """Return 1 where the hint is white, 0 elsewhere, as the guide."""
        hint = asked.marks(_HINT)
        return Given() if hint is None else _given(hint)


def decompose(
    image: Source,
    hint: Source | None = None,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Take an image apart into a layer seen through another: y = m a + (1 - m) b.

    The layers may come in either order, a constant may move from one to the other, and layers that
    look alike stay together: one picture does not tell more. Of the two mixtures of a photograph
    and stripes that it was tried on, straight stripes came off and winding ones did not.

    A hint tells more. With it and the recipe "watermark", a is the picture and b the mark that
    lies over it. It was tried on half-transparent white text: traces remain, and in a smooth
    picture `inpaint` with the hint as its hole may well do better.

    Args:
        image: as for `denoise`; of one page.
        hint: (H, W), true = where the mark may be; or numbers, (H, W, C), or the path of a picture
            file, read as the mask of `inpaint`. Elsewhere m = 1, and a is the image as it was. For
            recipes with a mask at every pixel.
        **fit: as for `denoise`.

    Returns:
        a and b, each like the image, and m, from 0 to 1, with one channel in the image's layout,
        so that `m * a + (1 - m) * b` is the image: (H, W, 1), or (H, W) for (H, W). It is the same
        number everywhere with the recipe "fast". With `return_result=True` the `Result`, which has
        b and m in its `extras`.

    Raises:
        InputError: as for `denoise`; also a stack, a hint of another size or of one colour.
    """
    source, channel_axis = opened(image), fit.get("channel_axis", -1)
    pixels = source
    if isinstance(source, Picture):
        if len(source.pixels) > 1:
            raise InputError(
                f"{image}: is a stack of {len(source.pixels)} pages; wanted one picture"
            )
        pixels, channel_axis = source.pixels[0], -1
    assert not isinstance(pixels, Picture)
    given, recipe = Given(), find_recipe("decompose", "fast")  # all have the range of one
    values = read_values(pixels, channel_axis=channel_axis, given=given, recipe=recipe)
    if hint is not None:
        place = place_of(source, channel_axis)
        given = _given(read_marks(hint, place, _HINT, channel_axis=channel_axis))
    first, (result,) = fit_task("decompose", source, given, fit)
    if fit.get("return_result"):
        return result
    if "second" not in result.extras:
        raise InputError(f"the fit ended without layers: {result.reason.advice}")
    second, mask = (
        from_unit(result.extras[name], by, ndim=np.ndim(pixels), channel_axis=channel_axis)
        for name, by in (("second", values.range), ("mask", _PLAIN))
    )
    if isinstance(source, Picture):
        second = with_pixels(source, second[None], alpha=source.alpha).to_array()
        mask = mask if first.ndim == 3 else mask[..., 0]
    return first, second, mask


_HINT = Words(name="hint", white="marked", black="not marked", strokes_are_white=True)
_PLAIN = UnitRange(offset=0.0, scale=1.0, peak=1.0, dtype=np.dtype(np.float32))


def _given(hint: Marks) -> Given:
    """Return 1 where a hint says that the picture may be marked, 0 elsewhere, as the guide."""
    if hint.white.all() or not hint.white.any():
        raise InputError(
            "hint is of one colour; wanted white where the mark may be, black where it is not"
        )
    return Given(guide=hint.white.astype(np.float32), notes=hint.notes)
