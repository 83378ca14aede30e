"""Pictures for the screen: PNG of 8 bits, without loss where the file has 8; smaller looks, tiles.

A PNG has the numbers of the file and its colour profile. A smaller look has the colours of sRGB,
or, of a file with a profile, of Display P3: the widest that screens show. WebP's loss in it is as
large as the noise that making it smaller leaves, so what is subtracted is a look of its own.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images import (
    Picture,
    UnitRange,
    orientation_of,
    screen_profile,
    shown_range,
    upright,
)

__all__ = [
    "SIDES",
    "TILE",
    "Tiles",
    "encode_png",
    "profile_in",
    "screen_page",
    "screen_values",
    "small",
    "smaller_file",
    "smaller_numbers",
]

_ROWS = 256
SIDES = {"thumbnail": 320, "preview": 2048}
"""The longer side of the smaller looks, in pixels."""
_QUALITIES = {"thumbnail": 85, "preview": 92}
TILE = 1024
"""The side of a tile, in pixels."""
_KEPT_PIXELS = 100_000_000  # of decoded pictures, for the tiles that are asked for next


def screen_page(picture: Picture, page: int) -> bytes:
    """Return a page as PNG, see `screen_values`."""
    values = screen_values(picture, page)
    colours = values.shape[2] - (picture.alpha is not None)
    profile = screen_profile(picture.metadata.icc, colours)
    return encode_png(values, compression=1, profile=profile)


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

    `profile` is the ICC profile that the colours have; without one they are those of sRGB.
    """

    image = _as_image(values)
    colours = 3 if values.shape[2] >= 3 else 1
    return _smaller(_tagged(image, screen_profile(profile, colours)), look)


def smaller_file(path: Path, look: str) -> bytes:
    """Return a picture file as `small` does, upright; its profile is the file's own.

    Of more than 8 bits the highest are shown, of other numbers their range.

    Raises:
        pyvips.Error: libvips cannot read it.
    """
    import pyvips

    image = _opened(path)
    if image.format not in ("uchar", "ushort"):
        return _smaller(image.scaleimage(), look)
    source, side = pyvips.Source.new_from_file(str(path)), SIDES[look]  # read once, bit by bit
    return _smaller(pyvips.Image.thumbnail_source(source, side, height=side, size="down"), look)


def smaller_numbers(path: Path) -> bytes:
    """Return a picture that is shown, of the size of a preview, as WebP without loss.

    Its numbers are means of the stored ones, whatever colours these are: the difference of two is
    the mean of the difference, to half a level.
    """
    import pyvips

    source, side = pyvips.Source.new_from_file(str(path)), SIDES["preview"]
    image = pyvips.Image.thumbnail_source(source, side, height=side, size="down")
    data: bytes = image.webpsave_buffer(lossless=True, effort=0, keep="none")
    return data


def profile_in(path: Path) -> bytes | None:
    """Return the ICC profile that a picture file holds, from its head; None where it has none."""
    import pyvips

    with contextlib.suppress(pyvips.Error):
        image = _opened(path)
        if image.get_typeof("icc-profile-data"):
            found: bytes = image.get("icc-profile-data")
            return found
    return None


def _opened(path: Path) -> Any:
    """Return a picture file, not yet decoded; by its name libvips would keep a replaced one."""
    import pyvips

    return pyvips.Image.new_from_source(pyvips.Source.new_from_file(str(path)), "")


def _smaller(image: Any, look: str) -> bytes:
    import pyvips

    side = SIDES[look]
    if max(image.width, image.height) > side:
        image = image.thumbnail_image(side, height=side)
    if image.get_typeof("icc-profile-data"):
        with contextlib.suppress(pyvips.Error):  # a profile that is none: as it is
            image = image.icc_transform("p3", embedded=True)
    data: bytes = image.webpsave_buffer(
        Q=_QUALITIES[look], effort=0, smart_subsample=True, keep="icc"
    )
    return data


def encode_png(
    values: NDArray[np.uint8], *, compression: int, profile: bytes | None = None
) -> bytes:
    """Return (h, w, c) as PNG, with the ICC profile of its colours if it has one.

    Of 4 megapixels, compression 0 takes 6 ms and 1 takes 110.
    """
    image = _tagged(_as_image(values), profile)
    data: bytes = image.pngsave_buffer(compression=compression, filter="none", keep="icc")
    return data


class Tiles:
    """Squares of the PNGs that are shown, so that of a large one only what is seen is sent.

    The pictures that were asked for last are kept decoded.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.kept: OrderedDict[tuple[Path, int], Any] = OrderedDict()

    def tile(self, path: Path, x: int, y: int) -> bytes:
        """Return the square of `TILE` pixels whose corner is at (x, y), as PNG without loss.

        Raises:
            InputError: there is none at that place.
        """
        with self.lock:
            image = self._decoded(path)
        if x % TILE or y % TILE or not (0 <= x < image.width and 0 <= y < image.height):
            raise InputError(
                f"there is no tile at {x}, {y}; wanted multiples of {TILE} within "
                f"{image.width}x{image.height}"
            )
        square = image.crop(x, y, min(TILE, image.width - x), min(TILE, image.height - y))
        data: bytes = square.pngsave_buffer(compression=1, filter="none", keep="icc")
        return data

    def _decoded(self, path: Path) -> Any:
        key = path, path.stat().st_mtime_ns
        if key not in self.kept:
            self.kept[key] = _opened(path).copy_memory()
        self.kept.move_to_end(key)
        held = 0
        for other in reversed(list(self.kept)):
            held += self.kept[other].width * self.kept[other].height
            if held > _KEPT_PIXELS and other != key:
                del self.kept[other]
        return self.kept[key]


def _tagged(image: Any, profile: bytes | None) -> Any:
    import pyvips

    if profile is None:
        return image
    tagged = image.copy()
    tagged.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return tagged


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
