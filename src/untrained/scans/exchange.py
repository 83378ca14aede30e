"""DXchange, the HDF5 of synchrotrons: /exchange/data, data_white, data_dark, theta."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import error_at
from untrained.scans.angles import angles_in_radians
from untrained.scans.hdf5 import dataset, text_of
from untrained.scans.scan import Sinogram
from untrained.scans.wanted import Wanted, check_values, pick

__all__ = ["read_exchange", "sinogram_of_projections"]

# Of counts that were divided by the flat field before, the largest is near one.
_NORMALISED = 2.0
_LENGTHS = {
    "m": 1e3, "mm": 1.0, "um": 1e-3, "µm": 1e-3, "μm": 1e-3, "micron": 1e-3, "microns": 1e-3,
    "micrometer": 1e-3, "nm": 1e-6,
}  # fmt: skip


def read_exchange(path: Path, file: Any, wanted: Wanted) -> Sinogram:
    """Return the slices that are wanted of a DXchange file, and no others are read.

    Raises:
        InputError: other shapes or values; angles in a unit that cannot be.
    """
    names = ("data", "data_white", "data_dark", "theta")
    found = {name: dataset(path, file, f"exchange/{name}") for name in names}
    theta = found["theta"]
    said = None if theta is None else theta.attrs.get("units", theta.attrs.get("unit"))
    units = found["data"].attrs.get("units")
    return sinogram_of_projections(
        path, {name: stored for name, stored in found.items() if stored is not None}, wanted,
        unit=None if said is None else text_of(said), pixel=_pixel(path, file),
        units="" if units is None else text_of(units),
    )  # fmt: skip


def _pixel(path: Path, file: Any) -> float | None:
    """Return the detector's pixel in mm, where the measurement's record has it with a unit."""
    for name in ("measurement/instrument/detector/actual_pixel_size_x",
                 "measurement/instrument/detector/pixel_size_x",
                 "measurement/instrument/detector/x_pixel_size"):  # fmt: skip
        stored = dataset(path, file, name)
        if stored is None or stored.dtype.kind not in "uif" or stored.size != 1:
            continue
        unit = text_of(stored.attrs.get("units", "")).strip().lower()
        scale = _LENGTHS.get(unit)
        size = float(np.asarray(stored[()]).reshape(-1)[0])
        if scale is not None and np.isfinite(size) and size > 0:
            return size * scale
    return None


def sinogram_of_projections(
    path: Path, arrays: Mapping[str, Any], wanted: Wanted, *, unit: object = None,
    units: str = "", pixel: float | None = None,
) -> Sinogram:  # fmt: skip
    """Return the slices that are wanted of projections (views, slices, detectors).

    Args:
        path: the file, for messages.
        arrays: `data`, and where there are any `data_white`, `data_dark` (n, slices, detectors)
            and `theta` (views,); arrays, or an HDF5 file's, of which only the slices are read.
        wanted: which slices; angles, where there are none.
        unit: of theta, as the file says.
        units: of data, as the file says.
        pixel: width of a detector pixel in mm.

    Raises:
        InputError: other shapes; angles that suit neither the number of views nor a unit.
    """
    data = arrays["data"]
    _check_real(path, "data", data)
    if len(data.shape) != 3:
        raise error_at(path, f"data of shape {data.shape}; wanted (views, slices, detectors)")
    views, slices, detectors = data.shape
    chosen = pick(path, slices, wanted.slice, "slice")
    check_values(path, (views, len(chosen), detectors), wanted)
    part = slice(chosen[0], chosen[-1] + 1)
    fields: dict[str, NDArray[np.float32] | None] = {}
    for name in ("data_white", "data_dark"):
        found = arrays.get(name)
        fields[name] = None
        if found is None or 0 in found.shape:
            continue
        _check_real(path, name, found)
        shape = found.shape if len(found.shape) == 3 else (1, *found.shape)
        if len(shape) != 3 or shape[1:] != (slices, detectors):
            raise error_at(
                path, f"{name} of shape {found.shape}; wanted (n, {slices}, {detectors}) as data"
            )
        check_values(path, (shape[0], len(chosen), detectors), wanted)
        rows = found[:, part] if len(found.shape) == 3 else found[part][None]
        fields[name] = np.asarray(rows, np.float32)
    values = np.asarray(data[:, part], np.float32).transpose(1, 0, 2)
    angles, notes = None, ["the file has no angles; give them (--angles)"]
    theta = arrays.get("theta") if wanted.angles is None else wanted.angles
    if theta is not None and 0 not in theta.shape:
        angles, said = angles_in_radians(
            np.asarray(theta), said=unit if wanted.angles is None else None, unit=wanted.unit,
            place=str(path),
        )  # fmt: skip
        notes = [said]
        if len(angles) != views:
            raise error_at(path, f"{len(angles)} angles for {views} views; wanted one for each")
    counts = wanted.kind == "counts" or (
        wanted.kind is None and (fields["data_white"] is not None or _looks_counted(values, notes))
    )
    return Sinogram(
        values=np.array(values, order="C"), counts=counts, flat=fields["data_white"],
        dark=fields["data_dark"], angles=angles, pixel=pixel, indices=chosen,
        in_file={"slices": slices, "views": views, "detectors": detectors}, units=units,
        source=str(path), notes=tuple(notes),
    )  # fmt: skip


def _check_real(path: Path, name: str, array: Any) -> None:
    if array.dtype.kind not in "uif":
        raise error_at(path, f"{name} holds {array.dtype} values; wanted real numbers")


def _looks_counted(values: NDArray[np.float32], notes: list[str]) -> bool:
    """Guess, without a flat field, whether values are counts: air is the largest, not near 0."""
    finite = values[np.isfinite(values)]
    edges = np.concatenate([values[..., :2].ravel(), values[..., -2:].ravel()])
    air, middle = np.nanmedian(edges), np.median(finite) if finite.size else 0.0
    counted = bool(air > middle and air > _NORMALISED)
    what = "counts, of which the edges are taken for air" if counted else "line integrals"
    notes.append(f"by their range the values are {what} (--kind counts or sinogram says it)")
    return counted
