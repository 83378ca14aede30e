"""How far a prediction of measurements may be off, judged by those that the fit never saw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError
from untrained.objectives import Problem

__all__ = ["Interval", "measured_interval"]

_FOLDS = 10
_REACH = 4  # places on either side over which a prediction's strength is averaged
_ENOUGH = 200_000  # values: more tell a quantile no better
_FLOORS = (*(10 ** (i / 4) for i in range(-24, 13)), math.inf)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Interval:
    """A x̂ ± half_width holds a share `level` of the measurements that were not seen, with noise.

    Attributes:
        half_width: (1, c, h, w), in the units of y.
        level: the share that is wanted.
        coverage: the share of the held-out measurements inside, each judged by a width that was
            calibrated without its own group; None where there is one group only.
        groups: how many groups were held out.
    """

    half_width: Tensor
    level: float
    coverage: float | None
    groups: int


def measured_interval(
    measured: Tensor, problem: Problem, *, spread: Tensor | None = None, level: float = 0.9
) -> Interval | None:
    """Return the interval of A x̂, calibrated on what was held out.

    The width is w = q s. s² = m² + t says how large an error is beside the others': m is the
    strength of the prediction, or of the members' spread if there is one, over 9x9 measurements,
    and the floor t, for noise, makes the held-out residuals r likeliest, of all Gaussian ones. q is
    the quantile of |r| / s over them, so that no shape of the errors is assumed: split conformal
    prediction (Vovk, Gammerman & Shafer, "Algorithmic Learning in a Random World", 2005; Lei et
    al., J. Am. Stat. Assoc. 113, 2018). That holds for measurements that might as well have been
    held out: lines outside of the middle of k-space, projections, frames; not for the middle.

    Args:
        measured: A x̂, (1, c, h, w), of an image that was made without what is held out.
        problem: with held-out measurements.
        spread: the members' standard deviation of A x̂, (1, c, h, w).
        level: the share wanted inside, above 0 and below 1.

    Returns:
        the interval; None without held-out measurements.

    Raises:
        InputError: a level out of range, a prediction of another shape than y.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}; wanted a number between 0 and 1")
    if measured.shape != problem.observed.shape:
        got, wanted = ("x".join(map(str, s)) for s in (measured.shape, problem.observed.shape))
        raise InputError(f"A x is {got}, the measurement is {wanted}; wanted one shape")
    if problem.held_out is None or not problem.held_out.any():
        return None
    strength = _local_power(measured if spread is None else spread, problem.known)
    chosen = problem.held_out[0, 0] > 0
    residual = (problem.observed - measured)[0, :, chosen].double().abs()  # (c, n)
    power = strength[0, :, chosen].double()
    names = torch.arange(int(chosen.sum())) if problem.groups is None else (
        problem.groups[0, 0][chosen].cpu()
    )  # fmt: skip
    numbers = torch.unique(names, return_inverse=True)[1].to(residual.device)
    count = int(numbers.max()) + 1
    coverage = None
    if count > 1:
        inside = 0
        for fold in range(min(count, _FOLDS)):
            tested = numbers % _FOLDS == fold
            floor, factor = _calibrated(residual[:, ~tested], power[:, ~tested], level)
            width = factor * (power[:, tested] + floor).sqrt()
            inside += int((residual[:, tested] <= width).sum())
        coverage = inside / residual.numel()
    floor, factor = _calibrated(residual, power, level)
    half_width = factor * (strength.double() + floor).sqrt()
    return Interval(
        half_width=half_width.to(measured.dtype), level=level, coverage=coverage, groups=count
    )


def _local_power(values: Tensor, known: Tensor | None) -> Tensor:
    """Return the mean square over the known ones of 9x9 measurements, (1, c, h, w)."""
    weight = torch.ones_like(values[:, :1]) if known is None else known.to(values)
    reach = [min(_REACH, (side - 1) // 2) for side in values.shape[-2:]]
    size = [2 * r + 1 for r in reach]
    total = F.avg_pool2d(values.square() * weight, size, stride=1, padding=reach)
    share = F.avg_pool2d(weight, size, stride=1, padding=reach)
    return total / share.clamp_min(1e-12)


def _calibrated(residual: Tensor, power: Tensor, level: float) -> tuple[float, float]:
    """Return t and q of |r| <= q (m² + t)^½."""
    step = max(1, residual.shape[1] * len(residual) // _ENOUGH)
    r, m2 = residual[:, ::step].flatten(), power[:, ::step].flatten()
    squares, typical = r.square(), float(m2.mean())
    best, floor = math.inf, math.inf
    for candidate in _FLOORS:
        # As t grows without end the width is one for all; beside typical it is enough.
        t = typical * min(candidate, 1e6) + 1e-30
        variance = m2 + t
        unlikely = float(variance.log().mean() + (squares / variance).mean().clamp_min(1e-30).log())
        if unlikely < best:
            best, floor = unlikely, t
    ratio = r / (m2 + floor).sqrt()
    rank = min(len(ratio), math.ceil((len(ratio) + 1) * level))
    return floor, float(ratio.kthvalue(rank).values)
