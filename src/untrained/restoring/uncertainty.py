"""How far an estimate may be off, pixel by pixel, and what such a claim is worth."""

from __future__ import annotations

from torch import Tensor

from untrained.objectives import Problem
from untrained.operators import Identity

__all__ = ["Z90", "calibrated", "coverage"]

Z90 = 1.645
"""Half the width of a Gaussian's central 90 % in standard deviations."""


def calibrated(
    mean: Tensor, spread: Tensor, problem: Problem, *, measured_spread: Tensor | None = None
) -> Tensor | None:
    """Return u, the spread made as large as the error is, judged by held-out noisy pixels.

    The samples of one fit agree on what the network cannot draw: they show the variance of the
    error and not its bias. The residual on held-out pixels, whose noise the fit has not seen, is
    error and noise, so that ⟨(y - x̄)²⟩ - ⟨σ²⟩ = e² is the error's power, and no clean image is
    needed. What of e² the spread leaves open is taken for a bias of one size everywhere:
    u² = s² + b², b² = e² - ⟨s²⟩; a spread that is too large is scaled down, u = s e / ⟨s²⟩^½.
    The noise is usually much stronger than the error, so σ must be known well: 5 % too little or
    too much can double or halve e.

    Through an operator a bias of the measurement is none of the image. What can be told there is by
    how much the members differ too little: u = s e / ⟨s_y²⟩^½, with s_y their spread of A x, and e
    the error of A x̄ on what was held out. Without a noise level σ = 0: u is then too large by the
    noise.

    Args:
        mean, spread: x̄ and s, (1, c, h, w); x̄ as fitted, nothing of y put back into it.
        problem: with held-out pixels and a noise level.
        measured_spread: s_y, (1, c, h, w) of y, which an operator needs.

    Returns:
        u; None without held-out pixels or (of a picture) noise level, or where σ² is all of the
        residual.
    """
    if problem.held_out is None:
        return None
    if not isinstance(problem.operator, Identity):
        if measured_spread is None:
            return None
        return _scaled(mean, spread, problem, measured_spread)
    if problem.noise is None:
        return None
    chosen = problem.held_out.bool().expand_as(mean)
    residual = (problem.observed - mean)[chosen].square().mean()
    noise = problem.noise.at(mean)[chosen].square().mean()
    if residual <= noise:
        return None
    error, power = residual - noise, spread[chosen].square().mean()
    if error > power:
        return (spread.square() + error - power).sqrt()
    return spread * (error / power).sqrt()


def _scaled(
    mean: Tensor, spread: Tensor, problem: Problem, measured_spread: Tensor
) -> Tensor | None:
    assert problem.held_out is not None
    measured = problem.operator(mean)
    chosen = problem.held_out.bool().expand_as(measured)
    error = (problem.observed - measured)[chosen].square().mean()
    if problem.noise is not None:
        error = error - problem.noise.at(measured)[chosen].square().mean()
    power = measured_spread[chosen].square().mean()
    if not (error > 0 and power > 0):
        return None
    return spread * (error / power).sqrt()


def coverage(truth: Tensor, mean: Tensor, spread: Tensor, *, half_width: float = Z90) -> float:
    """Return the fraction of pixels with |truth - mean| <= half_width · spread; for scoring."""
    return float(((truth - mean).abs() <= half_width * spread).float().mean())
