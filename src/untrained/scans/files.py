"""A scan file of any format, read by its content and its suffix."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from untrained.errors import InputError, lacks_memory
from untrained.images.picture import error_at
from untrained.reading import open_regular
from untrained.scans.cfl import read_cfl
from untrained.scans.ct_pd import read_ct_pd
from untrained.scans.exchange import read_exchange
from untrained.scans.fastmri import read_fastmri
from untrained.scans.hdf5 import dataset, opened
from untrained.scans.ismrmrd import read_ismrmrd
from untrained.scans.npy import read_npy_scan, read_npz_scan
from untrained.scans.scan import Scan
from untrained.scans.tiff import read_tiff_scan
from untrained.scans.wanted import Axes, Kind, Wanted, damaged_scan

__all__ = ["READS_SCANS", "read_scan", "scan_format"]

READS_SCANS = (
    "wanted fastMRI, ISMRMRD or DXchange .h5, BART .cfl, .npy, .npz, TIFF sinograms or DICOM-CT-PD"
)


def _read_hdf5(path: Path, wanted: Wanted) -> Scan:
    """Return the scan in an HDF5 file, whose names tell the format."""
    with opened(path) as file:
        for name, read in _IN_HDF5.items():
            if dataset(path, file, name) is not None:
                return read(path, file, wanted)
        names = ", ".join(itertools.islice(file, 8)) or "nothing"
    raise error_at(
        path, f"has {names}; wanted kspace (fastMRI), dataset (ISMRMRD) or exchange (DXchange)"
    )


_IN_HDF5: dict[str, Callable[[Path, Any, Wanted], Scan]] = {
    "kspace": read_fastmri, "dataset/data": read_ismrmrd, "exchange/data": read_exchange,
}  # fmt: skip
_READERS: dict[str, Callable[[Path, Wanted], Scan]] = {
    ".npy": read_npy_scan, ".npz": read_npz_scan, ".h5": _read_hdf5, ".cfl": read_cfl,
    ".tif": read_tiff_scan, ".dcm": read_ct_pd,
}  # fmt: skip


def read_scan(
    path: str | Path, *, kind: Kind | None = None,
    slice: int | Literal["middle"] | None = None,  # noqa: A002 - the field's own word
    frame: int | None = None, axes: Axes | None = None, angles: ArrayLike | None = None,
    unit: Literal["deg", "rad"] | None = None, max_values: int = 1_000_000_000,
) -> Scan:  # fmt: skip
    """Read k-space, a sinogram or measurements; the file's content tells the format.

    Of a large file only the slice or frame that is asked for is read. Whatever the file does not
    say and is taken by its range (the unit of angles, counts or line integrals) is a note.

    Args:
        path: the file; it is only read.
        kind: what bare numbers (.npy, TIFF) are: k-space, images (of coils or frames, which become
            k-space), a sinogram of line integrals, or of counts, measurements.
        slice: index of the only one, or the middle one; by default all.
        frame: index of the only frame, repetition or echo; by default all.
        axes: what the first axis of a bare array of three axes counts.
        angles: of the views, (views,), instead of those in the file.
        unit: of the angles; by default as the file says, or by their range.
        max_values: more than these are refused before reading.

    Returns:
        k-space (n, coils, h, w), a sinogram (slices, views, detectors), or measurements (m,).

    Raises:
        InputError: missing, unreadable, damaged, cut short, of another kind; not said what a bare
            array is; several slices and several frames, and neither chosen; NaN, only zeros; an
            extra is not installed; too large, or more than there is memory for.
    """
    path = Path(path)
    format_ = scan_format(path)
    wanted = Wanted(
        kind=kind, slice=slice, frame=frame, axes=axes, unit=unit, max_values=max_values,
        angles=None if angles is None else np.asarray(angles),
    )  # fmt: skip
    try:
        return _READERS[format_](path, wanted)
    except InputError:
        raise
    except Exception as error:  # h5py and others raise whatever they like on broken files
        if lacks_memory(error):
            raise error_at(path, "does not fit into memory; choose one slice or frame") from None
        raise damaged_scan(path, format_) from error


def scan_format(path: Path) -> str:
    """Return the format of a scan file by its first bytes: .h5, .cfl, .npy, .npz, .tif or .dcm.

    Raises:
        InputError: missing, empty, no regular file, of another kind.
    """
    if path.suffix.lower() in (".cfl", ".hdr"):  # floats and a line of numbers: without a signature
        return ".cfl"
    if path.is_dir():
        return ".dcm"
    with open_regular(path, wanted="a scan file") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            head = file.read(132) if size else b""
        except OSError as error:
            raise error_at(path, f"cannot be read ({error.strerror})") from None
    if not head:
        raise error_at(path, f"the file is empty; {READS_SCANS}")
    signatures = {
        b"\x89HDF\r\n\x1a\n": ".h5", b"\x93NUMPY": ".npy", b"PK\3\4": ".npz", b"II*\0": ".tif",
        b"MM\0*": ".tif", b"II+\0": ".tif", b"MM\0+": ".tif",
    }  # fmt: skip
    for signature, format_ in signatures.items():
        if head.startswith(signature):
            return format_
    if head[128:] == b"DICM":
        return ".dcm"
    raise error_at(path, f"is not a scan that can be read here; {READS_SCANS}")
