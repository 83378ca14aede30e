"""Compressed sensing from files: measurements in, an image out."""

from __future__ import annotations

import math
from typing import Any

from untrained.errors import InputError
from untrained.images import Picture
from untrained.restoring import Measured, MeasuredPages
from untrained.scans import Measurements, read_scan
from untrained.tasks.base import Asked, Options, Unread
from untrained.tasks.scanned import ScanFormats, ScanPicture, ScanTask, back_projected, scan_picture
from untrained.tasks.sensing import prepare_sensing

__all__ = ["Sensing"]

_SUFFIXES = frozenset({".npy", ".npz"})


class Sensing(ScanTask):
    """y = A x, with fewer numbers in y than pixels in x.

    File: `matrix`, .npy (m, n). Options: `matrix`, hadamard:SEED, gaussian:SEED or fourier:SEED;
    `size`, HEIGHTxWIDTH of the image; `white`, the value of white in the image.
    """

    name = "sensing"
    participle = "reconstructed"
    files = ("matrix",)
    formats = ScanFormats(_SUFFIXES, ".npy", is_complex=False)

    def check(self, options: Options) -> None:
        """Refuse a size that is none."""
        if options["size"] is not None:
            _size(options["size"])
        white = options["white"]
        if white is not None and not 0 < white < math.inf:
            raise InputError(f"white is {white}; wanted a number above 0")

    def read(self, unread: Unread) -> Picture:
        """Return the measurements, as one page of the image's size."""
        scan = read_scan(unread.source, kind="measurements", max_values=4 * unread.max_pixels)
        if not isinstance(scan, Measurements):
            raise InputError(f"{unread.source}: holds no measurements; wanted (m,) numbers")
        text = unread.options["size"]
        size = scan.size if text is None else _size(text)
        if size is None:
            raise InputError(f"{unread.source}: does not say how large the image is (--size HxW)")
        count, pixels = scan.values.size, math.prod(size)
        facts = {
            "measurements": f"{count:,} for {pixels:,} pixels ({count / pixels:.0%})",
            "matrix": _name_of(scan, unread),
        }
        return scan_picture(scan, (1, *size, 1), facts=facts)

    def measured(self, asked: Asked) -> MeasuredPages:
        """Return the measurements and their matrix."""
        picture = asked.picture
        assert isinstance(picture, ScanPicture)
        scan = picture.scan
        assert isinstance(scan, Measurements)
        matrix: Any = asked.files.get("matrix") or asked.options["matrix"]
        matrix = scan.matrix if matrix is None else matrix
        if matrix is None:
            raise InputError(
                "there is no matrix; give what measured it (--matrix hadamard:SEED, "
                "gaussian:SEED, fourier:SEED or a .npy file)"
            )
        height, width = picture.pixels.shape[1:3]

        def page(index: int) -> Measured:
            measured = prepare_sensing(
                scan.values, matrix, (height, width), scale=asked.options["white"]
            )
            return back_projected(measured, scaled=True)

        return page


def _size(text: str) -> tuple[int, int]:
    """Return height and width of HEIGHTxWIDTH. Raises InputError: it says something else."""
    try:
        height, width = (int(side) for side in str(text).lower().split("x"))
    except ValueError:
        raise InputError(f"size is {text!r}; wanted HEIGHTxWIDTH, such as 256x256") from None
    if min(height, width) < 1:
        raise InputError(f"size is {text!r}; wanted a height and a width above 0")
    return height, width


def _name_of(scan: Measurements, unread: Unread) -> str:
    if "matrix" in unread.files:
        return unread.files["matrix"].name
    return str(unread.options["matrix"] or ("in the file" if scan.matrix is not None else "none"))
