"""Stein's unbiased risk estimate: the error to the clean image, without the clean image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.noise import NoisePool
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.problem import Problem
from untrained.objectives.turns import turned, turned_back
from untrained.operators import Identity

__all__ = ["Sure", "SureObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sure:
    """mean (f_θ(y) - y)² - σ² + 2σ²/ε · b (f_θ(y + εb) - f_θ(y)), with b ~ N(0, 1) anew each step.

    Its expectation is the mean squared error of f_θ(y) for Gaussian noise of known σ: the last term
    is the divergence of the network by Monte Carlo (Ramani, Blu & Unser, IEEE TIP 2008; as an
    objective: Metzler et al., arXiv 1805.10531; Soltanayev & Chun, NeurIPS 2018). σ follows the
    brightness (`NoiseModel`), which for photon noise is the estimate of Luisier, Blu & Unser
    (IEEE TIP 2011) to first order. The operator must be the identity.

    Attributes:
        epsilon: ε, in units of σ.
        flips: show the image from its eight sides, one a step.
    """

    epsilon: float = 0.1
    flips: bool = True

    def __post_init__(self) -> None:
        if not self.epsilon > 0:
            raise InputError(f"epsilon is {self.epsilon}; wanted more than 0")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> SureObjective:
        """Return the objective.

        Raises:
            InputError: an operator that is not the identity, missing or held-out pixels, or
                unknown noise.
        """
        problem.check_all_shown("SURE")
        if not isinstance(problem.operator, Identity) or problem.known is not None:
            raise InputError("SURE is for whole noisy images; use another objective")
        if problem.noise is None:
            raise InputError("SURE needs the noise level, which is not known; give sigma")
        return SureObjective(problem, self, seed=seed, members=members)


class SureObjective(Objective):
    """The state of a `Sure` on one problem."""

    def __init__(self, problem: Problem, settings: Sure, *, seed: int, members: int = 1) -> None:
        assert problem.noise is not None
        self.problem = problem
        self.settings = settings
        self.generator = Generator(problem.observed.device).manual_seed(seed + 1)
        self.turn = 0
        self.noisy = problem.observed.expand(members, -1, -1, -1)
        self.sigma = problem.noise.around(problem.observed).clamp_min(1e-4)
        self.pool = NoisePool((members, *problem.observed.shape[1:]), generator=self.generator)

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the estimate and its unbiased risk."""
        epsilon = self.settings.epsilon
        b = self.pool.draw()
        estimate = self._side(network, self.noisy)
        moved = self._side(network, self.noisy + epsilon * self.sigma * b)
        self.turn = (self.turn + 1) % 8 if self.settings.flips else 0
        divergence = self.sigma * b * (moved - estimate) / epsilon  # σ² ∂f/∂y, in expectation
        risk = (estimate - self.noisy).square() - self.sigma.square() + 2 * divergence
        mean = estimate.mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=mean, loss=risk.mean())

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return f_θ(y)."""
        with torch.no_grad():
            return network(self.noisy).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members."""
        return spread_over_members(network(self.noisy))

    def _side(self, network: RunNetwork, image: Tensor) -> Tensor:
        return turned_back(network(turned(image, self.turn)), self.turn)

    def state_dict(self) -> dict[str, Any]:
        """Return the random numbers and the next turn."""
        return {**super().state_dict(), "pool": self.pool.state_dict(), "turn": self.turn}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.pool.load_state_dict(state["pool"])
        self.turn = state["turn"]
