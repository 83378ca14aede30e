"""Self-guided DIP: z is fitted with the weights, and becomes a picture that guides them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.noise import NoisePool
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.problem import Problem
from untrained.objectives.starts import back_projected

__all__ = ["SelfGuided", "SelfGuidedObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfGuided:
    """‖A x̂ - y‖² + α ‖x̂ - z‖², means of squares, x̂ = mean over η of f_θ(z + η); over θ and z.

    The second term makes f_θ a denoiser of z, and z the picture that it denoises: no reference
    picture is needed. η is drawn anew at every step, as strong as half of the largest |z|. z starts
    at Aᵀy, or at y enlarged to the image's size, with y zero where it does not enter the fit.
    Liang, Bell, Qu, Wang & Ravishankar, "Analysis of deep image prior and exploiting self-guidance
    for image reconstruction", arXiv 2402.04097.

    Attributes:
        alpha: α, the weight of the guidance.
        eta: standard deviation of η, in units of the largest |z|.
        num_noises: how many η a step averages over.
    """

    alpha: float = 1.0
    eta: float = 0.5
    num_noises: int = 2

    def __post_init__(self) -> None:
        if not (self.alpha >= 0 and self.eta >= 0):
            raise InputError(f"alpha is {self.alpha} and eta {self.eta}; wanted 0 or more of both")
        if self.num_noises < 1:
            raise InputError(f"num_noises is {self.num_noises}; wanted 1 or more")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> SelfGuidedObjective:
        """Return the objective.

        Raises:
            InputError: a network with its own input size.
        """
        problem.check_image_to_image("self-guidance", input_size)
        return SelfGuidedObjective(problem, self, seed=seed, members=members)


class SelfGuidedObjective(Objective):
    """The state of a `SelfGuided` on one problem."""

    z: nn.Parameter

    def __init__(
        self, problem: Problem, settings: SelfGuided, *, seed: int, members: int = 1
    ) -> None:
        self.problem = problem
        self.settings = settings
        self.generator = Generator(problem.observed.device).manual_seed(seed + 1)
        self.z = nn.Parameter(back_projected(problem).repeat(members, 1, 1, 1))
        self.pool = NoisePool((members, *problem.image_shape[1:]), generator=self.generator)
        self.weight = problem.fitted

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the mean image over freshly drawn η and the loss."""
        s = self.settings
        strength = s.eta * self.z.detach().abs().amax()
        images = [network(self.z + strength * self.pool.draw()) for _ in range(s.num_noises)]
        estimate = torch.stack(images).mean(0)
        measured = self.problem.operator(estimate)
        loss = self.residual(measured, self.weight) + s.alpha * (estimate - self.z).square().mean()
        mean = estimate.mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=measured.mean(0, keepdim=True), loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return f_θ(z)."""
        with torch.no_grad():
            return network(self.z).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return z, the guide that the fit has made, and the spread over the members."""
        guide = self.z.detach().mean(0, keepdim=True)
        return {"guide": guide, **spread_over_members(network(self.z), self.problem)}

    def parameters(self) -> list[nn.Parameter]:
        """Return z."""
        return [self.z]

    def state_dict(self) -> dict[str, Any]:
        """Return the random numbers and z."""
        return {
            **super().state_dict(),
            "pool": self.pool.state_dict(),
            "z": self.z.detach().clone(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.pool.load_state_dict(state["pool"])
        with torch.no_grad():
            self.z.copy_(state["z"])
