"""Scans in a workspace: which files are some, and what they look like before any fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images import Picture
from untrained.scans import KSpace, Measurements, Scan, Sinogram, quick_look, read_scan, scan_format

__all__ = ["SCANS", "is_scan", "scan_facts"]

SCANS = (".h5", ".hdf5", ".cfl", ".npz", ".dcm", ".npy", ".tif", ".tiff")
"""The suffixes of scan files; the last three are also those of pictures."""

_ALWAYS = {".h5", ".hdf5", ".cfl", ".npz", ".dcm"}
_SIDE = 256  # of what is shown of a scan that does not say what it is


def is_scan(path: Path) -> bool:
    """Whether an uploaded file is a scan and no picture: by its suffix, of .npy by its values."""
    suffix = path.suffix.lower()
    if suffix != ".npy":
        return suffix in _ALWAYS
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return bool(array.dtype.kind == "c" or array.ndim == 1)


def scan_facts(path: Path, *, max_pixels: int) -> tuple[dict[str, Any], Picture]:
    """Return what is known of a scan, and a look at it: without coils' maps, without a fit.

    Of a bare array whose axes only the user knows the look is empty.

    Raises:
        InputError: it is none, or is damaged.
    """
    try:
        scan = read_scan(path, slice="middle", max_values=4 * max_pixels)
    except InputError:
        if scan_format(path) not in (".npy", ".npz", ".tif"):
            raise
        empty = Picture.from_array(np.full((_SIDE, _SIDE), 0x30, np.uint8))
        return _facts(empty, pages=1, depth="array"), empty
    look = Picture.from_array(_look(scan))
    pages = 1
    if not isinstance(scan, Measurements):
        pages = max(scan.in_file.get(what, 1) for what in ("slices", "frames"))
    depth = "k-space" if isinstance(scan, KSpace) else type(scan).__name__.lower()
    return _facts(look, pages=pages, depth=depth), look


def _facts(look: Picture, *, pages: int, depth: str) -> dict[str, Any]:
    height, width = look.pixels.shape[1:3]
    return {"width": width, "height": height, "pages": pages, "channels": 1, "depth": depth}


def _look(scan: Scan) -> NDArray[np.float32]:
    """Return a quick look; where there is none, a sinogram itself, or the numbers row by row."""
    found = quick_look(scan)
    if found is not None:
        return found
    if not isinstance(scan, Measurements):
        assert isinstance(scan, Sinogram)
        return np.asarray(scan.values[0])
    side = max(8, int(np.ceil(np.sqrt(scan.values.size))))
    values = np.zeros(side * side, np.float32)
    values[: scan.values.size] = scan.values
    return values.reshape(side, side)
