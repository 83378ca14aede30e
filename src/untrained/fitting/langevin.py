"""Langevin dynamics on the weights: the iterates sample the posterior, not only its mode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, nn

from untrained.errors import InputError
from untrained.fitting.optimizers import Constant, StepSize

__all__ = ["Langevin"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Langevin:
    """Adam, then θ ← θ + noise · lr · n with n ~ N(0, 1), on every kernel after every step.

    Stochastic gradient Langevin dynamics as Cheng et al. run it ("A Bayesian Perspective on the
    Deep Image Prior", CVPR 2019): weight decay for the Gaussian prior of the weights, Adam's step
    for the gradient, and noise that keeps the weights from settling. Adam's step is not the plain
    gradient and the noise does not follow its size, so the iterates sample the posterior only
    roughly; what their spread is worth has to be measured. Biases and norms get no noise.

    Attributes:
        lr: Adam's step size.
        noise: standard deviation of the noise in units of lr; the authors' code has 2.
        weight_decay: λ of λ ‖θ‖²/2.
    """

    lr: float = 0.01
    noise: float = 2.0
    weight_decay: float = 5e-8
    step_size: StepSize = field(default_factory=Constant)

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise InputError(f"lr is {self.lr}; wanted a number above 0")
        if not self.noise >= 0:
            raise InputError(f"noise is {self.noise}; wanted 0 or more")

    def build(self, parameters: Iterable[nn.Parameter], *, seed: int = 0) -> torch.optim.Optimizer:
        """Return the optimizer over these parameters; `seed` of the noise."""
        return _Langevin(parameters, self, seed=seed)


class _Langevin(torch.optim.Adam):
    """Adam that shakes the kernels; the state of its random numbers is a part of its state."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], settings: Langevin, *, seed: int
    ) -> None:
        super().__init__(parameters, lr=settings.lr, weight_decay=settings.weight_decay, fused=True)
        self.noise = settings.noise
        device = self.param_groups[0]["params"][0].device
        self.generator = Generator(device).manual_seed(seed)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take one step."""
        loss = super().step(closure)
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and p.ndim == 4:
                    n = torch.empty_like(p).normal_(generator=self.generator)
                    p.add_(n, alpha=self.noise * group["lr"])
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return Adam's state and that of the random numbers."""
        return {**super().state_dict(), "generator": self.generator.get_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state."""
        state = dict(state_dict)
        self.generator.set_state(state.pop("generator"))
        super().load_state_dict(state)
