"""Pictures for the screen: 8 bits, PNG, without loss where the file has 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images import Picture, UnitRange, orientation_of, shown_range, upright

__all__ = ["encode_png", "screen_page"]

_ROWS = 256


def screen_page(picture: Picture, page: int) -> bytes:
    """Return a page as PNG, upright, gray or colour, with its alpha; of other channels the first.

    8-bit values stay as they are; others are shown over the range that a fit takes for 0 to 1.
    """
    pixels = picture.pixels[page]
    unit_range = shown_range(pixels)
    shown = _as_bytes(pixels if pixels.shape[2] in (1, 3) else pixels[..., :1], unit_range)
    if picture.alpha is not None:
        alpha = picture.alpha[page][..., None]
        white = float(np.iinfo(alpha.dtype).max) if np.issubdtype(alpha.dtype, np.integer) else 1.0
        opaque = UnitRange(offset=0.0, scale=white, peak=1.0, dtype=alpha.dtype)
        shown = np.concatenate([shown, _as_bytes(alpha, opaque)], axis=-1)
    return encode_png(upright(shown, orientation_of(picture)), compression=1)


def encode_png(values: NDArray[np.uint8], *, compression: int) -> bytes:
    """Return (h, w, c) as PNG; of 4 megapixels, 0 takes 6 ms and 1 takes 110."""
    import pyvips

    height, width, channels = values.shape
    image = pyvips.Image.new_from_memory(
        np.ascontiguousarray(values), width, height, channels, "uchar"
    )
    image = image.copy(interpretation="b-w" if channels < 3 else "srgb")
    data: bytes = image.pngsave_buffer(compression=compression, filter="none", keep="none")
    return data


def _as_bytes(values: NDArray[Any], unit_range: UnitRange | None) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    shown = np.zeros(values.shape, np.uint8)
    if unit_range is None:
        return shown
    for top in range(0, len(values), _ROWS):  # a part at a time: floats take eight times the room
        rows = slice(top, top + _ROWS)
        unit = (values[rows].astype(np.float64) - unit_range.offset) / unit_range.scale
        shown[rows] = np.rint(255 * np.nan_to_num(unit).clip(0, 1))
    return shown
