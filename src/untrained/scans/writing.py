"""What was reconstructed, as a file: complex numbers whole, or their magnitude as a picture."""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import check_place, make_folder, write_atomically
from untrained.errors import InputError
from untrained.images.npy import write_npy
from untrained.images.picture import error_at
from untrained.scans.cfl import DIMENSIONS, cfl_pair
from untrained.scans.dicom import dicom_bytes

__all__ = ["Part", "Place", "check_reconstruction", "write_reconstruction"]

Part: TypeAlias = Literal["complex", "magnitude", "phase"]

_SUFFIXES = (".npy", ".cfl", ".h5", ".tif", ".tiff", ".nii", ".nii.gz", ".dcm", ".fld")
_KEEPS_COMPLEX = {".npy", ".cfl", ".h5"}
_EXTRAS = {".h5": "h5py", ".nii": "nibabel", ".nii.gz": "nibabel", ".dcm": "pydicom"}
_WANTED = f"wanted one of {', '.join(_SUFFIXES)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where and how large the pixels of a reconstruction are, and what its first axis is.

    Attributes:
        spacing: of pixels in mm, down and across.
        thickness: from slice to slice in mm.
        affine: (4, 4), from voxel numbers (down, across, slice) to mm (right, front, top).
        axis: what the first axis counts.
        units: of the values.
        source: the file of the scan.
    """

    spacing: tuple[float, float] | None = None
    thickness: float | None = None
    affine: NDArray[np.float64] | None = None
    axis: Literal["slice", "frame", "echo"] = "slice"
    units: str = ""
    source: str = ""


def check_reconstruction(path: str | Path) -> None:
    """Make sure, before a long computation, that a reconstruction can be written there.

    Raises:
        InputError: an unknown suffix; an extra is not installed; the path is a folder; its folder
            is a file, or can neither be written into nor made.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix not in _SUFFIXES:
        raise error_at(path, f"unknown file type {suffix or '(none)'} for an output; {_WANTED}")
    if len(os.fsencode(path.name)) > 240:  # leaves room for the temporary name
        raise error_at(path, "the file name is too long; wanted at most 240 bytes")
    if path.is_dir():
        raise error_at(path, "is a folder; give a file name")
    check_place(path)
    module = _EXTRAS.get(suffix)
    if module is not None and find_spec(module) is None:
        raise InputError(f"{path}: {suffix} needs {module}; pip install 'untrained[science]'")


def write_reconstruction(
    path: str | Path, values: NDArray[Any], place: Place | None = None, *, part: Part | None = None
) -> None:
    """Write (H, W) or (n, H, W), whole or not at all; the suffix is the format.

    `.npy`, `.cfl` and `.h5` keep complex numbers; TIFF, NIfTI, DICOM and `.fld` get the magnitude,
    or the phase in radians. Real values are written as they are. DICOM has 16 bits with slope and
    intercept, and says that it is derived.

    Args:
        path: the output.
        values: complex or real.
        place: size and place of the pixels; None = not known.
        part: of complex numbers; None = what the format keeps.

    Raises:
        InputError: as `check_reconstruction`; another shape, NaN or infinite values; complex
            numbers for a format that has none; the disk is full.
    """
    path, place = Path(path), place or Place()
    check_reconstruction(path)
    suffix = _suffix(path)
    if values.ndim not in (2, 3) or 0 in values.shape:
        raise error_at(path, f"a reconstruction of shape {values.shape}; wanted (n, H, W)")
    if not np.isfinite(values).all():
        raise error_at(path, "the reconstruction has NaN or infinite values and is not written")
    values = _part_of(path, values, part, suffix)
    make_folder(path.parent)
    stack = values if values.ndim == 3 else values[None]
    if suffix == ".npy":
        write_atomically(path, lambda file: write_npy(file, values))
    elif suffix == ".cfl":
        _write_cfl(path, stack, place)
    elif suffix == ".h5":
        data = _hdf5_bytes(values, place)
        write_atomically(path, lambda file: file.write(data))
    elif suffix in (".tif", ".tiff"):
        write_atomically(path, lambda file: _write_tiff(file, stack, place))
    elif suffix == ".dcm":
        coded = dicom_bytes(
            stack, spacing=place.spacing, thickness=place.thickness, affine=place.affine,
            source=place.source,
        )  # fmt: skip
        write_atomically(path, lambda file: file.write(coded))
    elif suffix == ".fld":
        write_atomically(path, lambda file: _write_field(file, stack))
    else:
        image = _nifti_bytes(stack, place)
        if suffix == ".nii.gz":
            image = gzip.compress(image, mtime=0)
        write_atomically(path, lambda file: file.write(image))


def _suffix(path: Path) -> str:
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def _part_of(path: Path, values: NDArray[Any], part: Part | None, suffix: str) -> NDArray[Any]:
    if values.dtype.kind != "c":
        if part == "complex" or part == "phase":
            raise error_at(path, f"the reconstruction is real; it has no {part} part to write")
        return np.asarray(values, np.float32)
    if part is None:
        part = "complex" if suffix in _KEEPS_COMPLEX else "magnitude"
    if part == "complex":
        if suffix not in _KEEPS_COMPLEX:
            raise error_at(path, f"{suffix} keeps no complex numbers; use .npy, .cfl or .h5")
        return np.asarray(values, np.complex64)
    taken = np.abs(values) if part == "magnitude" else np.angle(values)
    return np.asarray(taken, np.float32)


def _write_cfl(path: Path, stack: NDArray[Any], place: Place) -> None:
    """Write .hdr and .cfl: READ is down, PHS1 across, the first axis SLICE, TIME or TE."""
    numbers, header = cfl_pair(path)
    sides = [1] * len(DIMENSIONS)
    sides[0], sides[1] = stack.shape[1:]
    sides[{"slice": 13, "frame": 10, "echo": 5}[place.axis]] = len(stack)
    text = "# Dimensions\n" + " ".join(map(str, sides)) + "\n# Creator\nuntrained\n"
    # Column by column: the first axis of the file's, down, is the fastest.
    data = np.ascontiguousarray(stack.transpose(0, 2, 1).astype("<c8")).tobytes()
    write_atomically(header, lambda file: file.write(text.encode()))
    write_atomically(numbers, lambda file: file.write(data))


def _hdf5_bytes(values: NDArray[Any], place: Place) -> memoryview:
    import h5py

    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        data = file.create_dataset("reconstruction", data=values)
        data.attrs["axis"] = place.axis
        for name in ("spacing", "thickness", "affine"):
            value = getattr(place, name)
            if value is not None:
                data.attrs[f"{name}_mm" if name != "affine" else name] = value
        for name in ("units", "source"):
            if getattr(place, name):
                data.attrs[name] = getattr(place, name)
        file.attrs["creator"] = "untrained"
    return stored.getbuffer()


def _write_tiff(file: IO[bytes], stack: NDArray[np.float32], place: Place) -> None:
    """Write as ImageJ does: it shows the size of the pixels."""
    import tifffile

    options: dict[str, Any] = {}
    metadata: dict[str, Any] = {"axes": "TYX" if place.axis == "frame" else "ZYX"}
    if place.spacing is not None:
        down, across = place.spacing
        options["resolution"] = (1 / across, 1 / down)
        metadata["unit"] = "mm"
        if place.thickness is not None:
            metadata["spacing"] = place.thickness
    tifffile.imwrite(
        file, stack, imagej=True, byteorder="<", software="", metadata=metadata, **options
    )


def _nifti_bytes(stack: NDArray[np.float32], place: Place) -> bytes:
    """Return a NIfTI of (down, across, slice), or (down, across, 1, frame)."""
    import nibabel

    series = place.axis != "slice" and len(stack) > 1
    voxels = stack.transpose(1, 2, 0)
    if series:
        voxels = voxels[:, :, None]
    known = place.affine is not None
    spacing = (*(place.spacing or (1.0, 1.0)), place.thickness or 1.0)
    affine = place.affine if place.affine is not None else np.diag([*spacing, 1.0])
    image = nibabel.Nifti1Image(np.ascontiguousarray(voxels), affine)
    # 1: the scanner's coordinates; 0: nobody knows where the patient lay.
    image.set_sform(affine, code=1 if known else 0)
    image.set_qform(affine, code=1 if known else 0)
    if place.spacing is not None or known:
        image.header.set_xyzt_units(xyz="mm")
    image.header["descrip"] = b"untrained"
    return bytes(image.to_bytes())


def _write_field(file: IO[bytes], stack: NDArray[np.float32]) -> None:
    """Write an AVS field, as MIRT reads it: a text, two form feeds, big-endian floats."""
    n, height, width = stack.shape
    lines = [
        "# AVS field file", "ndim=3", f"dim1={width}", f"dim2={height}", f"dim3={n}", "nspace=3",
        "veclen=1", "data=xdr_float", "field=uniform",
    ]  # fmt: skip
    file.write(("\n".join(lines) + "\n\f\f").encode())
    file.write(stack.astype(">f4").tobytes())
