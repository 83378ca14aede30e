"""What every stop rule is: settings that start a state, which is shown the fit and answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.fitting.result import StopReason

__all__ = [
    "FixedSteps",
    "Look",
    "LowestLoss",
    "StopRule",
    "Stopper",
    "Verdict",
    "check_positive",
    "scaled",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a rule may look at when it is asked.

    Attributes:
        step: steps taken so far.
        losses: of the steps since the last check.
        residual: Σ known (A x̂ - y)² / Σ known of the latest iterate.
        kept_residual: the same, for the image that would be kept (the average, if there is one).
        held_out: its squared errors on the pixels held out of the fit, flat; None = none are.
    """

    step: int
    losses: tuple[float, ...]
    residual: float
    kept_residual: float
    held_out: Tensor | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a rule says.

    Attributes:
        improved: the image that would be kept now is the best so far: keep it.
        stop: stop for this reason; None = go on.
        value: the number that the rule watches, for the record.
    """

    improved: bool = False
    stop: StopReason | None = None
    value: float | None = None


class Stopper:
    """The state of a rule during one fit. This one never stops: the steps run out."""

    def observe(self, estimate: Tensor) -> None:
        """Take note of one iterate, on the device; called at every step."""

    def check(self, look: Look) -> Verdict:
        """Return the verdict; called every few steps."""
        return Verdict()

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of everything that a later `check` depends on."""
        return {
            name: value.clone() if isinstance(value, Tensor) else _copied(value)
            for name, value in vars(self).items()
            if name != "rule"
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        for name, value in state.items():
            setattr(self, name, value.clone() if isinstance(value, Tensor) else _copied(value))


def _copied(value: Any) -> Any:
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value.clone() if isinstance(value, Tensor) else value


class StopRule(Protocol):
    """Settings of a rule."""

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state for a fit of at most `max_steps`; `sigma` in the unit range."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedSteps:
    """Take all steps, keep the last image: the published practice of tuned step counts."""

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return a stopper that never stops early."""
        return Stopper()


@dataclass(frozen=True, kw_only=True, slots=True)
class LowestLoss:
    """Take all steps, keep the image of the lowest loss (Heckel & Hand, arXiv 1810.03982).

    Attributes:
        min_gain: how far below the last kept image's a loss must be to be lower, relative to it
            (ConvDecoder's code: .005).
    """

    min_gain: float = 0.0

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return a stopper that tracks the lowest loss."""
        return _LowestLoss(self)


class _LowestLoss(Stopper):
    def __init__(self, rule: LowestLoss) -> None:
        self.rule = rule
        self.lowest = math.inf

    def check(self, look: Look) -> Verdict:
        loss = look.losses[-1]
        improved = loss * (1 + self.rule.min_gain) < self.lowest
        self.lowest = loss if improved else self.lowest
        return Verdict(improved=improved, value=loss)


def scaled(rule: Any, max_steps: int, *names: str) -> Any:
    """Return the settings of a rule for a fit shorter than `scale_to`: these numbers shrink."""
    if not rule.scale_to or max_steps >= rule.scale_to:
        return rule
    ratio = max_steps / rule.scale_to
    return replace(rule, **{n: max(2, round(getattr(rule, n) * ratio)) for n in names})


def check_positive(name: str, value: int, least: int) -> None:
    """Refuse a number that is too small. Raises InputError."""
    if value < least:
        raise InputError(f"{name} is {value}; wanted a whole number from {least} up")
