"""Parallel-beam computed tomography."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from untrained.operators.filtered import Window, filtered, parallel_weights
from untrained.operators.projector import Array, Footprint, Projector

__all__ = ["Radon"]


class Radon(Projector):
    """y[v, k] = the mean over the strip of detector pixel k of ∫ x along {x cos θ + y sin θ = t}.

    The strips' areas within the pixels are exact: a pixel's shadow is a trapezoid. θ = 0 looks
    along the columns of the image, so that detector pixel k is its column k where sizes agree; with
    θ = π/2 it counts the rows from below. t = (k - centre) · detector.

    Args:
        angles: θ of the views, radians; over a half or a whole turn, in any order, repeated or not.
        detectors: detector pixels a view.
        size: (H, W) of the image, or one number for both.
        centre: detector pixel of the axis of rotation; None = the middle, (detectors - 1) / 2.
        pixel: width of an image pixel.
        detector: width of a detector pixel, in the same unit.
        max_matrix: most bytes that A and Aᵀ may take (`Projector`).

    Raises:
        InputError: no angles, NaN, sizes or widths that are not above 0.
    """

    def __init__(
        self,
        angles: Sequence[float] | Array | Tensor,
        detectors: int,
        size: int | tuple[int, int],
        *,
        centre: float | None = None,
        pixel: float = 1.0,
        detector: float = 1.0,
        max_matrix: int = 2**31,
    ) -> None:
        super().__init__(
            angles, detectors, size, centre=centre, pixel=pixel, detector=detector,
            max_matrix=max_matrix,
        )  # fmt: skip
        self.store()

    def footprint(self, angle: float) -> Footprint:
        """Return the pixels' shadows: two sides of a square, seen at an angle."""
        x, y = self.positions()
        cos, sin = np.cos(angle), np.sin(angle)
        middle = (x * cos + y * sin) / self.detector + self.centre
        less, more = np.sort(np.abs([cos, sin])) * self.pixel / self.detector
        out, flat = (more + less) / 2, (more - less) / 2
        corners = middle + np.array([[-out], [-flat], [flat], [out]])
        length = self.pixel / max(abs(cos), abs(sin))
        return Footprint(corners, np.full_like(middle, length))

    def fbp(self, measurement: Tensor, *, window: Window = "ramp") -> Tensor:
        """Return the filtered back-projection: Σ_v Δθ_v Aᵀ_v (|f| window(f)) y_v / pixel².

        Views count by the angle that they stand for, half of that to either neighbour, modulo π; a
        gap counts as at most two mean ones. Beyond the detector y falls linearly to 0, so that a
        wide object casts no bright rim (Kak & Slaney, "Principles of computerized tomographic
        imaging", 1988, section 3.3).

        Args:
            measurement: y, (b, c, views, detectors).
            window: ramp (none), hann, cosine or shepp-logan.

        Returns:
            (b, c, H, W).
        """
        weights = measurement.new_tensor(parallel_weights(self.angles))
        rows = filtered(measurement, window) * weights[:, None]
        return self.adjoint(rows) / self.pixel**2
