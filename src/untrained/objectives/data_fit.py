"""The Deep Image Prior: a network's image, measured, against the observation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks import CodeSettings, Noise
from untrained.objectives.base import Iterate, RunNetwork, spread_over_members
from untrained.objectives.jittered import JitteredObjective
from untrained.objectives.losses import DataTerm, Gaussian, TotalVariation
from untrained.objectives.offsets import Offsets
from untrained.objectives.problem import Problem

__all__ = ["DataFit", "DataFitObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFit:
    """The Deep Image Prior: E(A f_θ(z + jitter); y) + R(f_θ(z + jitter)).

    Ulyanov et al., "Deep Image Prior", arXiv 1711.10925, equation 2.

    Attributes:
        z: the network's input code.
        jitter: standard deviation of the Gaussian noise added to z, another at every step.
        data_term: E.
        total_variation: R; None = the network is the only prior.
        fit_z: whether z is fitted together with the weights.
        offsets: what each column of y (detector pixel) adds to all rows is fitted too; None = not.
    """

    z: CodeSettings = field(default_factory=Noise)
    jitter: float = 0.0
    data_term: DataTerm = field(default_factory=Gaussian)
    total_variation: TotalVariation | None = None
    fit_z: bool = False
    offsets: Offsets | None = None

    def __post_init__(self) -> None:
        if self.jitter < 0:
            raise InputError(f"jitter is {self.jitter}; wanted 0 or more")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of z; a guide is taken to have those of the image."""
        return self.z.channels or image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> DataFitObjective:
        """Return the objective with its z drawn, one for each member."""
        return DataFitObjective(problem, self, input_size, seed=seed, members=members)


class DataFitObjective(JitteredObjective):
    """The state of a `DataFit` on one problem."""

    z: Tensor

    def __init__(
        self, problem: Problem, settings: DataFit, input_size: tuple[int, int], *,
        seed: int, members: int = 1,
    ) -> None:  # fmt: skip
        device = problem.observed.device
        self.offsets = None if settings.offsets is None else settings.offsets.build(problem)
        self.problem = problem if self.offsets is None else self.offsets.problem
        self.settings = settings
        self.generator = Generator(device).manual_seed(seed + 1)
        draw = Generator().manual_seed(seed)
        codes = [
            settings.z.build(*input_size, generator=draw, guide=problem.guide)
            for _ in range(members)
        ]
        z = torch.cat(codes).to(device)
        self.take_code(nn.Parameter(z) if settings.fit_z else z, std=settings.jitter)
        self.weight = problem.fitted
        bound = getattr(settings.data_term, "for_operator", None)
        self.data_term = settings.data_term if bound is None else bound(problem.operator)

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the iterate at a freshly jittered z."""
        s = self.settings
        estimate = self._image(network, self.jittered())
        measured = self.problem.operator(estimate)
        loss = self.data_term(measured, self.problem.observed, self.weight)
        if s.total_variation is not None:
            loss = loss + s.total_variation(estimate)
        mean = Iterate(
            estimate=estimate.mean(0, keepdim=True),
            measured=measured.mean(0, keepdim=True),
            loss=loss,
        )
        if self.offsets is not None:
            self.offsets.update(mean.measured)
        return mean

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return f_θ(z), cropped to the image."""
        with torch.no_grad():
            return self._image(network, self.z).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members, and the offsets if they are fitted."""
        found = {} if self.offsets is None else {"offsets": self.offsets.values}
        return found | spread_over_members(self._image(network, self.z), self.problem)

    def parameters(self) -> list[nn.Parameter]:
        """Return z, if it is fitted."""
        return [self.z] if isinstance(self.z, nn.Parameter) else []

    def _image(self, network: RunNetwork, z: Tensor) -> Tensor:
        height, width = self.problem.image_shape[-2:]
        return network(z)[..., :height, :width]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers, and z if it is fitted."""
        return {
            **super().state_dict(),
            "z": self.z.detach().clone() if self.settings.fit_z else None,
            "offsets": None if self.offsets is None else self.offsets.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        if self.settings.fit_z:
            with torch.no_grad():
                self.z.copy_(state["z"])
        if self.offsets is not None:
            self.offsets.load_state_dict(state["offsets"])
