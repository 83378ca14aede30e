"""Super-resolution from one small picture: details look alike at all scales."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.averaging import ExponentialAverage
from untrained.errors import InputError
from untrained.objectives.base import Iterate, Objective, RunNetwork
from untrained.objectives.problem import Problem
from untrained.objectives.turns import turned, turned_back
from untrained.operators import Resample

__all__ = ["ScaleEquivariant", "ScaleEquivariantObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaleEquivariant:
    """‖A x̂ - y‖² + w ‖f_θ(↑A x') - x'‖², x̂ = f_θ(↑y), x' = x̂ shrunk by a random factor.

    ↑ enlarges by bicubic interpolation; the network maps an enlarged picture to a sharp one. The
    first term leaves open what A cannot see. The second fills it in: the present estimate, made a
    little smaller, is a sharp picture whose blurred version A gives, so the network has an example
    of what it must do. The average of the estimates stands for x̂ there, without gradient.
    (Scanvic, Davies, Abry & Tachella, "Scale-equivariant imaging", arXiv 2312.11232; Shocher,
    Cohen & Irani, "Zero-shot super-resolution", CVPR 2018, makes its pairs from y alone.)

    Attributes:
        weight: w.
        shrink: the smallest factor that an estimate is shrunk by; the largest is 1.
    """

    weight: float = 1.0
    shrink: float = 0.5

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            raise InputError(f"weight is {self.weight}; wanted 0 or more")
        if not 0 < self.shrink <= 1:
            raise InputError(f"shrink is {self.shrink}; wanted more than 0, at most 1")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> ScaleEquivariantObjective:
        """Return the objective.

        Raises:
            InputError: an operator that does not downsample, or held-out pixels.
        """
        problem.check_all_shown("the scale-equivariant objective")
        if not isinstance(problem.operator, Resample):
            raise InputError(
                "the scale-equivariant objective is for upscaling; "
                f"the operator is {type(problem.operator).__name__}"
            )
        return ScaleEquivariantObjective(problem, self, seed=seed, members=members)


class ScaleEquivariantObjective(Objective):
    """The state of a `ScaleEquivariant` on one problem."""

    def __init__(
        self, problem: Problem, settings: ScaleEquivariant, *, seed: int, members: int = 1
    ) -> None:
        assert isinstance(problem.operator, Resample)
        self.problem = problem
        self.settings = settings
        self.operator = problem.operator
        self.generator = Generator(problem.observed.device).manual_seed(seed + 1)
        self.random = Generator().manual_seed(seed + 2)  # sizes and turns, read by the loop
        self.turn = 0
        self.average = ExponentialAverage(decay=0.98, warm_up=True).start()
        enlarged = self._enlarge(problem.observed, problem.image_shape[-2:])
        self.enlarged = enlarged.expand(members, -1, -1, -1)

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the present estimate and the loss on it and on a smaller picture."""
        problem, s = self.problem, self.settings
        estimate = turned_back(network(turned(self.enlarged, self.turn)), self.turn)
        self.turn = (self.turn + 1) % 8
        measured = self.operator(estimate)
        loss = self.residual(measured, problem.fitted)
        self.average.update(estimate)
        if s.weight:
            smaller = self._smaller()
            blurred = self._enlarge(self.operator(smaller), smaller.shape[-2:])
            loss = loss + s.weight * (network(blurred) - smaller).square().mean()
        mean = estimate.mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=measured.mean(0, keepdim=True), loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the network's picture, the mean over the eight sides."""
        with torch.no_grad():
            sides = [turned_back(network(turned(self.enlarged, t)), t) for t in range(8)]
        return torch.cat(sides).mean(0, keepdim=True)

    def _smaller(self) -> Tensor:
        """Return the average, shrunk and turned at random."""
        s, factor = self.settings, self.operator.factor
        assert self.average.value is not None
        image = self.average.value.clamp(0, 1)
        scale = s.shrink + (1 - s.shrink) * float(torch.rand((), generator=self.random))
        size = [min(n, max(8 * factor, int(n * scale))) for n in image.shape[-2:]]
        size = [max(1, n // factor) * factor for n in size]
        image = F.interpolate(
            image, size=size, mode="bicubic", antialias=True, align_corners=False
        ).clamp(0, 1)
        return turned(image, int(torch.randint(8, (), generator=self.random)))

    def _enlarge(self, small: Tensor, size: Any) -> Tensor:
        height, width = size
        return F.interpolate(
            small, scale_factor=float(self.operator.factor), mode="bicubic", align_corners=False
        )[..., :height, :width]

    def state_dict(self) -> dict[str, Any]:
        """Return the random numbers, the next turn and the average."""
        return {
            **super().state_dict(),
            "random": self.random.get_state(),
            "turn": self.turn,
            "average": self.average.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.random.set_state(state["random"])
        self.turn = state["turn"]
        self.average.load_state_dict(state["average"])
