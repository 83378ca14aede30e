"""fastMRI: kspace (slices, coils, h, w) in HDF5, and in test sets the mask of its columns.

Zbontar et al., fastMRI: An Open Dataset and Benchmarks for Accelerated MRI, arXiv:1811.08839.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import error_at
from untrained.scans.hdf5 import complex_part, dataset, text_of
from untrained.scans.header import Header, read_header
from untrained.scans.scan import KSpace
from untrained.scans.wanted import Wanted, check_values, pick

__all__ = ["read_fastmri"]

_MAPS = ("sensitivity_maps", "sens_maps", "maps")


def read_fastmri(path: Path, file: Any, wanted: Wanted) -> KSpace:
    """Return the slices that are wanted of a fastMRI file, and no others are read.

    Raises:
        InputError: no complex numbers, another shape, a mask of another width.
    """
    stored = dataset(path, file, "kspace")
    found = dataset(path, file, "ismrmrd_header")
    header = None if found is None else read_header(path, text_of(found[()]))
    shape = tuple(stored.shape)
    one_coil = len(shape) == 3 and wanted.axes != "coils"
    if len(shape) == 3 and wanted.axes is None and header is None:
        raise error_at(
            path, f"kspace of shape {shape} without a header; say what its first axis counts "
            "(--axes slices, frames or coils)",
        )  # fmt: skip
    if not 2 <= len(shape) <= 4:
        raise error_at(path, f"kspace of shape {shape}; wanted (slices, coils, h, w)")
    frames = wanted.axes == "frames"
    n = shape[0] if len(shape) == 4 or one_coil else 1
    coils = 1 if one_coil or len(shape) == 2 else shape[-3]
    axis, asked = ("frame", wanted.frame) if frames else ("slice", wanted.slice)
    chosen = pick(path, n, asked, axis)
    height, width = shape[-2:]
    check_values(path, (len(chosen), coils, height, width), wanted)
    part = slice(chosen[0], chosen[-1] + 1)
    samples = complex_part(path, stored, part if len(shape) == 4 or one_coil else ())
    samples = samples.reshape(len(chosen), coils, height, width)
    scan = KSpace(
        samples=samples,
        axis="frame" if frames else "slice",
        crop=None if header is None else _crop(header, height, width),
        spacing=None if header is None else header.spacing,
        thickness=None if header is None else header.shown_mm[2] or None,
        maps=_maps(path, file, part, samples.shape),
        truth=_truth(path, file, part, n),
        indices=chosen,
        in_file={f"{axis}s": n, "coils": coils},
        source=str(path),
    )
    mask = dataset(path, file, "mask")
    return scan if mask is None else _with_mask(path, scan, np.asarray(mask[()]))


def _with_mask(path: Path, scan: KSpace, mask: NDArray[Any]) -> KSpace:
    """Take the mask of the columns; those that the scanner only padded with zeros are not measured.

    A mask of test sets counts them where a line would have been.
    """
    height, width = scan.samples.shape[-2:]
    if mask.dtype.kind not in "buif" or mask.shape[-1:] != (width,):
        raise error_at(path, f"a mask of {mask.shape} for {width} columns; wanted ({width},)")
    while mask.ndim > 2 and mask.shape[0] == 1:
        mask = mask[0]
    if mask.ndim not in (1, 2) or mask.shape[:-1] not in ((), (1,), (height,)):
        raise error_at(path, f"a mask of {mask.shape}; wanted ({width},) or ({height}, {width})")
    measured = np.broadcast_to(mask != 0, (height, width))
    empty = ~np.any(scan.samples != 0, axis=(0, 1, 2))
    padded = int(np.count_nonzero(empty & measured.any(axis=0)))
    notes = scan.notes
    if padded:
        notes += (
            f"{padded} columns that the mask counts as measured hold only zeros (padding); "
            "they count as not measured",
        )
    outside = int(np.count_nonzero((scan.samples != 0).any(axis=(0, 1)) & ~measured))
    samples = scan.samples
    if outside:
        samples = samples * measured
        notes += ("values outside the mask are left out",)
    return replace(scan, samples=samples, mask=measured & ~empty, notes=notes)


def _crop(header: Header, height: int, width: int) -> tuple[int, int]:
    """Return the size that fastMRI shows: rows along the readout, as k-space has them."""
    return min(header.shown[0], height), min(header.shown[1], width)


def _maps(
    path: Path, file: Any, part: slice, shape: tuple[int, ...]
) -> NDArray[np.complex64] | None:
    for name in _MAPS:
        stored = dataset(path, file, name)
        if stored is not None and tuple(stored.shape[-3:]) == shape[1:]:
            return complex_part(path, stored, part if len(stored.shape) == 4 else ())
    return None


def _truth(
    path: Path, file: Any, part: slice, n: int
) -> NDArray[np.float32] | None:  # fmt: skip
    for name in ("reconstruction_rss", "reconstruction_esc"):
        stored = dataset(path, file, name)
        if stored is not None and len(stored.shape) == 3 and stored.shape[0] == n:
            values: NDArray[np.float32] = np.abs(np.asarray(stored[part])).astype(np.float32)
            return values
    return None
