"""Phantoms of ellipses: what they look like, and what rays through them measure, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["HEAD", "Ellipse", "beating", "draw", "line_integrals"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ellipse:
    """A value that is added within an ellipse; the picture reaches from -1 to 1, y upwards.

    Attributes:
        value: what is added.
        x: of its middle, to the right.
        y: of its middle, upwards.
        width: half of its width, before it is turned.
        height: half of its height, before it is turned.
        turn: to the left, in radians.
    """

    value: float
    x: float
    y: float
    width: float
    height: float
    turn: float = 0.0


HEAD = (
    Ellipse(1.0, 0.0, 0.0, 0.72, 0.9),  # skull
    Ellipse(-0.62, 0.0, -0.01, 0.66, 0.83),  # what is in it
    Ellipse(0.12, 0.0, 0.42, 0.36, 0.24),
    Ellipse(-0.18, 0.2, 0.02, 0.09, 0.3, -0.35),  # ventricles
    Ellipse(-0.18, -0.2, 0.02, 0.09, 0.3, 0.35),
    Ellipse(0.2, 0.0, -0.3, 0.05, 0.05),
    Ellipse(0.2, 0.1, -0.52, 0.025, 0.04),
    Ellipse(0.2, -0.1, -0.52, 0.025, 0.025),
    Ellipse(0.25, 0.0, -0.68, 0.12, 0.03),
    Ellipse(0.15, 0.38, 0.4, 0.02, 0.12, 0.6),
    *(Ellipse(0.3, -0.45 + 0.06 * i, -0.2, 0.012, 0.1) for i in range(5)),  # bars of a fine pitch
)
"""A head of known shape: flat areas, edges, small and fine things."""


def beating(phase: float) -> tuple[Ellipse, ...]:
    """Return a chest whose heart is as small as can be at phase 0, as large at 1/2, period 1."""
    size = 0.24 - 0.06 * math.cos(2 * math.pi * phase)
    return (
        Ellipse(0.6, 0.0, 0.0, 0.88, 0.66),
        Ellipse(-0.4, -0.45, 0.05, 0.28, 0.45),  # lungs
        Ellipse(-0.4, 0.5, 0.08, 0.24, 0.42),
        Ellipse(0.45, 0.05, -0.05, size + 0.06, size + 0.02, 0.4),  # muscle, and the blood in it
        Ellipse(0.3, 0.05, -0.05, size, size - 0.04, 0.4),
        Ellipse(0.3, 0.0, -0.5, 0.09, 0.08),
    )


def draw(ellipses: Sequence[Ellipse], size: int, *, parts: int = 4) -> Array:
    """Return the phantom as (size, size): the mean of parts x parts points of each pixel."""
    _check_size(size)
    count = size * parts
    places = (np.arange(count) + 0.5) / count * 2 - 1
    x, y = places[None, :], -places[:, None]
    fine = np.zeros((count, count))
    for e in ellipses:
        cos, sin = math.cos(e.turn), math.sin(e.turn)
        across = ((x - e.x) * cos + (y - e.y) * sin) / e.width
        up = ((y - e.y) * cos - (x - e.x) * sin) / e.height
        fine += e.value * (across**2 + up**2 <= 1)
    mean: Array = fine.reshape(size, parts, size, parts).mean(axis=(1, 3))
    return mean


def line_integrals(
    ellipses: Sequence[Ellipse], angles: Array, detectors: int, *, width: float, centre: float
) -> Array:
    """Return the means of ∫ x along {x cos θ + y sin θ = t} over detector pixels, exactly.

    Within an ellipse of half axes a, b that is turned by φ, a ray at the distance u from the middle
    is 2 a b √(s² - u²) / s² long, s² = a² cos² (θ - φ) + b² sin² (θ - φ).

    Args:
        ellipses: of the phantom.
        angles: θ in radians.
        detectors: detector pixels; t = (k - centre) · width.
        width: of a detector pixel; the picture is 2 wide.
        centre: pixel where t is 0.

    Returns:
        (views, detectors), in units of the picture's half width.
    """
    edges = (np.arange(detectors + 1) - 0.5 - centre) * width
    found = np.zeros((len(angles), detectors))
    for e in ellipses:
        at = angles[:, None] - e.turn
        square = (e.width * np.cos(at)) ** 2 + (e.height * np.sin(at)) ** 2
        middle = e.x * np.cos(angles) + e.y * np.sin(angles)
        root = np.sqrt(square)
        u = np.clip((edges - middle[:, None]) / root, -1, 1)
        area = e.width * e.height * (u * np.sqrt(1 - u**2) + np.arcsin(u))
        found += e.value * np.diff(area, axis=1) / width
    return found


def _check_size(size: int) -> None:
    if not 16 <= size <= 4096:
        raise InputError(f"size is {size}; wanted 16 to 4096")
