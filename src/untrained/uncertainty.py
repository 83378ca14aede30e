"""How far an estimate may be off, pixel by pixel, and what such a claim is worth."""

from __future__ import annotations

from torch import Tensor

from untrained.objectives import Problem

__all__ = ["Z90", "calibration", "coverage"]

Z90 = 1.645
"""Half the width of a Gaussian's central 90 % in standard deviations."""


def calibration(mean: Tensor, spread: Tensor, problem: Problem) -> float | None:
    """Return k, so that k · spread is as large as the error is, judged by held-out noisy pixels.

    k² = (⟨(y - x̄)²⟩ - ⟨σ²⟩) / ⟨s²⟩ over the held-out pixels, whose noise the fit has not seen: the
    residual there is the error plus the noise, so that its power less σ² is the error's, and no
    clean image is needed. The noise is usually much stronger than the error, so σ must be known
    well: 5 % too little or too much can double or halve k.

    Args:
        mean, spread: x̄ and s, (1, c, h, w).
        problem: with held-out pixels and a noise level.

    Returns:
        k; None without held-out pixels or noise level, or where σ² is all of the residual.
    """
    if problem.held_out is None or problem.noise is None:
        return None
    chosen = problem.held_out.bool().expand_as(mean)
    residual = (problem.observed - mean)[chosen].square().mean()
    noise = problem.noise.at(mean)[chosen].square().mean()
    power = spread[chosen].square().mean()
    if not (residual > noise and power > 0):
        return None
    return float(((residual - noise) / power).sqrt())


def coverage(truth: Tensor, mean: Tensor, spread: Tensor, *, half_width: float = Z90) -> float:
    """Return the fraction of pixels with |truth - mean| <= half_width · spread; for scoring."""
    return float(((truth - mean).abs() <= half_width * spread).float().mean())
