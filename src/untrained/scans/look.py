"""A quick look at a scan before any fit: zero-filled k-space, a filtered back-projection."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.calibration import correct_flat_field, find_centre, find_missing
from untrained.errors import InputError
from untrained.operators import Fan, Radon
from untrained.scans.grid import to_images
from untrained.scans.scan import Measurements, Scan, Sinogram

__all__ = ["central", "centre_of", "line_integrals", "quick_look"]

_WIDEST = 256  # detector pixels of a quick look: a second or two
_MOST_VIEWS = 360
_AIR = 0.02  # of the detector's width, at either end


def quick_look(scan: Scan, index: int = 0) -> NDArray[np.float32] | None:
    """Return an image (H, W) of one slice or frame; None where there is none without a fit.

    Of k-space the root of the sum of squares of the coils' images, what was not measured as zeros;
    of a sinogram the filtered back-projection, of at most 256 detector pixels.
    """
    if isinstance(scan, Measurements):
        return None
    if isinstance(scan, Sinogram):
        return None if scan.angles is None else _back_projected(scan, index)
    samples = scan.samples[index]
    if scan.trajectory is not None:
        track = scan.trajectory if scan.trajectory.ndim == 3 else scan.trajectory[index]
        samples = _gridded(samples, track, scan.crop)
    elif scan.mask is not None:
        samples = samples * scan.sampled[index]
    found = np.sqrt(np.square(np.abs(to_images(samples))).sum(axis=0))
    return np.asarray(found if scan.crop is None else central(found, scan.crop), np.float32)


def central(image: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the central part of an image (H, W)."""
    top, left = (max(0, n // 2 - part // 2) for n, part in zip(image.shape, size, strict=True))
    return image[top : top + size[0], left : left + size[1]]


def line_integrals(scan: Sinogram, index: int = 0) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return -log of the transmission of a slice, NaN where nothing was measured, and notes.

    Counts without a flat field are divided by the largest that the ends of the detector saw.
    """
    values = scan.values[index]
    notes: tuple[str, ...] = ()
    known = None
    if scan.counts:
        if scan.flat is not None:
            flat = scan.flat[:, index]
        else:
            ends = max(1, round(_AIR * values.shape[1]))
            air = np.concatenate([values[:, :ends], values[:, -ends:]], axis=1)
            flat = np.full((1, values.shape[1]), np.nanmax(air))
            notes = ("there is no flat field: the ends of the detector are taken for air",)
        dark = None if scan.dark is None else scan.dark[:, index]
        corrected = correct_flat_field(values, flat, dark)
        values, known, notes = corrected.values, corrected.known, (*notes, *corrected.notes)
    found = find_missing(values, known)
    return np.where(found.known, found.values, np.nan), (*notes, *found.notes)


def centre_of(scan: Sinogram, rows: NDArray[np.float64]) -> tuple[float, str]:
    """Return where the rotation axis is seen, in detector pixels, and how that is known."""
    if scan.centre is not None:
        return scan.centre, "as the file says"
    middle = (rows.shape[1] - 1) / 2
    if scan.angles is None:
        return middle, "the middle of the detector: there are no angles to find it with"
    try:
        return find_centre(rows, scan.angles, make=_fan_of(scan)), "found"
    except InputError:
        return middle, "the middle of the detector: it was not found"


def _back_projected(scan: Sinogram, index: int) -> NDArray[np.float32]:
    rows, _ = line_integrals(scan, index)
    centre, _ = centre_of(scan, rows)
    assert scan.angles is not None
    bins = -(-rows.shape[1] // _WIDEST)
    keep = slice(None, None, -(-len(rows) // _MOST_VIEWS))
    filled = _filled(rows)[keep]
    count = filled.shape[1] // bins
    binned = filled[:, : count * bins].reshape(len(filled), count, bins).mean(axis=2)
    angles, centre = scan.angles[keep], (centre - (bins - 1) / 2) / bins
    make = _fan_of(scan)
    operator: Fan | Radon = Radon(angles, count, count, centre=centre)
    if make is not None:
        operator = make(angles, count, count, centre=centre, detector=float(bins))
    measured = torch.from_numpy(binned).float()[None, None]
    return operator.fbp(measured, window="hann")[0, 0].numpy()


def _fan_of(scan: Sinogram) -> Callable[..., Fan] | None:
    """Return what makes the projector of a fan, whose `detector` counts the file's pixels."""
    to_axis, to_detector = scan.source_distance, scan.detector_distance
    if scan.geometry != "fan" or to_axis is None or to_detector is None:
        return None

    def make(
        angles: NDArray[np.float64], detectors: int, size: int, *, centre: float, detector: float
    ) -> Fan:
        width = (scan.pixel or 1.0) * detector
        return Fan(
            angles, detectors, size, source_to_centre=to_axis,
            centre_to_detector=to_detector - to_axis, shape="curved" if scan.curved else "flat",
            centre=centre, pixel=width * to_axis / to_detector, detector=width,
        )  # fmt: skip

    return make


def _filled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows with what is missing drawn along the detector, or of a whole view as zeros."""
    places = np.arange(rows.shape[1])
    filled = np.zeros_like(rows)
    for row, out in zip(rows, filled, strict=True):
        known = np.isfinite(row)
        if known.any():
            out[:] = np.interp(places, places[known], row[known])
    return filled


def _gridded(
    samples: NDArray[np.complex64], track: NDArray[np.float32], size: tuple[int, int] | None
) -> NDArray[np.complex64]:
    """Return k-space (coils, h, w) of samples off the grid: the mean of those near each place."""
    height, width = size or tuple(2 * int(np.ceil(np.abs(track[..., i]).max())) for i in (0, 1))
    down = np.rint(track[..., 0]).astype(int).ravel() + height // 2
    across = np.rint(track[..., 1]).astype(int).ravel() + width // 2
    inside = (down >= 0) & (down < height) & (across >= 0) & (across < width)
    place = (down * width + across)[inside]
    times = np.maximum(np.bincount(place, minlength=height * width), 1)
    grid = np.empty((len(samples), height * width), np.complex64)
    for coil, values in zip(grid, samples.reshape(len(samples), -1)[:, inside], strict=True):
        real, imaginary = (
            np.bincount(place, part, height * width) for part in (values.real, values.imag)
        )
        coil[:] = (real + 1j * imaginary) / times
    return grid.reshape(-1, height, width)
