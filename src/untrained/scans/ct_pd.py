"""DICOM-CT-PD: projections of clinical CT scanners, a DICOM file a view; axial scans only.

Chen et al., Development and Validation of an Open Data Format for CT Projection Data, Medical
Physics 42 (2015); the tags are those of the collection LDCT-and-Projection-data.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images.picture import error_at
from untrained.scans.angles import angles_in_radians
from untrained.scans.scan import Sinogram
from untrained.scans.wanted import Wanted, check_values, damaged_scan, pick

__all__ = ["read_ct_pd"]

_WIDTH, _HEIGHT = (0x7029, 0x1002), (0x7029, 0x1006)
_SHAPE, _ROWS, _COLUMNS = (0x7029, 0x100B), (0x7029, 0x1010), (0x7029, 0x1011)
_ANGLE, _AXIAL, _RADIUS = (0x7031, 0x1001), (0x7031, 0x1002), (0x7031, 0x1003)
_DISTANCE, _CENTRE = (0x7031, 0x1031), (0x7031, 0x1033)
_SHIFTS = ((0x7033, 0x100B), (0x7033, 0x100C), (0x7033, 0x100D))  # flying focal spot
_PHOTONS = (0x7033, 0x1065)
_MOST_FILES = 100_000


def read_ct_pd(path: Path, wanted: Wanted) -> Sinogram:
    """Return the slices (detector rows) that are wanted of a folder of projections.

    Each row is a fan of its own: exact for the middle row, near it for those of a thin detector.

    Raises:
        InputError: pydicom is not installed; one file alone; not of this format; a helical scan,
            or a flying focal spot.
    """
    try:
        import pydicom
    except ImportError:
        raise InputError(f"{path}: DICOM needs pydicom; pip install 'untrained[science]'") from None
    if not path.is_dir():
        raise error_at(path, "is one DICOM file; wanted the folder of all projections of a scan")
    files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    if not 2 <= len(files) <= _MOST_FILES:
        raise error_at(path, f"has {len(files)} files; wanted the projections of a scan")
    heads = []
    for file in files:
        try:
            head = pydicom.dcmread(file, stop_before_pixels=True)
        except Exception:
            raise error_at(file, "is no DICOM file; wanted only projections here") from None
        if _ANGLE not in head:
            raise error_at(file, "is no projection of DICOM-CT-PD; wanted private tags 7031,1001 …")
        heads.append((int(head.get("InstanceNumber") or 0), file, head))
    heads.sort(key=lambda entry: (entry[0], entry[1]))
    first = heads[0][2]
    turned = [_number(path, head, _ANGLE) for _, _, head in heads]
    height = _number(path, first, _HEIGHT)
    axial = np.array([_number(path, head, _AXIAL) for _, _, head in heads])
    if np.ptp(axial) > 0.01 * height:
        raise error_at(
            path, f"is a helical scan (the table moved {np.ptp(axial):.1f} mm), which is not "
            "reconstructed here; rebin it to axial fans first",
        )  # fmt: skip
    if any(abs(_number(path, head, tag, 0.0)) > 1e-6 for _, _, head in heads for tag in _SHIFTS):
        raise error_at(path, "has a flying focal spot, which is not reconstructed here")
    rows, columns = int(_number(path, first, _ROWS)), int(_number(path, first, _COLUMNS))
    chosen = pick(path, rows, wanted.slice, "slice")
    check_values(path, (len(heads), rows, 1), wanted, itemsize=1)
    check_values(path, (len(heads), len(chosen), columns), wanted)
    values = np.empty((len(chosen), len(heads), columns), np.float32)
    for view, (_, file, head) in enumerate(heads):
        if (int(_number(path, head, _ROWS)), int(_number(path, head, _COLUMNS))) != (rows, columns):
            raise error_at(file, "has another size than the first projection")
        values[:, view] = _projection(file, pydicom, rows, columns)[list(chosen)]
    angles, said = angles_in_radians(np.unwrap(turned), unit=wanted.unit or "rad", place=str(path))
    centre = _numbers(path, first, _CENTRE)
    notes = [said.replace("as was said", "as the format has them")]
    if rows > 1:
        notes.append(f"{rows} detector rows, each taken for a fan in its own plane")
    shape = str(_raw(first, _SHAPE) or "").upper()
    if "CYL" not in shape and "FLAT" not in shape:
        notes.append("the detector's shape is not said; taken for an arc around the source")
    return Sinogram(
        values=values, counts=False, angles=angles, geometry="fan",
        source_distance=_number(path, first, _RADIUS),
        detector_distance=_number(path, first, _DISTANCE),
        curved="FLAT" not in shape, pixel=_number(path, first, _WIDTH), thickness=height,
        # Counted from 1 in the format.
        centre=centre[0] - 1 if centre else None,
        photons=_photons(first), indices=chosen,
        in_file={"slices": rows, "views": len(heads), "detectors": columns}, units="line integrals",
        source=str(path), notes=tuple(notes),
    )  # fmt: skip


def _projection(file: Path, pydicom: Any, rows: int, columns: int) -> NDArray[np.float32]:
    """Return a projection (rows, columns) in line integrals; files have either side first."""
    try:
        dicom = pydicom.dcmread(file)
        pixels = dicom.pixel_array.astype(np.float32)
        slope = float(dicom.get("RescaleSlope", 1))
        intercept = float(dicom.get("RescaleIntercept", 0))
    except Exception as error:
        raise damaged_scan(file, "DICOM") from error
    if pixels.shape == (columns, rows):
        pixels = pixels.T
    if pixels.shape != (rows, columns):
        raise error_at(file, f"has {pixels.shape} pixels, its tags say {rows} x {columns}")
    scaled: NDArray[np.float32] = pixels * np.float32(slope) + np.float32(intercept)
    return scaled


def _raw(head: Any, tag: tuple[int, int]) -> Any:
    return head[tag].value if tag in head else None


def _numbers(path: Path, head: Any, tag: tuple[int, int]) -> list[float]:
    """Return the numbers of a private tag, which without a dictionary are bytes."""
    value = _raw(head, tag)
    if value is None:
        return []
    try:
        if isinstance(value, bytes):
            short = len(value) == 2  # US; all else is FL
            form = "<H" if short else f"<{len(value) // 4}f"
            return [float(v) for v in struct.unpack(form, value[: struct.calcsize(form)])]
        if isinstance(value, (str, int, float)):
            return [float(value)]
        return [float(v) for v in value]
    except (ValueError, TypeError, struct.error):
        raise error_at(
            path, f"tag {tag[0]:04x},{tag[1]:04x} is no number; check the file"
        ) from None


def _number(path: Path, head: Any, tag: tuple[int, int], default: float | None = None) -> float:
    found = _numbers(path, head, tag)
    if found and np.isfinite(found[0]):
        return found[0]
    if default is None:
        raise error_at(path, f"has no tag {tag[0]:04x},{tag[1]:04x}; wanted DICOM-CT-PD")
    return default


def _photons(head: Any) -> float | None:
    """Return the middle of the photons of an open beam, which the format has for each detector."""
    value = _raw(head, _PHOTONS)
    if isinstance(value, bytes) and len(value) % 4 == 0 and value:
        counts = np.frombuffer(value, "<f4")
    elif isinstance(value, (list, tuple)):
        counts = np.asarray(value, np.float32)
    else:
        return None
    counts = counts[np.isfinite(counts) & (counts > 0)]
    return float(np.median(counts)) if counts.size else None
