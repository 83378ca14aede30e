"""How iterates are combined into the image that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from untrained.errors import InputError

__all__ = ["Averaging", "ExponentialAverage", "RunningAverage", "RunningSamples", "SampleAverage"]


class Averaging(Protocol):
    """Settings of an average; `start` makes the thing that is updated."""

    def start(self) -> RunningAverage:
        """Return an empty average."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ExponentialAverage:
    """x̄ ← decay · x̄ + (1 - decay) · x̂, starting from the first x̂ (Ulyanov et al.: 0.99).

    Attributes:
        decay: weight of the average so far.
        warm_up: let the decay at the t-th iterate be at most t / (t + 9): the first iterates,
            which show little, are forgotten at once.
    """

    decay: float = 0.99
    warm_up: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise InputError(f"decay is {self.decay}; wanted 0 up to but not including 1")

    def start(self) -> RunningAverage:
        """Return an empty average."""
        return RunningAverage(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleAverage:
    """Posterior mean and spread: the mean and standard deviation of thinned iterates.

    x̄ = (1/S) Σ x̂_s, s_i² = (1/(S-1)) Σ (x̂_si - x̄_i)², over the iterates after `burn_in` steps,
    one in `every`: the samples of stochastic gradient Langevin dynamics (Cheng et al., "A Bayesian
    Perspective on the Deep Image Prior", CVPR 2019: burn-in 7000, every 50). Before the first
    sample, the latest iterate stands for the mean.

    Attributes:
        burn_in: steps before samples are taken.
        every: steps between two samples, which are alike if they are close.
        held_out: share of the known pixels kept from the fit, on which the spread is calibrated
            (`uncertainty.calibrated`); 0 = none, the spread stands as it is.
    """

    burn_in: int = 7000
    every: int = 50
    held_out: float = 0.0

    def __post_init__(self) -> None:
        if self.burn_in < 0 or self.every < 1:
            raise InputError(
                f"burn_in is {self.burn_in} and every is {self.every}; "
                "wanted at least 0 and at least 1"
            )
        if not 0 <= self.held_out < 1:
            raise InputError(f"held_out is {self.held_out}; wanted 0 up to but not including 1")

    def start(self) -> RunningSamples:
        """Return an empty average."""
        return RunningSamples(self)


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

    def extras(self) -> dict[str, Tensor]:
        """Return what else is known of the iterates, by a short name, each (1, c, h, w)."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the state."""
        value = None if self.value is None else self.value.clone()
        return {"count": self.count, "value": value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.count = state["count"]
        value = state["value"]
        self.value = None if value is None else value.clone()


class RunningSamples(RunningAverage):
    """The state of a `SampleAverage`: Welford's running mean and sum of squared deviations."""

    def __init__(self, settings: SampleAverage) -> None:
        self.sampling = settings
        self.count = 0
        self.samples = 0
        self.value: Tensor | None = None
        self.squares: Tensor | None = None

    def update(self, estimate: Tensor) -> None:
        """Take in one iterate (b, c, h, w); a sample if it is one's turn."""
        self.count += 1
        late = self.count - self.sampling.burn_in
        x = estimate.detach().float()
        if late <= 0 or (self.samples == 0 and late % self.sampling.every):
            self.value = x.clone()
        elif late % self.sampling.every == 0:
            if self.samples == 0 or self.value is None or self.squares is None:
                self.value, self.squares = x.clone(), torch.zeros_like(x)
            self.samples += 1
            change = x - self.value
            self.value = self.value + change / self.samples
            self.squares = self.squares + change * (x - self.value)

    def extras(self) -> dict[str, Tensor]:
        """Return the spread, the standard deviation of the samples, from two samples up."""
        if self.samples < 2 or self.squares is None:
            return {}
        return {"spread": (self.squares / (self.samples - 1)).sqrt()}

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the state."""
        squares = None if self.squares is None else self.squares.clone()
        return {**super().state_dict(), "samples": self.samples, "squares": squares}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.samples = state["samples"]
        squares = state["squares"]
        self.squares = None if squares is None else squares.clone()
