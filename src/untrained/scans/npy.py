"""NumPy's .npy and .npz: bare arrays, of which the user says what the file does not."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import error_at
from untrained.scans.exchange import sinogram_of_projections
from untrained.scans.grid import to_kspace
from untrained.scans.scan import KSpace, Measurements, Scan, Sinogram
from untrained.scans.wanted import Kind, Wanted, check_values, damaged_scan, pick

__all__ = ["kspace_of_array", "read_npy_scan", "read_npz_scan"]

_KINDS: dict[str, Kind] = {
    "kspace": "kspace", "images": "images", "sinogram": "sinogram", "counts": "counts",
    "measurements": "measurements", "y": "measurements",
}  # fmt: skip
_AXES_SAID = "say what its first axis counts (--axes coils, slices or frames)"


def read_npy_scan(path: Path, wanted: Wanted) -> Scan:
    """Return the scan in a .npy file, of which only what is wanted is read."""
    with path.open("rb") as file:
        shape, dtype = _header(path, file)
    if dtype.kind not in "uifc":
        raise error_at(path, f"holds {dtype} values; wanted complex or real numbers")
    if 0 in shape:
        raise error_at(path, f"is empty, of shape {shape}; wanted some values")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:  # fewer bytes than the header says
        raise damaged_scan(path, ".npy") from None
    return _scan_of(path, array, {}, wanted, _kind_of(path, array, wanted))


def read_npz_scan(path: Path, wanted: Wanted) -> Scan:
    """Return the scan in a .npz file.

    It has one array, or several of the names `kspace`, `images`, `sinogram`, `counts` or
    `measurements`; beside it `mask`, `maps`, `noise`, `truth`, `theta`, `matrix`, `size`. Those of
    DXchange (`data`, `data_white`, `data_dark`, `theta`) are read as well.
    """
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as file:
            for name in file.files:
                member = name if name in archive.namelist() else f"{name}.npy"
                with archive.open(member) as head:
                    shape, dtype = _header(path, head)
                if dtype.kind in "uifcb":
                    check_values(path, (*shape, 1), wanted, itemsize=dtype.itemsize)
                    arrays[name] = file[name]
    except (zipfile.BadZipFile, EOFError, OSError, KeyError, NotImplementedError):
        raise damaged_scan(path, ".npz") from None
    if "data" in arrays and ("theta" in arrays or "data_white" in arrays):
        return sinogram_of_projections(path, arrays, wanted)
    found = [name for name in _KINDS if name in arrays]
    if not found and len(arrays) == 1:
        name = next(iter(arrays))
        return _scan_of(path, arrays[name], {}, wanted, _kind_of(path, arrays[name], wanted))
    if len(found) != 1:
        names = ", ".join(arrays) or "nothing"
        raise error_at(path, f"has {names}; wanted one array named {', '.join(_KINDS)}")
    beside = {name: a for name, a in arrays.items() if name != found[0]}
    return _scan_of(path, arrays[found[0]], beside, wanted, wanted.kind or _KINDS[found[0]])


def kspace_of_array(
    path: Path, array: Any, beside: Mapping[str, NDArray[Any]], wanted: Wanted, *, images: bool
) -> KSpace:
    """Return the k-space of a bare array: (h, w), (coils | n, h, w) or (n, coils, h, w)."""
    shape = tuple(array.shape)
    if wanted.axes == "views" or not 2 <= len(shape) <= 4:
        raise error_at(
            path, f"k-space of shape {shape}; wanted (h, w), (coils, h, w) or (n, coils, h, w)"
        )
    if len(shape) == 3 and wanted.axes is None:
        raise error_at(path, f"has shape {shape}; {_AXES_SAID}")
    n, coils = 1, 1
    if len(shape) == 4:
        n, coils = shape[:2]
    elif len(shape) == 3:
        n, coils = (1, shape[0]) if wanted.axes == "coils" else (shape[0], 1)
    frames = wanted.axes == "frames"
    chosen = pick(path, n, wanted.frame if frames else wanted.slice, "frame" if frames else "slice")
    check_values(path, (len(chosen), coils, *shape[-2:]), wanted)
    part = array if len(shape) == 2 or n == 1 else array[chosen[0] : chosen[-1] + 1]
    # A copy: what is mapped is not to be written, and its file may go.
    samples = np.array(part).reshape(len(chosen), coils, *shape[-2:])
    notes: tuple[str, ...] = ()
    if images:
        samples = to_kspace(samples)
        notes = ("the images were brought to k-space by the centred FFT",)
    noise, maps, mask, truth = (beside.get(k) for k in ("noise", "maps", "mask", "truth"))
    if mask is not None and mask.ndim == 1:  # of columns: whole lines are measured
        mask = np.broadcast_to(mask, shape[-2:])
    if mask is not None and mask.ndim == 3 and len(mask) == n:
        mask = mask[list(chosen)]
    if maps is not None and maps.ndim == 4 and len(maps) == n:
        maps = maps[list(chosen)]
    if truth is not None:
        truth = np.abs(truth).astype(np.float32)
        truth = truth[None] if truth.ndim == 2 else truth[list(chosen)]
    return KSpace(
        samples=np.ascontiguousarray(samples, np.complex64),
        axis="frame" if frames else "slice",
        mask=None if mask is None else np.asarray(mask != 0),
        noise=None if noise is None else noise.astype(np.complex64),
        maps=None if maps is None else maps.astype(np.complex64),
        truth=truth,
        indices=chosen,
        in_file={"frames" if frames else "slices": n, "coils": coils},
        source=str(path),
        notes=notes,
    )


def _scan_of(
    path: Path, array: Any, beside: Mapping[str, NDArray[Any]], wanted: Wanted, kind: Kind
) -> Scan:
    if kind in ("kspace", "images"):
        if array.dtype.kind != "c" and kind == "kspace":
            raise error_at(path, f"k-space of {array.dtype} values; wanted complex numbers")
        return kspace_of_array(path, array, beside, wanted, images=kind == "images")
    if array.dtype.kind == "c":
        raise error_at(path, f"complex values are no {kind}; wanted real numbers")
    if kind == "measurements":
        return _measurements(path, array, beside, wanted)
    return _sinogram(path, array, beside, wanted, kind)


def _kind_of(path: Path, array: Any, wanted: Wanted) -> Kind:
    if wanted.kind is not None:
        return wanted.kind
    if array.dtype.kind == "c":
        return "kspace"
    if array.ndim == 1 or (array.ndim == 2 and 1 in array.shape):
        return "measurements"
    raise error_at(
        path, f"real values of shape {array.shape} may be a sinogram or images; say which "
        "(--kind sinogram, counts or images)",
    )  # fmt: skip


def _sinogram(
    path: Path, array: Any, beside: Mapping[str, NDArray[Any]], wanted: Wanted, kind: Kind
) -> Sinogram:
    """Return the sinogram of (views, detectors), or of three axes of which the first is said."""
    if array.ndim == 2:
        projections = array[:, None]
    elif array.ndim != 3:
        raise error_at(path, f"a sinogram of shape {array.shape}; wanted (views, detectors)")
    elif wanted.axes not in ("views", "slices"):
        raise error_at(
            path, f"has shape {array.shape}; say what its first axis counts (--axes views, or "
            "slices)",
        )  # fmt: skip
    else:
        projections = array if wanted.axes == "views" else array.transpose(1, 0, 2)
    names = {"data_white": "flat", "data_dark": "dark", "theta": "theta"}
    arrays = {name: beside[own] for name, own in names.items() if own in beside}
    said = Wanted(
        kind=kind, slice=wanted.slice, angles=wanted.angles, unit=wanted.unit,
        max_values=wanted.max_values,
    )  # fmt: skip
    return sinogram_of_projections(path, {"data": projections, **arrays}, said)


def _measurements(
    path: Path, array: Any, beside: Mapping[str, NDArray[Any]], wanted: Wanted
) -> Measurements:
    if array.ndim != 1 and sorted(array.shape)[:-1] != [1] * (array.ndim - 1):
        raise error_at(path, f"measurements of shape {array.shape}; wanted (m,)")
    check_values(path, array.shape, wanted)
    matrix, size = beside.get("matrix"), beside.get("size")
    if size is not None and (size.shape != (2,) or size.dtype.kind not in "ui" or size.min() < 1):
        raise error_at(path, "size is no height and width; wanted two whole numbers")
    return Measurements(
        values=np.array(array, np.float32).reshape(-1),
        matrix=None if matrix is None else np.asarray(matrix, np.float32),
        size=None if size is None else (int(size[0]), int(size[1])),
        source=str(path),
    )


def _header(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of an array that is stored as .npy."""
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
    except (ValueError, EOFError):
        raise damaged_scan(path, ".npy") from None
    return shape, dtype
