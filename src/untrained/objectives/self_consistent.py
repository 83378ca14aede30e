"""Autoencoding sequential DIP: what the network makes of z becomes the next z."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.problem import Problem
from untrained.objectives.starts import back_projected

__all__ = ["SelfConsistent", "SelfConsistentObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfConsistent:
    """(‖A f_θ(z) - y‖² + λ ‖f_θ(z) - z‖²) / n, over θ; z ← f_θ(z) after every `inner_steps` steps.

    z starts at A*y; n is the number of the image's values. The weights go on from one z to the
    next. The second term makes f_θ an autoencoder of its last image, which holds back the noise
    that a Deep Image Prior takes up after many steps. Alkhouri, Liang, Bell, Qu, Wang &
    Ravishankar, "Image reconstruction via autoencoding sequential deep image prior", NeurIPS 2024
    (aSeqDIP). The scale of y should bring the image to about 1 (`Given.scale`).

    Attributes:
        weight: λ.
        inner_steps: steps with the same z.
    """

    weight: float = 1.0
    inner_steps: int = 2

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise InputError(f"weight is {self.weight}; wanted 0 or more")
        if self.inner_steps < 1:
            raise InputError(f"inner_steps is {self.inner_steps}; wanted 1 or more")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> SelfConsistentObjective:
        """Return the objective.

        Raises:
            InputError: a network with its own input size.
        """
        problem.check_image_to_image("self-consistency", input_size)
        return SelfConsistentObjective(problem, self, seed=seed, members=members)


class SelfConsistentObjective(Objective):
    """The state of a `SelfConsistent` on one problem."""

    z: Tensor
    draws_code = False

    def __init__(
        self, problem: Problem, settings: SelfConsistent, *, seed: int, members: int = 1
    ) -> None:
        self.problem = problem
        self.settings = settings
        self.generator = Generator(problem.observed.device).manual_seed(seed + 1)
        self.z = back_projected(problem).repeat(members, 1, 1, 1)
        self.step = 0
        self.weight = problem.fitted

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the iterate at z, which is the last one's image at the start of a stage."""
        s = self.settings
        if self.step and self.step % s.inner_steps == 0:
            with torch.no_grad():
                self.z = network(self.z)
        self.step += 1
        estimate = network(self.z)
        measured = self.problem.operator(estimate)
        residual = (measured - self.problem.observed).square()
        residual = residual if self.weight is None else residual * self.weight
        unlike = (estimate - self.z).square().sum()
        loss = (residual.sum() + s.weight * unlike) / estimate.numel()
        mean = estimate.mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=measured.mean(0, keepdim=True), loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return f_θ(z)."""
        with torch.no_grad():
            return network(self.z).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members."""
        return spread_over_members(network(self.z), self.problem)

    def state_dict(self) -> dict[str, Any]:
        """Return the random numbers, z, and where in its stage the fit is."""
        return {**super().state_dict(), "z": self.z.clone(), "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.z, self.step = state["z"].clone(), state["step"]
