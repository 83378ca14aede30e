"""A second picture beside the first (mask, guide, hint, truth), brought to where the first lies.

The pixels of the first are as its file stores them, which a camera's EXIF orientation may say is
not upright; the second is most often drawn over what is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images.files import read_picture
from untrained.images.orientation import as_stored, orientation_of, upright, upright_size
from untrained.images.picture import Picture

__all__ = ["Place", "Second", "aligned", "read_second"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a second picture is to lie: over the first, as that is stored.

    Attributes:
        size: height and width of the first.
        orientation: of the first, 1 = upright.
        channels: of the first, alpha apart.
        what: it is, for messages.
    """

    size: tuple[int, int]
    orientation: int = 1
    channels: int = 3
    what: str = "image"

    @classmethod
    def of(cls, picture: Picture) -> Place:
        """Return the place that a picture takes."""
        _, height, width, channels = picture.pixels.shape
        return cls(size=(height, width), orientation=orientation_of(picture), channels=channels)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Second:
    """A second picture of one page, where the first lies.

    Attributes:
        pixels: (H, W, C), of the first one's height and width.
        alpha: (H, W), or None.
        notes: what was made of it that the user may not expect, one sentence each.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    notes: tuple[str, ...] = ()


def read_second(
    name: str, source: NDArray[Any] | str | Path, place: Place, *,
    channel_axis: int | None = -1, max_pixels: int = 250_000_000,
) -> Second:  # fmt: skip
    """Read a second picture: a file, or an array, which is read like a file without EXIF.

    Args:
        name: what it is, for messages: mask, guide ….
        source: the file, or (H, W) or (H, W, C).
        place: where it is to lie.
        channel_axis: of a three-dimensional array.
        max_pixels: as for `read_picture`.

    Raises:
        InputError: as `read_picture`; several pages, other axes, another size.
    """
    picture = (
        read_picture(source, max_pixels=max_pixels)
        if isinstance(source, (str, Path))
        else _picture_of(name, source, channel_axis)
    )
    if len(picture.pixels) != 1:
        raise InputError(
            f"{name} has {len(picture.pixels)} pages; wanted one, which is taken for every page "
            "of the picture"
        )
    picture, notes = aligned(name, picture, place)
    alpha = None if picture.alpha is None else picture.alpha[0]
    return Second(pixels=picture.pixels[0], alpha=alpha, notes=notes)


def aligned(name: str, second: Picture, place: Place) -> tuple[Picture, tuple[str, ...]]:
    """Return a second picture turned as the first is stored, and what is to be told of that.

    Upright over upright, if the sizes that are seen agree; else pixel over pixel as stored, if
    those do: then one of the two was made by a program that knows no orientation.

    Raises:
        InputError: neither do; both sizes, as they are seen.
    """
    own, wanted = orientation_of(second), place.orientation
    size = (second.pixels.shape[1], second.pixels.shape[2])
    seen, wanted_seen = upright_size(size, own), upright_size(place.size, wanted)
    if seen != wanted_seen and size != place.size:
        got, want = ("x".join(map(str, s)) for s in (seen, wanted_seen))
        turned = " upright (it is stored turned)" if wanted_seen != place.size else ""
        raise InputError(
            f"{name} is {got}, {place.what} is {want}{turned}; "
            f"pass a {name} of that height and width, neither scaled nor cut"
        )
    if own == wanted:
        return second, ()
    if seen != wanted_seen:
        return second, (
            f"the {name} lies over the pixels as they are stored: its size is not that of the "
            f"picture seen upright ({_said(own, wanted)})",
        )
    pixels = _turned(second.pixels, own, wanted)
    alpha = None if second.alpha is None else _turned(second.alpha, own, wanted)
    note = f"the {name} was turned to lie over the picture as both are seen ({_said(own, wanted)})"
    if own == 1 and size == place.size:
        note += "; to have it over the stored pixels, give it the picture's orientation"
    # Its EXIF would now be wrong.
    metadata = replace(second.metadata, exif=None)
    return replace(second, pixels=pixels, alpha=alpha, metadata=metadata), (note,)


def _turned(stored: NDArray[Any], own: int, wanted: int) -> NDArray[Any]:
    return as_stored(upright(stored, own, rows=1), wanted, rows=1)


def _said(own: int, wanted: int) -> str:
    return f"EXIF orientation {own}, that of the picture {wanted}"


def _picture_of(name: str, array: NDArray[Any], channel_axis: int | None) -> Picture:
    """Return an array as the picture that its file would be."""
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise InputError(f"{name} holds {array.dtype} values; wanted numbers")
    if array.dtype.kind == "b":
        array = array.astype(np.uint8) * np.uint8(255)
    axis = -1 if channel_axis is None else channel_axis
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and not -3 <= axis < 3):
        raise InputError(f"{name} has shape {array.shape}; wanted (H, W), or (H, W, channels)")
    return Picture.from_array(array if array.ndim == 2 else np.moveaxis(array, axis, -1))
