"""How iterates are combined into the image that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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
    """x̄ ← decay · x̄ + (1 - decay) · x̂, starting from the first x̂ (Ulyanov et al.: 0.99)."""

    decay: float = 0.99

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise InputError(f"decay is {self.decay}; wanted 0 up to but not including 1")

    def start(self) -> RunningAverage:
        """Return an empty average."""
        return RunningAverage(self.decay)


class RunningAverage:
    """The state of an exponential average; lives on the device of the iterates, in float32."""

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.value: Tensor | None = None

    def update(self, estimate: Tensor) -> None:
        """Take in one iterate (b, c, h, w)."""
        if self.value is None:
            self.value = estimate.detach().float().clone()
        else:
            self.value.lerp_(estimate.detach().float(), 1 - self.decay)

    def state_dict(self) -> dict[str, Tensor | None]:
        """Return a copy of the state."""
        return {"value": None if self.value is None else self.value.clone()}

    def load_state_dict(self, state: dict[str, Tensor | None]) -> None:
        """Take over a state."""
        value = state["value"]
        self.value = None if value is None else value.clone()
