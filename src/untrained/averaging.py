"""How iterates are combined into the image that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from untrained.errors import InputError

__all__ = ["Averaging", "ExponentialAverage", "RunningAverage"]


class Averaging(Protocol):
    """Settings of an average; `start` makes the thing that is updated."""

    def start(self) -> RunningAverage:
        """Return an empty average."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ExponentialAverage:
    """x̄ ← decay · x̄ + (1 - decay) · x̂, starting from the first x̂ (Ulyanov et al.: 0.99).

    With `warm_up`, the decay at the t-th iterate is at most t / (t + 9): the first iterates, which
    show little, are forgotten at once.
    """

    decay: float = 0.99
    warm_up: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise InputError(f"decay is {self.decay}; wanted 0 up to but not including 1")

    def start(self) -> RunningAverage:
        """Return an empty average."""
        return RunningAverage(self)


class RunningAverage:
    """The state of an exponential average; lives on the device of the iterates, in float32."""

    def __init__(self, settings: ExponentialAverage) -> None:
        self.settings = settings
        self.count = 0
        self.value: Tensor | None = None

    def update(self, estimate: Tensor) -> None:
        """Take in one iterate (b, c, h, w)."""
        if self.value is None:
            self.value = estimate.detach().float().clone()
        else:
            decay = self.settings.decay
            if self.settings.warm_up:
                decay = min(decay, self.count / (self.count + 9))
            self.value.lerp_(estimate.detach().float(), 1 - decay)
        self.count += 1

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the state."""
        value = None if self.value is None else self.value.clone()
        return {"count": self.count, "value": value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.count = state["count"]
        value = state["value"]
        self.value = None if value is None else value.clone()
