"""Stop where the residual is as strong as the noise."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator

from untrained.errors import InputError
from untrained.fitting.result import StopReason
from untrained.fitting.stopping.base import Look, Stopper, Verdict

__all__ = ["Discrepancy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Discrepancy:
    """Morozov's principle: stop when the residual (1/n) ‖A x̂ - y‖² reaches tau · σ².

    Attributes:
        tau: how much of the noise must be left in the residual.
        sigma: noise level in the unit range; None = the problem's, known or estimated.
    """

    tau: float = 1.0
    sigma: float | None = None

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state. Raises InputError if no noise level is known."""
        level = self.sigma if self.sigma is not None else sigma
        if level is None:
            raise InputError("the discrepancy rule needs a noise level; give sigma")
        return _Discrepancy(self.tau * level**2)


class _Discrepancy(Stopper):
    def __init__(self, target: float) -> None:
        self.target = target

    def check(self, look: Look) -> Verdict:
        reached = look.kept_residual <= self.target
        return Verdict(
            improved=reached,
            stop=StopReason.DISCREPANCY if reached else None,
            value=look.kept_residual,
        )
