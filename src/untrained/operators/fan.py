"""Fan-beam computed tomography."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from untrained.errors import InputError
from untrained.operators.filtered import Window, fan_weights, filtered
from untrained.operators.projector import Array, Footprint, Projector

__all__ = ["Fan", "FanShape"]

FanShape = Literal["flat", "curved"]


class Fan(Projector):
    """y[v, k] = the mean over the rays from the source to detector pixel k of ∫ x along them.

    The source stands at R (sin β, -cos β) from the axis of rotation, β the angle of the view, and
    the detector's middle opposite: with R → ∞ this is `Radon` at θ = β. A flat detector is a line,
    its pixels `detector` wide; a curved one is an arc around the source.

    A pixel's shadow is the trapezoid between its corners' shadows, as high as the ray through its
    middle is long within it: separable footprints, exact to second order in the pixel's width over
    its distance from the source (Long, Fessler & Balter, IEEE TMI 29, 2010).

    Args:
        angles: β of the views, radians.
        detectors: detector pixels a view.
        size: (H, W) of the image, or one number for both.
        source_to_centre: R, from the source to the axis of rotation.
        centre_to_detector: from that axis to the detector.
        shape: flat or curved.
        centre: detector pixel that the ray through the axis meets; None = (detectors - 1) / 2.
        pixel: width of an image pixel, in the unit of the distances.
        detector: width of a detector pixel, in the same unit, measured on the detector.
        max_matrix: most bytes that A and Aᵀ may take (`Projector`).

    Raises:
        InputError: as `Radon`; a source within the image, a distance below 0, no such shape.
    """

    def __init__(
        self,
        angles: Sequence[float] | Array | Tensor,
        detectors: int,
        size: int | tuple[int, int],
        *,
        source_to_centre: float,
        centre_to_detector: float,
        shape: FanShape = "flat",
        centre: float | None = None,
        pixel: float = 1.0,
        detector: float = 1.0,
        max_matrix: int = 2**31,
    ) -> None:
        super().__init__(
            angles, detectors, size, centre=centre, pixel=pixel, detector=detector,
            max_matrix=max_matrix,
        )  # fmt: skip
        if shape not in get_args(FanShape):
            raise InputError(f"shape is {shape!r}; wanted one of {', '.join(get_args(FanShape))}")
        reach = float(np.hypot(*self.size)) / 2 * pixel
        if not (reach < source_to_centre < np.inf and 0 <= centre_to_detector < np.inf):
            raise InputError(
                f"source_to_centre is {source_to_centre} and centre_to_detector "
                f"{centre_to_detector}; wanted more than {reach:g} (half the image's diagonal) and "
                "0 or more, in the unit of pixel"
            )
        self.source, self.shape = source_to_centre, shape
        self.magnification = (source_to_centre + centre_to_detector) / source_to_centre
        self.distance = source_to_centre + centre_to_detector
        self.store()

    def footprint(self, angle: float) -> Footprint:
        """Return the pixels' shadows, from the shadows of their four corners."""
        x, y = self.positions()
        half = self.pixel / 2
        across, along = self._seen(x, y, angle)
        corners = np.stack([
            self._bins(*self._seen(x + dx, y + dy, angle))
            for dx in (-half, half) for dy in (-half, half)
        ])  # fmt: skip
        # the ray's direction: from the source to the pixel's middle
        ray = angle + np.arctan2(-across, along)
        length = self.pixel / np.maximum(np.abs(np.cos(ray)), np.abs(np.sin(ray)))
        return Footprint(np.sort(corners, axis=0), length)

    def fbp(self, measurement: Tensor, *, window: Window = "ramp") -> Tensor:
        """Return the filtered back-projection Σ_v Δβ_v R²/L² (|f| window(f)) (w cos γ y)_v.

        Read at the pixels' shadows linearly; L is from the source to the pixel, along the central
        ray for a flat detector (Kak & Slaney, 1988, section 3.4). w shares what is measured from
        both ends of a ray, 1/2 for a whole turn; for less it falls smoothly at the ends of the scan
        (Noo, Defrise, Clackdoyle & Kudo, Phys. Med. Biol. 47, 2002, equation 30).

        Args:
            measurement: y, (b, c, views, detectors).
            window: ramp (none), hann, cosine or shepp-logan.

        Returns:
            (b, c, H, W).
        """
        bins = (np.arange(self.detectors) - self.centre) * self.detector / self.distance
        gamma = bins if self.shape == "curved" else np.arctan(bins)
        share = _redundancy(self.angles, gamma) * fan_weights(self.angles)[:, None]
        weighted = measurement * measurement.new_tensor(share * np.cos(gamma))
        spread = None
        if self.shape == "curved":
            step = torch.arange(self.detectors, dtype=torch.float64) * self.detector / self.distance
            spread = (1 / torch.sinc(step / np.pi)).square()
        rows = filtered(weighted, window, spread=spread)
        x, y = self.positions()
        image = measurement.new_zeros(*measurement.shape[:2], x.size)
        for view, angle in enumerate(self.angles):
            across, along = self._seen(x, y, angle)
            place = self._bins(across, along)
            left = np.clip(np.floor(place), 0, max(0, self.detectors - 2)).astype(np.int64)
            inside = (place >= -0.5) & (place <= self.detectors - 0.5)
            far = along if self.shape == "flat" else np.hypot(across, along)
            factor = measurement.new_tensor(inside * (self.distance / far) ** 2)
            right = np.minimum(left + 1, self.detectors - 1)
            part = measurement.new_tensor(np.clip(place - left, 0, 1))
            row = rows[:, :, view]
            image += factor * torch.lerp(
                row[..., torch.from_numpy(left).to(row.device)],
                row[..., torch.from_numpy(right).to(row.device)],
                part,
            )
        scale = self.source / self.distance / self.detector
        return (image * scale).view(*measurement.shape[:2], *self.size)

    def _seen(self, x: Array, y: Array, angle: float) -> tuple[Array, Array]:
        """Return where points are, seen from the source: across the central ray, and along it."""
        cos, sin = np.cos(angle), np.sin(angle)
        return x * cos + y * sin, self.source - x * sin + y * cos

    def _bins(self, across: Array, along: Array) -> Array:
        """Return the detector pixels on which points cast their shadows."""
        tangent = across / along
        on_detector = np.arctan(tangent) if self.shape == "curved" else tangent
        bins: Array = on_detector * self.distance / self.detector + self.centre
        return bins


def _redundancy(angles: Array, gamma: Array) -> Array:
    """Return how much of each ray (views, detectors) counts, that from its other end the rest."""
    turned = np.sort(np.mod(angles, 2 * np.pi))
    gaps = np.diff(turned, append=turned[0] + 2 * np.pi)
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 2 * np.median(gaps[gaps > 1e-9]):
        return np.full((len(angles), len(gamma)), 0.5)
    first = turned[(widest + 1) % len(turned)]  # the scan begins after the widest gap
    span = 2 * np.pi - gaps[widest]
    taper = max(1e-6, min(span / 2, (span - np.pi) / 2 + float(np.abs(gamma).max())))

    def counts(beta: Array) -> Array:
        at = np.mod(beta - first + 1e-9, 2 * np.pi)
        edge = np.minimum(at, span - at + 2e-9)
        value: Array = np.where(
            edge >= 0, np.sin(np.pi / 2 * np.clip(edge / taper, 0.02, 1)) ** 2, 0.0
        )
        return value

    own = counts(angles[:, None] + 0 * gamma)
    other = counts(angles[:, None] + np.pi - 2 * gamma)
    share: Array = own / (own + other)
    return share
