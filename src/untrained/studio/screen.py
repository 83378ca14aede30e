"""Pictures for the screen: PNG of 8 bits, without loss where the file has 8; and smaller looks."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images import Picture, UnitRange, orientation_of, shown_range, upright

__all__ = ["SIDES", "encode_png", "screen_page", "screen_values", "small"]

_ROWS = 256
SIDES = {"thumbnail": 320, "preview": 2048}
"""The longer side of the smaller looks, in pixels."""


def screen_page(picture: Picture, page: int) -> bytes:
    """Return a page as PNG, see `screen_values`."""
    return encode_png(screen_values(picture, page), compression=1)


def screen_values(picture: Picture, page: int) -> NDArray[np.uint8]:
    """Return a page (h, w, c), upright, gray or colour, with alpha; of other channels the first.

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
    turned: NDArray[np.uint8] = upright(shown, orientation_of(picture))
    return turned


def small(values: NDArray[np.uint8], look: str, *, profile: bytes | None = None) -> bytes:
    """Return (h, w, c) as WebP with a side of at most `SIDES[look]`, for a look and not to measure.

    Colours are those of sRGB, which every screen takes; `profile` is the ICC profile they have.
    """
    import pyvips

    image = _as_image(values)
    side = SIDES[look]
    if max(image.width, image.height) > side:
        image = image.thumbnail_image(side, height=side)
    if profile is not None and values.shape[2] >= 3:
        with contextlib.suppress(pyvips.Error):  # a profile that is none: as it is
            tagged = image.copy()
            tagged.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
            image = tagged.icc_transform("srgb", embedded=True)
    data: bytes = image.webpsave_buffer(Q=85, effort=0, keep="none")
    return data


def encode_png(values: NDArray[np.uint8], *, compression: int) -> bytes:
    """Return (h, w, c) as PNG; of 4 megapixels, 0 takes 6 ms and 1 takes 110."""
    data: bytes = _as_image(values).pngsave_buffer(
        compression=compression, filter="none", keep="none"
    )
    return data


def _as_image(values: NDArray[np.uint8]) -> Any:
    import pyvips

    height, width, channels = values.shape
    image = pyvips.Image.new_from_memory(
        np.ascontiguousarray(values), width, height, channels, "uchar"
    )
    return image.copy(interpretation="b-w" if channels < 3 else "srgb")


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
