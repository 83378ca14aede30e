"""Stop where measurements that the fit never sees are predicted best."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Generator

from untrained.errors import InputError
from untrained.fitting.result import StopReason
from untrained.fitting.stopping.base import Look, Stopper, Verdict, check_positive, scaled

__all__ = ["HeldOut"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """Stop when the error on pixels that the fit never sees has not fallen for `patience` steps.

    The held-out residual of the kept image estimates its true error plus the noise power, without
    bias for independent noise. (Cross-validation as in Yaman et al., arXiv 2102.07737.)

    A few pixels that nothing predicts (a scan's border, a speck) can outweigh all others among so
    few. `trim` leaves out the largest errors, which costs nothing where the noise has no tails.

    Attributes:
        fraction: of the known pixels that are held out.
        trim: the share of the held-out pixels, those with the largest errors, that do not count.
        patience: in steps.
        min_gain: relative fall of the residual that counts as one.
        scale_to: as for WindowedVariance.
    """

    fraction: float = 0.02
    trim: float = 0.0
    patience: int = 300
    min_gain: float = 0.0
    scale_to: int = 0

    def __post_init__(self) -> None:
        check_positive("patience", self.patience, 1)
        if not 0 < self.fraction < 1:
            raise InputError(f"fraction is {self.fraction}; wanted a number between 0 and 1")
        if not 0 <= self.trim < 1:
            raise InputError(f"trim is {self.trim}; wanted 0 up to but not including 1")

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state."""
        return _HeldOut(scaled(self, max_steps, "patience"))


class _HeldOut(Stopper):
    def __init__(self, rule: HeldOut) -> None:
        self.rule = rule
        self.lowest = math.inf
        self.reference = math.inf
        self.reference_step = 0

    def check(self, look: Look) -> Verdict:
        if look.held_out is None:
            raise InputError("the held-out rule needs held-out pixels; set Problem.held_out")
        count = max(1, round((1 - self.rule.trim) * look.held_out.numel()))
        value = float(look.held_out.sort().values[:count].mean())
        improved = value < self.lowest
        self.lowest = min(value, self.lowest)
        if value < self.reference * (1 - self.rule.min_gain):
            self.reference, self.reference_step = value, look.step
        waited = look.step - self.reference_step
        stop = StopReason.HELD_OUT if waited >= self.rule.patience else None
        return Verdict(improved=improved, stop=stop, value=value)
