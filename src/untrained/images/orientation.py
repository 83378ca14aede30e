"""Which way up a picture is: its EXIF orientation, 1 to 8, as cameras write it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images.exif import pack_exif, parse_exif, tag_value
from untrained.images.picture import Picture

__all__ = ["as_stored", "orientation_of", "upright", "upright_size", "with_orientation"]

ORIENTATION = 274
_TRANSPOSED = {5, 6, 7, 8}
_ROWS_REVERSED = {3, 4, 7, 8}  # after the transposition
_COLUMNS_REVERSED = {2, 3, 6, 7}


def orientation_of(picture: Picture) -> int:
    """Return the orientation that a picture's file names; 1, upright, where it names none."""
    value = tag_value(parse_exif(picture.metadata.exif), ORIENTATION) or b""
    number = int.from_bytes(value[:2], "little")
    return number if 1 <= number <= 8 else 1


def with_orientation(picture: Picture, orientation: int) -> Picture:
    """Return a picture whose file is to say this of its pixels, which stay as they are."""
    if orientation == orientation_of(picture):
        return picture
    tags = parse_exif(picture.metadata.exif)
    tags[ORIENTATION] = (3, orientation.to_bytes(2, "little"))
    return replace(picture, metadata=replace(picture.metadata, exif=pack_exif(tags)))


def upright(array: NDArray[Any], orientation: int, *, rows: int = 0) -> NDArray[Any]:
    """Return stored pixels as they are seen; `rows` is the axis of the rows, columns follow."""
    if orientation in _TRANSPOSED:
        array = np.swapaxes(array, rows, rows + 1)
    return np.flip(array, _reversed(orientation, rows))


def as_stored(array: NDArray[Any], orientation: int, *, rows: int = 0) -> NDArray[Any]:
    """Undo `upright`."""
    array = np.flip(array, _reversed(orientation, rows))
    return np.swapaxes(array, rows, rows + 1) if orientation in _TRANSPOSED else array


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return the height and width as they are seen, of those stored; and the other way round."""
    return size[::-1] if orientation in _TRANSPOSED else size


def _reversed(orientation: int, rows: int) -> tuple[int, ...]:
    axes = (rows,) if orientation in _ROWS_REVERSED else ()
    return (*axes, rows + 1) if orientation in _COLUMNS_REVERSED else axes
