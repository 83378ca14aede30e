"""NumPy's .npy files."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import (
    ChannelAxis,
    Metadata,
    Picture,
    check_shape,
    error_at,
    to_picture,
)


def read_npy(path: Path, max_pixels: int, channel_axis: ChannelAxis) -> Picture:
    """Return the picture in a .npy file."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
    if dtype.kind not in "uifb":
        raise error_at(path, f"holds {dtype} values; wanted integers or floats")
    if channel_axis == "auto":
        channels_last = len(shape) == 4 or (len(shape) == 3 and shape[-1] <= 4)
        channel_axis = -1 if channels_last else None
        if not 2 <= len(shape) <= 4 or (len(shape) == 4 and shape[-1] > 4):
            raise error_at(
                path, f"has shape {shape}; wanted (H, W), (H, W, C), (pages, H, W) or "
                "(pages, H, W, C) with at most 4 channels",
            )  # fmt: skip
    axis = check_shape(path, shape, channel_axis, max_pixels, itemsize=dtype.itemsize)
    array = np.load(path, allow_pickle=False)
    if dtype.kind == "b":
        array = array.astype(np.uint8) * np.uint8(255)
    return to_picture(array, axis, Metadata())


def write_npy(file: IO[bytes], array: NDArray[Any]) -> None:
    """Write an array as .npy."""
    # Not np.save: it does not say why the disk took only a part.
    array = np.ascontiguousarray(array)
    header = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(file, header)
    file.write(array.data)
