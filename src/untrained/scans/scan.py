"""A scan in memory: k-space, a sinogram, or measurements, and what must be known beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["KSpace", "Measurements", "Scan", "Sinogram", "places_measured"]

_CHANCE = 0.25  # of what was measured: as many zeros within lines may be rounded noise
_WEAK = 2.0  # times the mean of all values: of the strongest one beside a zero that is noise

Axis: TypeAlias = Literal["slice", "frame", "echo"]
Complex: TypeAlias = NDArray[np.complex64]
Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class KSpace:
    """What the coils of an MRI scanner received.

    Cartesian samples lie on a grid whose centre, the mean of the image, is at (h // 2, w // 2):
    the centred FFT of the coil images. Where the file tells, h counts the samples of a readout and
    w the phase encoding, so that what is left out by an accelerated scan are columns.

    Attributes:
        samples: (n, coils, h, w) complex; off the grid h are spokes (or arms), w their samples.
        axis: what the first axis counts.
        mask: which places were measured, (h, w) or (n, h, w); None = those that are not zero
            (`places_measured`).
        noise: what the coils received without a signal, (coils, samples).
        maps: sensitivities of the coils, (coils, h, w) or (n, coils, h, w).
        trajectory: places of samples off the grid, (h, w, 2) or (n, h, w, 2), down and across, in
            cycles per field of view, so within ±size / 2.
        spacing: of the image's pixels in mm, down and across.
        thickness: of a slice in mm, or the distance between two.
        affine: (4, 4), from voxel numbers (down, across, slice) of the image of the size of
            k-space, uncropped, to mm in the patient (right, front, top), as in NIfTI.
        crop: height and width of the image that the scanner shows: the central part, or off the
            grid the size of the image.
        truth: magnitude of the full scan, (n, H, W), where the file has one. For scores only.
        indices: which of the file's slices, frames or echoes were read.
        in_file: how many the file has, by name: slices, frames, coils …
        units: of the values, "" if the file does not say.
        source: the file.
        notes: what is to be told of the reading, a sentence each.

    Raises:
        InputError: shapes that do not belong together, nothing in it, NaN or infinite values,
            only zeros.
    """

    samples: Complex
    axis: Axis = "slice"
    mask: NDArray[np.bool_] | None = None
    noise: Complex | None = None
    maps: Complex | None = None
    trajectory: Floats | None = None
    spacing: tuple[float, float] | None = None
    thickness: float | None = None
    affine: NDArray[np.float64] | None = None
    crop: tuple[int, int] | None = None
    truth: Floats | None = None
    indices: tuple[int, ...] = ()
    in_file: Mapping[str, int] = field(default_factory=dict)
    units: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape, place = self.samples.shape, self.source or "k-space"
        if self.samples.ndim != 4 or 0 in shape:
            raise InputError(f"{place}: k-space of shape {shape}; wanted (n, coils, h, w)")
        n, coils, h, w = shape
        _check_numbers(place, "k-space", self.samples)
        _check_shape(place, "mask", self.mask, (h, w), (n, h, w))
        _check_shape(place, "noise", self.noise, (coils, None))
        if self.maps is not None and coils not in self.maps.shape[-3:-2]:
            raise InputError(
                f"{place}: coil maps of shape {self.maps.shape} for {coils} coils; "
                "wanted a map for each coil"
            )
        sides: tuple[int | None, ...] = (h, w) if self.trajectory is None else (None, None)
        _check_shape(place, "coil maps", self.maps, (coils, *sides), (n, coils, *sides))
        _check_shape(place, "trajectory", self.trajectory, (h, w, 2), (n, h, w, 2))
        _check_shape(place, "truth", self.truth, (n, None, None))
        if self.mask is not None and not self.mask.any():
            raise InputError(f"{place}: the mask says that nothing was measured; check it")

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """Which places were measured, (n, h, w): the mask's, or as the samples say."""
        n, _, h, w = self.samples.shape
        found = places_measured(self.samples) if self.mask is None else self.mask
        return np.broadcast_to(found, (n, h, w))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sinogram:
    """What the detector of a CT scanner counted, or the line integrals made of it.

    The detectors count in the direction in which the source moves while the angles grow.

    Attributes:
        values: (slices, views, detectors).
        counts: whether they are counts of photons (or any signal that grows with them), and not
            line integrals -log(I / I0).
        flat: counts without the object, (flats, slices, detectors).
        dark: counts without the beam, (darks, slices, detectors).
        angles: of the views, in radians; None = the file has none.
        geometry: parallel rays, or a fan from a source.
        source_distance: of a fan, from the source to the centre of rotation, in mm.
        detector_distance: of a fan, from the source to the detector, in mm.
        curved: whether the fan's detector is an arc around the source.
        centre: where the rotation axis is seen, in detector pixels, 0 = middle of the first;
            None = to be found, or the middle.
        pixel: width of a detector pixel in mm; of parallel rays also that of the image's pixels.
        thickness: of a slice in mm.
        photons: counts of an open beam, in line integrals whose noise that gives.
        indices: which of the file's slices were read.
        in_file: how many the file has, by name: slices, views, detectors …
        units: of the values, "" if the file does not say.
        source: the file.
        notes: what is to be told of the reading, a sentence each.

    Raises:
        InputError: shapes that do not belong together, nothing in it, no finite value, only zeros.
    """

    values: Floats
    counts: bool
    flat: Floats | None = None
    dark: Floats | None = None
    angles: NDArray[np.float64] | None = None
    geometry: Literal["parallel", "fan"] = "parallel"
    source_distance: float | None = None
    detector_distance: float | None = None
    curved: bool = False
    centre: float | None = None
    pixel: float | None = None
    thickness: float | None = None
    photons: float | None = None
    indices: tuple[int, ...] = ()
    in_file: Mapping[str, int] = field(default_factory=dict)
    units: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape, place = self.values.shape, self.source or "sinogram"
        if self.values.ndim != 3 or 0 in shape:
            raise InputError(f"{place}: a sinogram of {shape}; wanted (slices, views, detectors)")
        slices, views, detectors = shape
        # A dead detector pixel may be NaN: it is missing. Of k-space that would be no measurement.
        _check_numbers(place, "the sinogram", self.values, some=True)
        _check_shape(place, "flat field", self.flat, (None, slices, detectors))
        _check_shape(place, "dark field", self.dark, (None, slices, detectors))
        if self.angles is not None and self.angles.shape != (views,):
            raise InputError(
                f"{place}: {self.angles.size} angles for {views} views; wanted one for each"
            )
        if self.angles is not None and not np.isfinite(self.angles).all():
            raise InputError(f"{place}: some angles are no finite numbers; mend them")
        fan = (self.source_distance, self.detector_distance)
        if self.geometry == "fan" and any(not d or d <= 0 for d in fan):
            raise InputError(
                f"{place}: a fan with the distances {fan}; wanted those from the source to the "
                "centre of rotation and to the detector, in mm"
            )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measurements:
    """Numbers of a single-pixel camera or any other y = A x.

    Attributes:
        values: y, (m,).
        matrix: A, (m, n), where the file has it.
        size: height and width of the image, where the file says so.
        source: the file.
        notes: what is to be told of the reading, a sentence each.

    Raises:
        InputError: shapes that do not belong together, nothing in it, NaN or infinite values,
            only zeros.
    """

    values: Floats
    matrix: Floats | None = None
    size: tuple[int, int] | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        place = self.source or "measurements"
        if self.values.ndim != 1 or not self.values.size:
            raise InputError(f"{place}: measurements of shape {self.values.shape}; wanted (m,)")
        _check_numbers(place, "the measurements", self.values)
        if self.matrix is None:
            return
        _check_shape(place, "matrix", self.matrix, (len(self.values), None))
        if not np.isfinite(self.matrix).all():
            raise InputError(f"{place}: the matrix has values that are no finite numbers")
        if self.size is not None and math.prod(self.size) != self.matrix.shape[1]:
            raise InputError(
                f"{place}: a matrix of {self.matrix.shape[1]} columns for an image of "
                f"{self.size[0]}x{self.size[1]}; wanted a column for each pixel"
            )


Scan: TypeAlias = KSpace | Sinogram | Measurements


def places_measured(samples: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (n, h, w), where samples (n, coils, h, w) have been measured: where one is not zero.

    And where all others of its row and its column that are weak were, if such zeros are few: whole
    numbers of a weak signal are 0 now and then, which is a measurement. A zero among strong values
    is none: somebody has put it there.
    """
    found = np.any(samples != 0, axis=1)
    # lines are columns or rows, of every frame its own, along what was measured of any frame
    lines = (
        found.any(axis=across, keepdims=True) & found.any(axis=(0, 3 - across), keepdims=True)
        for across in (1, 2)
    )
    gaps = min((line & ~found for line in lines), key=np.count_nonzero)
    if not 0 < gaps.sum() <= _CHANCE * found.sum():
        return found
    strength = np.abs(samples).sum(axis=1)
    padded = np.pad(strength, ((0, 0), (1, 1), (1, 1)))
    h, w = strength.shape[1:]
    beside = np.max([padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)], axis=0)
    weak = beside <= _WEAK * strength[found].mean()
    return np.asarray(found | (gaps & weak))


def _check_shape(
    place: str, what: str, array: NDArray[Any] | None, *wanted: tuple[int | None, ...]
) -> None:
    """Refuse an array of none of the shapes, in which None is any length but 0."""
    if array is None:
        return
    for shape in wanted:
        if len(shape) == array.ndim and all(
            n > 0 if side is None else n == side for n, side in zip(array.shape, shape, strict=True)
        ):
            return
    shapes = " or ".join(str(shape).replace("None", "any") for shape in wanted)
    raise InputError(f"{place}: {what} of shape {array.shape}; wanted {shapes}")


def _check_numbers(place: str, what: str, values: NDArray[Any], *, some: bool = False) -> None:
    """Refuse values that are not finite (`some`: all of them), or all zero."""
    finite = np.isfinite(values)
    if not finite.any() or not (some or finite.all()):
        lost = int(finite.size - np.count_nonzero(finite))
        raise InputError(
            f"{place}: {lost:,} of {finite.size:,} values of {what} are NaN or infinite; "
            "wanted numbers: write the scan again"
        )
    if not np.any(values[finite] if some else values):
        raise InputError(f"{place}: {what} has only zeros; wanted a scan with a signal")
