"""Whether a fit has gone wrong: at a look, and in the end."""

from __future__ import annotations

import math

import torch

from untrained.fitting.state import FitState
from untrained.objectives import Problem

__all__ = ["full_scale", "has_diverged", "has_learned_nothing"]

# The published code rolls back when PSNR to the observation falls by 5 dB between looks.
_DIVERGED = 10 ** (5 / 10)
# Mean squared residuals, in parts of full scale squared. Below the first a rise harms nobody: of a
# picture without noise the residual goes to 0, and no two steps are alike. Above the second, and
# well above that of a flat picture, nothing has been learned.
_SMALL, _LARGE = 1e-4, 1e-2
_FAR_WORSE, _AS_BAD, _MOSTLY_PICTURE = 1.5, 0.95, 4.0
_FEW_STEPS, _TOO_FEW = 50, 10


def has_diverged(
    losses: list[float], residuals: list[float], before: float | None, scale: float
) -> bool:
    """Whether the last steps brought no numbers, or a residual 5 dB above the one before."""
    if not all(math.isfinite(value) for value in (*losses, *residuals)):
        return True
    return before is not None and residuals[-1] > max(_SMALL * scale, _DIVERGED * before)


def full_scale(problem: Problem) -> float:
    """Return the square of full scale: a picture's white, else the mean square of y."""
    return problem.peak**2 if problem.clip else float(problem.observed.square().mean())


def has_learned_nothing(now: FitState, problem: Problem, scale: float) -> bool:
    """Whether the kept image explains y no better than a flat picture would (too large a lr).

    A fit of a few steps may be no better yet, but it is better than when it began; of
    fewer than ten nothing can be said.
    """
    if now.step < _TOO_FEW or not now.best_step or len(now.history.psnr_observed) < now.best_step:
        return False
    began, kept = (
        problem.peak**2 * 10 ** (-now.history.psnr_observed[step] / 10)
        for step in (0, now.best_step - 1)
    )
    y, known = problem.observed, problem.known
    weight = torch.ones_like(y) if known is None else known.expand_as(y)
    total = weight.sum((2, 3), keepdim=True).clamp_min(1)
    # Other operators than those of pictures make 0 of a flat image that is 0, and of no other.
    flat = (y * weight).sum((2, 3), keepdim=True) / total if problem.clip else torch.zeros_like(y)
    of_flat = float(((y - flat).square() * weight).sum() / weight.sum())
    many = now.step >= _FEW_STEPS
    # Where flat is right but for the noise, no image explains more of y.
    noise = problem.noise and problem.noise.sigma
    less = _AS_BAD if many and noise and of_flat > _MOSTLY_PICTURE * noise**2 else _FAR_WORSE
    return kept > max(_LARGE * scale, less * of_flat) and (many or kept > began)
