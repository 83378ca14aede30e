"""Camera raw, by rawpy (LibRaw): the developed picture, or the sensor's mosaic."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from untrained.errors import InputError
from untrained.images.exif import pack_exif
from untrained.images.picture import Metadata, Picture, check_size, error_at, to_picture

__all__ = ["read_mosaic", "read_raw"]

_ORIENTATIONS = {3: 3, 5: 8, 6: 6}  # LibRaw's turns -> those of EXIF


def read_raw(path: Path, max_pixels: int) -> Picture:
    """Return the picture that a raw file develops to: sRGB of 16 bits, upright."""
    with _opened(path, max_pixels) as raw:
        array = raw.postprocess(output_bps=16, use_camera_wb=True, no_auto_bright=True)
    note = (
        "a camera's raw file, developed by LibRaw to sRGB of 16 bits with the camera's white "
        "balance and no brightening; its EXIF is not kept"
    )
    return replace(to_picture(array, 2, Metadata()), notes=(note,))


def read_mosaic(path: Path, max_pixels: int) -> Picture:
    """Return the mosaic of a raw file, the numbers as the sensor gave them, and its pattern.

    Raises:
        InputError: colours that are not in squares of 2x2.
    """
    with _opened(path, max_pixels) as raw:
        array = np.array(raw.raw_image_visible)
        colours = raw.raw_colors_visible
        in_squares = colours.ndim == 2 and all(
            (colours[i::2, j::2] == colours[i, j]).all() for i in (0, 1) for j in (0, 1)
        )
        if array.ndim != 2 or not in_squares:
            raise error_at(path, "has no mosaic of 2x2 colours; use denoise, which develops it")
        names = raw.color_desc.decode()
        pattern = "".join(names[i] for i in colours[:2, :2].ravel())
        white = raw.camera_white_level_per_channel or [raw.white_level]
        black, balance = raw.black_level_per_channel, raw.camera_whitebalance
        turn = _ORIENTATIONS.get(raw.sizes.flip, 1)
    exif = pack_exif({274: (3, struct.pack("<H", turn))}) if turn != 1 else None
    note = (
        f"the sensor's numbers, linear and in the camera's colours: mosaic {pattern}, "
        f"black {_listed(black)}, white {_listed(white)}, "
        f"white balance {_listed(balance[:3])}, none of them applied"
    )
    metadata = Metadata(exif=exif, pattern=pattern)
    return replace(to_picture(array, None, metadata), notes=(note,))


def _opened(path: Path, max_pixels: int) -> Any:
    try:
        import rawpy
    except ImportError:
        raise InputError(
            f"{path}: camera raw files need rawpy; pip install 'untrained[raw]'"
        ) from None
    try:
        raw = rawpy.imread(str(path))
    except rawpy.LibRawFileUnsupportedError:
        raise error_at(
            path, "is no raw file that LibRaw knows; convert it to DNG or TIFF first"
        ) from None
    check_size(
        path, raw.sizes.height, raw.sizes.width, 1, max_pixels, channels=3, itemsize=2
    )  # fmt: skip
    return raw


def _listed(numbers: Any) -> str:
    """Return numbers in words, one for all if they are alike."""
    texts = [f"{number:g}" for number in numbers]
    return texts[0] if len(set(texts)) == 1 else " ".join(texts)
