"""CT: an image from its projections, y = A x + offsets of the detector + noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, Unpack, cast

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.calibration import (
    AngleUnit,
    Sinogram,
    as_radians,
    correct_flat_field,
    find_centre,
    find_missing,
)
from untrained.errors import InputError, check_number
from untrained.operators import Fan, Projector, Radon
from untrained.tasks.base import Given, as_size
from untrained.tasks.calling import FitKeywords, fit_task

__all__ = ["Beam", "FanBeam", "Measured", "ParallelBeam", "prepare_ct", "reconstruct_ct"]

Array = NDArray[Any]

_BRIGHT = 99.9  # the percentile of the filtered back-projection that counts as the brightest
_HEADROOM = 1.25  # … and the share of it that becomes 1: an image in few views is brighter
_TRUNCATED = 0.1  # of the sinogram's largest values: the level at the edge of an interior scan
_FAINT = 0.02  # … and the level that no object is fainter than
_WIDER = 1.5  # the image of an interior scan, in widths of the detector


@dataclass(frozen=True, kw_only=True, slots=True)
class ParallelBeam:
    """Parallel rays, as of a synchrotron.

    Attributes:
        detector: width of a detector pixel; the image is in units of y over that.
        pixel: width of an image pixel; None = as wide.
    """

    detector: float = 1.0
    pixel: float | None = None

    @property
    def image_pixel(self) -> float:
        """The width of an image pixel."""
        return self.detector if self.pixel is None else self.pixel

    def make(
        self, angles: Array, detectors: int, size: int | tuple[int, int], *, centre: float,
        detector: float, pixel: float | None = None,
    ) -> Projector:  # fmt: skip
        """Return the projector."""
        return Radon(
            angles, detectors, size, centre=centre, detector=detector, pixel=pixel or detector
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FanBeam:
    """Rays from one source, all lengths in one unit.

    Attributes:
        source_to_centre: from the source to the axis of rotation.
        centre_to_detector: from there to the detector.
        shape: of the detector, flat or curved around the source.
        detector: width of a detector pixel, on the detector.
        pixel: width of an image pixel; None = that of a detector pixel at the axis.
    """

    source_to_centre: float
    centre_to_detector: float
    shape: Literal["flat", "curved"] = "flat"
    detector: float = 1.0
    pixel: float | None = None

    @property
    def image_pixel(self) -> float:
        """The width of an image pixel."""
        return self.at_axis(self.detector) if self.pixel is None else self.pixel

    def at_axis(self, detector: float) -> float:
        """Return the width of a detector pixel as seen at the axis."""
        return detector * self.source_to_centre / (self.source_to_centre + self.centre_to_detector)

    def make(
        self, angles: Array, detectors: int, size: int | tuple[int, int], *, centre: float,
        detector: float, pixel: float | None = None,
    ) -> Projector:  # fmt: skip
        """Return the projector."""
        return Fan(
            angles, detectors, size, source_to_centre=self.source_to_centre,
            centre_to_detector=self.centre_to_detector, shape=self.shape, centre=centre,
            detector=detector, pixel=pixel or self.at_axis(detector),
        )  # fmt: skip


Beam = ParallelBeam | FanBeam


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measured:
    """A scan, ready for `restore`.

    Attributes:
        y: -log of the transmission, (views, detectors, 1); 0 where it is missing.
        given: operator, mask, groups (whole views), scale, and the filtered back-projection as the
            guide.
        angles: of the views in radians.
        centre: detector pixel of the axis of rotation, after binning.
        fbp: the filtered back-projection (Hann window) in units of y over the width of a pixel.
        pixel: width of an image pixel.
    """

    y: NDArray[np.float32]
    given: Given
    angles: NDArray[np.float64]
    centre: float
    fbp: NDArray[np.float32]
    pixel: float


def prepare_ct(
    sinogram: Array,
    angles: Any,
    *,
    unit: AngleUnit = "rad",
    centre: float | Literal["auto"] = "auto",
    size: int | tuple[int, int] | None = None,
    beam: Beam = ParallelBeam(),
    flat: Array | None = None,
    dark: Array | None = None,
    air: int = 0,
    binning: int = 1,
    views: int | None = None,
) -> Measured:
    """Return y and what is given of it for a fit: projector, missing pixels, groups, scale.

    Args:
        sinogram: -log of the transmission, (views, detectors); with `flat` the counts of photons.
            NaN, dead detector pixels and counts of zero are missing, and a note says so.
        angles: one a view, in `unit`.
        unit: rad or deg; an angle range that is only possible in the other one is refused.
        centre: detector pixel of the axis of rotation, before binning, 0 = the middle of the
            first; "auto" = found (`find_centre`).
        size: (H, W) of the image or one number; None = what holds all that the projections show,
            and half as wide again as the detector where they are cut off.
        beam: parallel or fan, and the widths of the pixels.
        flat, dark, air: as for `correct_flat_field`.
        binning: so many detector pixels become one, their mean.
        views: use only so many, evenly spaced in their order; None = all.

    Raises:
        InputError: other shapes or units, too few views, nothing but zeros: one line each.
    """
    values = np.asarray(np.ma.filled(np.ma.asarray(sinogram).astype(np.float64), np.nan))
    if values.ndim != 2 or min(values.shape) < 2:
        raise InputError(
            f"the sinogram is of shape {values.shape}; wanted (views, detectors), one slice"
        )
    theta = as_radians(angles, len(values), unit=unit)
    counted = _corrected(values, flat, dark, air)
    found = find_missing(counted.values, counted.known)
    notes = [*counted.notes, *found.notes]
    if views is not None:
        chosen = _evenly(len(values), as_size(views, "views"))
        theta = theta[chosen]
        found = replace(found, values=found.values[chosen], known=found.known[chosen])
    if centre == "auto":
        centre = find_centre(
            found.values, theta, known=found.known, make=beam.make, detector=beam.detector
        )
        notes.append(f"the axis of rotation was found at detector pixel {centre:.2f}")
    check_number("centre", centre)
    beam, found, centre = _binned(beam, found, float(centre), as_size(binning, "binning"))
    last = found.values.shape[1] - 1
    if not 0 <= centre <= last:
        raise InputError(f"centre is {centre:g}; wanted a pixel of the detector, 0 to {last}")
    filled = _filled(found)
    if size is not None:
        size = _sides(size)
    else:
        size, note = _size_of(filled, centre, beam)
        notes += [note] if note else []
    projector = beam.make(
        theta, filled.shape[1], size, centre=centre, detector=beam.detector,
        pixel=beam.image_pixel,
    )  # fmt: skip
    y = torch.from_numpy(filled).float()[None, None]
    fbp = projector.fbp(y, window="hann")[0, 0].numpy()
    scale = float(np.percentile(np.abs(fbp), _BRIGHT)) * _HEADROOM
    if not 0 < scale < math.inf:
        raise InputError("the filtered back-projection is 0 everywhere; wanted a sinogram")
    projector.nepers = scale
    return Measured(
        y=np.ascontiguousarray(np.where(found.known, found.values, 0)[..., None], np.float32),
        given=Given(
            operator=projector,
            mask=None if found.known.all() else found.known,
            groups=np.repeat(_directions(theta, beam)[:, None], filled.shape[1], axis=1),
            guide=fbp / scale,
            scale=scale,
            clip=False,
            notes=tuple(notes),
        ),
        angles=theta, centre=centre, fbp=fbp, pixel=beam.image_pixel,
    )  # fmt: skip


def reconstruct_ct(
    sinogram: Array,
    angles: Any,
    *,
    unit: AngleUnit = "rad",
    centre: float | Literal["auto"] = "auto",
    size: int | tuple[int, int] | None = None,
    beam: Beam = ParallelBeam(),
    flat: Array | None = None,
    dark: Array | None = None,
    air: int = 0,
    binning: int = 1,
    views: int | None = None,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Return the image of a sinogram, of few views or of many.

    Args:
        sinogram, angles, unit, centre, size, beam, flat, dark, air, binning, views: as for
            `prepare_ct`.
        **fit: recipe, steps, settings, seed, device, callbacks, progress, return_result: see
            `FitKeywords`.

    Returns:
        the image, (H, W) float32: -log of the transmission per width unit of the beam's pixels.
        With `return_result=True` the whole `Result`, with that image; its extra "offsets" is what
        was found for each detector pixel, over `Given.scale`.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
    """
    measured = prepare_ct(
        sinogram, angles, unit=unit, centre=centre, size=size, beam=beam, flat=flat, dark=dark,
        air=air, binning=binning, views=views,
    )  # fmt: skip
    fit = cast(FitKeywords, {**fit, "channel_axis": -1})
    restored, (result,) = fit_task("ct", measured.y, measured.given, fit)
    image = np.asarray(restored, np.float32)[..., 0]
    return replace(result, image=image) if fit.get("return_result") else image


def _corrected(values: Array, flat: Array | None, dark: Array | None, air: int) -> Sinogram:
    """Return -log of the transmission of counts, or what is that already."""
    if flat is not None:
        return correct_flat_field(values, flat, dark, air=air)
    if dark is not None:
        raise InputError("dark without flat; give both, and the counts, or the sinogram alone")
    known = np.isfinite(values)
    middle = float(np.median(values[known])) if known.any() else 0.0
    if middle > 50:
        raise InputError(
            f"half of the values are above {middle:.3g}, more than rays are weakened by anything; "
            "counts? then give flat (and dark)"
        )
    return Sinogram(values=values, known=np.ones_like(known))


def _sides(size: Any) -> tuple[int, int]:
    """Return height and width. Raises InputError: no whole numbers from 1."""
    both = tuple(size) if isinstance(size, (tuple, list, np.ndarray)) else (size, size)
    if len(both) != 2:
        raise InputError(f"size is {size}; wanted one whole number, or height and width")
    return as_size(both[0], "size"), as_size(both[1], "size")


def _evenly(count: int, wanted: int) -> NDArray[np.intp]:
    if not 2 <= wanted <= count:
        raise InputError(f"views is {wanted}; wanted 2 to {count}")
    chosen: NDArray[np.intp] = np.round(np.linspace(0, count, wanted, endpoint=False)).astype(int)
    return np.minimum(chosen, count - 1)


def _binned(beam: Beam, found: Sinogram, centre: float, width: int) -> tuple[Beam, Sinogram, float]:
    """Return everything for wider detector pixels; a bin is the mean of its known pixels."""
    if width == 1:
        return beam, found, centre
    rows, detectors = found.values.shape
    if not 1 < width <= detectors // 8:
        raise InputError(f"binning is {width}; wanted 1 to {detectors // 8}")
    count = detectors // width
    shape = (rows, count, width)
    known = found.known[:, : count * width].reshape(shape)
    values = found.values[:, : count * width].reshape(shape)
    mean = (values * known).sum(-1) / np.maximum(known.sum(-1), 1)
    return (
        replace(beam, detector=beam.detector * width),
        replace(found, values=mean, known=np.any(known, axis=-1, keepdims=False)),
        (centre - (width - 1) / 2) / width,
    )


def _filled(found: Sinogram) -> Array:
    """Return the sinogram with missing pixels from their neighbours, for the guide alone.

    Along the detector where a view has enough, whole missing views from those before and after.
    """
    values, known = found.values.copy(), found.known
    places = np.arange(values.shape[1])
    some = known.sum(1) > values.shape[1] // 2
    for row in np.flatnonzero(some & ~known.all(1)):
        there = known[row]
        values[row] = np.interp(places, places[there], values[row, there])
    if not some.any():
        raise InputError("every view has more than half of its pixels missing; wanted some whole")
    for row in np.flatnonzero(~some):
        beside = np.flatnonzero(some)
        before, after = beside[beside < row], beside[beside > row]
        pair = [*before[-1:], *after[:1]]
        values[row] = values[pair].mean(0)
    return values


def _size_of(filled: Array, centre: float, beam: Beam) -> tuple[int, str]:
    """Return the side of an image that holds what the projections show, and a note."""
    bright = float(np.percentile(np.abs(filled), 99.5))
    detectors = filled.shape[1]
    ratio = beam.detector / beam.image_pixel
    if isinstance(beam, FanBeam):
        ratio = beam.at_axis(beam.detector) / beam.image_pixel
    whole = detectors * ratio
    edge = max(2, detectors // 64)
    if max(filled[:, :edge].mean(), filled[:, -edge:].mean()) > _TRUNCATED * bright:
        side = math.ceil(_WIDER * whole)
        return side, (
            f"the object is wider than the detector: the image is {side}x{side}, of which only the "
            f"disc of {whole:.0f} across is seen from all sides"
        )
    smooth = np.abs(filled).mean(0)
    seen = np.flatnonzero(smooth > _FAINT * smooth.max())
    reach = max(abs(seen[0] - centre), abs(seen[-1] - centre)) + 1 + detectors / 32
    side = min(math.ceil(2 * reach * ratio), math.ceil(whole))
    side = max(8, side)
    if side >= 0.95 * whole:
        return side, ""
    return side, f"the image is {side}x{side}: beyond it the projections show nothing"


def _directions(theta: NDArray[np.float64], beam: Beam) -> NDArray[np.int64]:
    """Return a number for each view, the same for views along the same lines.

    A view that is measured again, or from the other side by parallel rays, would tell what was
    held out.
    """
    period = np.pi if isinstance(beam, ParallelBeam) else 2 * np.pi
    turned = np.mod(theta, period)
    order = np.argsort(turned, kind="stable")
    gaps = np.diff(turned[order], append=turned[order[0]] + period)
    apart = gaps > 0.2 * np.median(gaps[gaps > 1e-9 * period])
    numbers = np.concatenate([[0], np.cumsum(apart[:-1])])
    if not apart[-1]:  # the last is the first again
        numbers[numbers == numbers[-1]] = 0
    groups = np.empty(len(theta), dtype=np.int64)
    groups[order] = numbers
    return groups
