"""A series of frames drawn by one network, one frame a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.networks import Helix
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.losses import DataTerm, Gaussian
from untrained.objectives.problem import Problem
from untrained.operators import Compose, Frames

__all__ = ["Series", "SeriesObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Σ_t E(A_t f_θ(z_t); y_t), of which a step takes one random frame t: time-dependent DIP.

    z_t is the frame's place on a curve, so that the network draws frames alike that are near each
    other. Yoo et al., "Time-dependent deep image prior for dynamic MRI", IEEE TMI 40(12), 2021.
    Only frames of which something was measured are drawn.

    Attributes:
        code: the curve.
        num_frames: how many frames a step takes, one after the other from a random one on.
        data_term: E; the authors add the mean squares of real and imaginary parts, which is twice
            the mean over both and the same steps under Adam.
    """

    code: Helix = field(default_factory=Helix)
    num_frames: int = 1
    data_term: DataTerm = field(default_factory=Gaussian)
    in_one_piece: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise InputError(f"num_frames is {self.num_frames}; wanted 1 or more")

    def in_channels(self, image_channels: int) -> int:
        """Return the numbers of a code."""
        return 3

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> SeriesObjective:
        """Return the objective.

        Raises:
            InputError: a problem that is no series, or a network that is not fed codes.
        """
        if input_size != (1, 1):
            raise InputError("a series is drawn from codes; set network=TimeDependent")
        return SeriesObjective(problem, self, seed=seed, members=members)


class SeriesObjective(Objective):
    """The state of a `Series` on one problem.

    The frames that a step does not draw stand as they were last drawn, so that every iterate is a
    whole series.
    """

    z: Tensor
    drawn_channels: int

    def __init__(self, problem: Problem, settings: Series, *, seed: int, members: int = 1) -> None:
        device = problem.observed.device
        self.problem = problem
        self.settings = settings
        self.members = members
        self.generator = Generator().manual_seed(seed + 1)  # draws numbers of frames
        self.count = frames_of(problem)
        self.z = settings.code.build(self.count).to(device)
        self.drawn_channels = problem.image_shape[1] // self.count
        height = problem.observed.shape[-2] // self.count
        weight = problem.fitted
        self.weight = torch.ones_like(problem.observed[:, :1]) if weight is None else weight
        measured = self.weight.reshape(self.count, height * self.weight.shape[-1]).amax(1) > 0
        self.measured = measured.nonzero().flatten()
        self.rows = torch.arange(self.count, device=device).repeat_interleave(height)
        self.frames = problem.observed.new_zeros(members, *problem.image_shape[1:])

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the series with freshly drawn frames, and the loss on those."""
        first = int(torch.randint(len(self.measured), (1,), generator=self.generator))
        some = torch.arange(first, first + self.settings.num_frames) % len(self.measured)
        chosen = torch.unique(self.measured[some.to(self.measured.device)])
        series = list(torch.split(self.frames, self.drawn_channels, dim=1))
        for t in chosen.tolist():
            series[t] = self._frame(network, t)
        estimate = torch.cat(series, dim=1)
        self.frames = estimate.detach()
        measured = self.problem.operator(estimate)
        now = torch.isin(self.rows, chosen).to(self.weight)[:, None]
        loss = self.settings.data_term(measured, self.problem.observed, self.weight * now)
        mean = estimate.mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=measured.mean(0, keepdim=True), loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return every frame as the network draws it now."""
        with torch.no_grad():
            return self._images(network).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members."""
        return spread_over_members(self._images(network))

    def _images(self, network: RunNetwork) -> Tensor:
        return torch.cat([self._frame(network, t) for t in range(self.count)], dim=1)

    def _frame(self, network: RunNetwork, t: int) -> Tensor:
        """Return frame t, (members, k, H, W); alone, as it is normalised in the fit."""
        height, width = self.problem.image_shape[-2:]
        code = self.z[t : t + 1].expand(self.members, -1, -1, -1)
        return network(code)[..., :height, :width]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers and the frames as last drawn."""
        return {**super().state_dict(), "frames": self.frames.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.frames = state["frames"].clone()


def frames_of(problem: Problem) -> int:
    """Return how many frames a problem's operator measures. Raises InputError: it is no series."""
    operator = problem.operator
    pending = [operator]
    while pending:
        part = pending.pop()
        if isinstance(part, Frames):
            return part.count
        if isinstance(part, Compose):
            pending += [part.inner, part.outer]
    raise InputError(
        f"the operator {type(operator).__name__} knows no frames; wanted operators.Frames in it"
    )
