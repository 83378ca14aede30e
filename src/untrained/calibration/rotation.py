"""The centre of rotation of a tomogram, found in the sinogram itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError
from untrained.operators import Projector, Radon

__all__ = ["MakeProjector", "find_centre"]

Array = NDArray[Any]

MakeProjector = Callable[..., Projector]
"""(angles, detectors, size, centre=, detector=) -> projector, the image's pixels as wide as the
detector's are at the axis."""

_REACH = 0.2  # of the detector's width: how far from its middle the axis is looked for
_LEVELS = ((64, 45, 12), (160, 60, 12))  # detector pixels, views, iterations


def find_centre(
    sinogram: Array,
    angles: Array,
    *,
    known: Array | None = None,
    make: MakeProjector | None = None,
    detector: float = 1.0,
) -> float:
    """Return the detector pixel of the axis of rotation, to a fraction of a pixel.

    Only with the right centre do the projections belong to one image: the one is taken for which
    the residual ‖A_c x - y‖² after a few steps of conjugate gradients is least. That needs neither
    opposite views nor the object's edges within the detector, so it serves for half and whole
    turns, repeated views and interior scans, parallel and fan beams alike. Searched on binned data
    from coarse to fine; at the end the minimum of a parabola through the residuals.

    Args:
        sinogram: -log of the transmission, (views, detectors); NaN = missing.
        angles: radians, one a view.
        known: (views, detectors), true = measured; None = where the sinogram is finite.
        make: of the projector; None = parallel beams.
        detector: width of a detector pixel.

    Returns:
        the centre in detector pixels, 0 = the middle of the first.

    Raises:
        InputError: fewer than 8 views or 16 detector pixels, or nothing but one value; no least
            residual within a fifth of the detector's width from its middle.
    """
    views, count = np.shape(sinogram)
    if views < 8 or count < 16:
        raise InputError(
            f"the sinogram has {views} views of {count} pixels, too few to find the centre of "
            "rotation in; wanted 8 of 16: give the centre"
        )
    there = np.isfinite(sinogram) if known is None else np.asarray(known) & np.isfinite(sinogram)
    y = np.where(there, sinogram, 0).astype(np.float64)
    if not there.any() or np.ptp(y[there]) == 0:
        raise InputError("the sinogram has one value everywhere; wanted projections of something")
    make = make or _parallel
    shift, reach = 0, round(_REACH * count)
    for bins, most_views, iterations in _LEVELS:
        width = max(1, count // bins)
        chosen = np.unique(np.linspace(0, views - 1, min(views, most_views)).round().astype(int))
        trial = _Trial(y[chosen], there[chosen], angles[chosen], make, detector, width, iterations)
        step = max(1, width // 2)
        shifts = shift + step * np.arange(-(reach // step), reach // step + 1)
        values = [trial(int(s)) for s in shifts]
        if reach > 2 * width and int(np.argmin(values)) in (0, len(values) - 1):
            raise InputError(
                "the projections fit together best with the axis of rotation farther from the "
                f"middle of the detector than {_REACH:.0%} of its width, or with none; give the "
                "centre, and see whether the angles belong to the views"
            )
        shift, reach = int(shifts[int(np.argmin(values))]), 2 * width
    return float((count - 1) / 2 + _least(shifts, values))


def _parallel(
    angles: Array, detectors: int, size: int, *, centre: float, detector: float
) -> Projector:
    return Radon(angles, detectors, size, centre=centre, pixel=detector, detector=detector)


class _Trial:
    """How badly projections fit one image whose axis is `shift` pixels right of the middle.

    The axis stays in the middle of one projector, and the sinogram is moved by whole pixels before
    it is binned: nothing is interpolated, which would favour some shifts.
    """

    def __init__(
        self, y: Array, there: Array, angles: Array, make: MakeProjector, detector: float,
        width: int, iterations: int,
    ) -> None:  # fmt: skip
        self.y, self.there, self.width, self.iterations = y, there, width, iterations
        count = y.shape[1] // width
        # an interior scan sees what lies beyond its detector
        edges = np.abs(np.concatenate([y[:, :2], y[:, -2:]], 1)).mean()
        wide = 1.6 if edges > 0.1 * np.abs(y).max() else 1.15
        self.start = (y.shape[1] - count * width) // 2
        middle = ((y.shape[1] - 1) / 2 - self.start - (width - 1) / 2) / width
        self.projector = make(
            angles, count, int(wide * count), centre=middle, detector=detector * width
        )

    def __call__(self, shift: int) -> float:
        count = self.y.shape[1]
        places = np.arange(count) + shift
        inside = (places >= 0) & (places < count)
        rows, there = np.zeros_like(self.y), np.zeros_like(self.there)
        rows[:, inside] = self.y[:, places[inside]]
        there[:, inside] = self.there[:, places[inside]]
        y, weights = _binned(rows[:, self.start :], there[:, self.start :], self.width)
        return _residual(self.projector, y, weights, self.iterations)


def _residual(projector: Projector, y: Tensor, weights: Tensor, iterations: int) -> float:
    """Return ‖W(A x - y)‖² / ‖W y‖² after some steps of conjugate gradients from x = 0."""
    residual = weights * y
    whole = float(residual.square().sum())
    gradient = projector.adjoint(residual)
    direction, power = gradient.clone(), gradient.square().sum()
    for _ in range(iterations):
        ahead = weights * projector(direction)
        size = power / ahead.square().sum().clamp_min(1e-30)
        residual = residual - size * ahead
        gradient = projector.adjoint(residual)
        before, power = power, gradient.square().sum()
        direction = gradient + power / before.clamp_min(1e-30) * direction
    return float(residual.square().sum()) / whole


def _binned(y: Array, there: Array, width: int) -> tuple[Tensor, Tensor]:
    """Return the means over `width` detector pixels, and 1 where all of them are known."""
    count = y.shape[1] // width * width
    shape = (len(y), -1, width)
    whole = there[:, :count].reshape(shape).all(-1)
    mean = y[:, :count].reshape(shape).mean(-1)
    first, second = torch.from_numpy(mean), torch.from_numpy(whole)
    return first.float()[None, None], second.float()[None, None]


def _least(places: Array, values: list[float]) -> float:
    """Return where a parabola through the least value and its two neighbours each way is least."""
    at = int(np.argmin(values))
    low, high = max(0, at - 2), min(len(values), at + 3)
    if high - low < 3:
        return float(places[at])
    second, first, _ = np.polyfit(places[low:high] - places[at], values[low:high], 2)
    if second <= 0:
        return float(places[at])
    step = float(places[1] - places[0])
    return float(places[at] + np.clip(-first / (2 * second), -step, step))
