"""BMP, by Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from untrained.images.exif import sane_resolution
from untrained.images.picture import Metadata, Picture, check_size, to_picture


def read_bmp(path: Path, max_pixels: int) -> Picture:
    """Return the picture in a BMP file: gray, RGB or RGBA of 8 bits."""
    from PIL.BmpImagePlugin import BmpImageFile

    # Not by `Image.open`, which has a limit of its own for large pictures.
    with path.open("rb") as file, BmpImageFile(file) as image:
        check_size(path, image.height, image.width, 1, max_pixels, channels=len(image.getbands()))
        dpi = image.info.get("dpi", (0.0, 0.0))
        modes = {"1": "L", "P": "RGB"}
        array = np.asarray(image.convert(modes.get(image.mode, image.mode)))
    metadata = Metadata(resolution=sane_resolution(*dpi), resolution_unit="inch")
    axis = None if array.ndim == 2 else 2
    return to_picture(array, axis, metadata, has_alpha=array.shape[2:] == (4,))
