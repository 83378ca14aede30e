"""HEIC and HEIF, by pillow-heif."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from untrained.errors import InputError
from untrained.images.exif import EXIF_MARK, pack_exif, parse_exif
from untrained.images.picture import Metadata, Picture, check_size, to_picture

__all__ = ["read_heif"]

_ORIENTATION = 274


def read_heif(path: Path, max_pixels: int) -> Picture:
    """Return the first picture of a HEIC file, upright: 8 bits, or 16 of more."""
    try:
        import pillow_heif
    except ImportError:
        raise InputError(f"{path}: HEIC needs pillow-heif; pip install 'untrained[heif]'") from None
    file = pillow_heif.open_heif(path.read_bytes(), convert_hdr_to_8bit=False)
    image = file[file.primary_index]
    width, height = image.size
    check_size(path, height, width, 1, max_pixels, channels=4, itemsize=2)
    array = np.asarray(image)
    exif = image.info.get("exif")
    tags = parse_exif(exif.removeprefix(EXIF_MARK) if exif else None)
    tags.pop(_ORIENTATION, None)  # libheif has turned the pixels
    metadata = Metadata(
        icc=image.info.get("icc_profile"), xmp=image.info.get("xmp"), exif=pack_exif(tags)
    )
    axis = None if array.ndim == 2 else 2
    picture = to_picture(array, axis, metadata, has_alpha=image.has_alpha)
    notes = (f"of {len(file)} pictures in the file the main one is taken",)
    return replace(picture, notes=notes if len(file) > 1 else ())
