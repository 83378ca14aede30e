"""How the weights descend: the optimizer and its step size over the fit."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from untrained.errors import InputError

__all__ = ["Adam", "Constant", "Cosine", "Halving", "OptimizerSettings", "StepSize"]


class StepSize(Protocol):
    """Settings of a step-size schedule."""

    def factor(self, step: int, max_steps: int) -> float:
        """Return the factor on the base step size after `step` of `max_steps` steps."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    """The base step size throughout."""

    def factor(self, step: int, max_steps: int) -> float:
        """Return 1."""
        return 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosine:
    """Constant up to `hold` of the steps, then down to `final` along half a cosine."""

    hold: float = 0.0
    final: float = 0.02

    def factor(self, step: int, max_steps: int) -> float:
        """Return final + (1 - final)(1 + cos πt)/2, t from 0 to 1 after the hold."""
        t = min(1.0, max(0.0, (step / max_steps - self.hold) / max(1e-9, 1 - self.hold)))
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * t)) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Halving:
    """Half the step size after every `every` steps."""

    every: int = 1000

    def factor(self, step: int, max_steps: int) -> float:
        """Return 2^-(number of full periods)."""
        return 0.5 ** (step // self.every)


class OptimizerSettings(Protocol):
    """Settings of an optimizer."""

    @property
    def step_size(self) -> StepSize:
        """The schedule of the step size."""
        ...

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimizer over these parameters."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Adam:
    """Adam (Kingma & Ba, arXiv 1412.6980), its update fused into one kernel."""

    lr: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0
    step_size: StepSize = Constant()

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise InputError(f"lr is {self.lr}; wanted a number above 0")

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimizer over these parameters."""
        return torch.optim.Adam(
            parameters,
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            weight_decay=self.weight_decay,
            fused=True,
        )
