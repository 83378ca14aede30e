"""What each pixel of a detector adds to every view: the rings of computed tomography."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError
from untrained.objectives.problem import Problem

__all__ = ["FittedOffsets", "Offsets"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Offsets:
    """y = A x + b + noise, b[k] the same in every row (view) of y, fitted with the image.

    The gain of a detector pixel that the flat field misses is an offset of the logarithm, and a
    ring of the image. Given x, b is the mean over the fitted views of y - A x, made smaller by
    what the noise of that mean is worth (the empirical best linear predictor for independent
    offsets): b = r̄ τ² / (τ² + σ²/V), τ² + σ²/V the variance of r̄ over k, σ² that of the residuals
    of one pixel over the V views. The mean over neighbours is taken off r̄: what is smooth along the
    detector could be the image's as well, while neighbouring pixels' gains differ. One step takes a
    part of the way, so that b follows the image.

    Attributes:
        neighbours: b has about no mean over so many pixels of the detector; an odd number.
        rate: which part of the way.
        after: steps before the first; an image that shows little yet leaves rings of its own.
    """

    neighbours: int = 15
    rate: float = 0.1
    after: int = 20

    def __post_init__(self) -> None:
        if self.neighbours < 3 or self.neighbours % 2 == 0:
            raise InputError(f"neighbours is {self.neighbours}; wanted an odd number from 3 up")
        if not 0 < self.rate <= 1:
            raise InputError(f"rate is {self.rate}; wanted more than 0, at most 1")
        if self.after < 0:
            raise InputError(f"after is {self.after}; wanted 0 or more")

    def build(self, problem: Problem) -> FittedOffsets:
        """Return the offsets of one fit, 0 at first."""
        return FittedOffsets(problem, self)


class FittedOffsets:
    """The state of `Offsets` on one problem.

    Attributes:
        problem: the one given with y - b in place of y; the objective goes by it.
        values: b, (1, c, 1, w).
    """

    def __init__(self, problem: Problem, settings: Offsets) -> None:
        self.settings = settings
        self.y = problem.observed
        self.problem = replace(problem, observed=problem.observed.clone())
        fitted = problem.fitted
        self.weight = torch.ones_like(self.y[:, :1]) if fitted is None else fitted
        self.count = self.weight.sum(2, keepdim=True)
        self.values = torch.zeros_like(self.y[:, :, :1])
        self.step = 0

    def update(self, measured: Tensor) -> None:
        """Move b towards that of an image whose A x is `measured`, (1, c, h, w)."""
        self.step += 1
        if self.step > self.settings.after:
            self.values.lerp_(self._best(self.y - measured.detach()), self.settings.rate)
            torch.sub(self.y, self.values, out=self.problem.observed)

    def _best(self, residual: Tensor) -> Tensor:
        """Return b for the residual y - A x."""
        there = self.count > 1
        count = self.count.clamp_min(1)
        mean = (self.weight * residual).sum(2, keepdim=True) / count
        mean = there * (mean - self._local(mean, there.to(mean.dtype)))
        deviations = self.weight * (residual - mean)
        noise = deviations.square().sum(2, keepdim=True) / (count - 1).clamp_min(1)
        noise = (there * noise / count).sum() / there.sum().clamp_min(1)  # that of one mean
        power = (there * mean.square()).sum() / there.sum().clamp_min(1)
        share = (1 - noise / power.clamp_min(torch.finfo(power.dtype).tiny)).clamp_min(0)
        values: Tensor = there * share * mean
        return values

    def _local(self, values: Tensor, there: Tensor) -> Tensor:
        """Return the means over neighbouring detector pixels, of those that are known."""
        width = self.settings.neighbours
        kernel = values.new_ones(1, 1, 1, width)
        many = F.conv2d(there, kernel, padding=(0, width // 2))
        total = F.conv2d((values * there).flatten(0, 1)[:, None], kernel, padding=(0, width // 2))
        local: Tensor = total.view_as(values) / many.clamp_min(1)
        return local

    def state_dict(self) -> dict[str, Any]:
        """Return b and the steps so far."""
        return {"values": self.values.clone(), "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.values.copy_(state["values"])
        self.step = state["step"]
        torch.sub(self.y, self.values, out=self.problem.observed)
