"""A network that makes one series of several classical ones, taught by lines that none has seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.problem import Problem
from untrained.objectives.series import frames_of
from untrained.objectives.space_time import SpaceTime
from untrained.operators import LinearOperator

__all__ = ["Stacked", "StackedObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stacked:
    """x̂ = D(Σ_i a_i s_i + f_θ(s_1 … s_n)), s_i series reconstructed by classical means.

    The groups of measurements (lines of k-space) of every frame are dealt into folds. For each fold
    the s_i are computed without it; a step shows the network those of one fold and compares with
    the fold's own measurements, which nothing that it is shown has seen: ‖r‖/‖y‖ + ‖r‖₁/‖y‖₁ with
    r = A x̂ - y there, in a few random frames. At the end the s_i of all measurements are shown. D
    is one step towards y, x̂ + A*(y - A x̂), which puts back what was measured where A A* = 1.
    (Stacking: Wolpert, "Stacked generalization", Neural Networks 5, 1992. The split: Yaman et al.,
    "Zero-shot self-supervised learning for MRI reconstruction", ICLR 2022.)

    a_i starts at 1/n, and f at nothing where its last layer does (`Plain.silent`): the fit starts
    from the mean of the s_i. A frame is shown the s_i of its `neighbours` on both sides too.

    Attributes:
        first, second, third: how the s_i are made; None = there is none.
        folds: how many.
        neighbours: frames on each side.
        num_frames: how many random frames a step compares; fewer = quicker steps.
    """

    first: SpaceTime = field(default_factory=SpaceTime)
    second: SpaceTime | None = field(default_factory=lambda: SpaceTime(low_rank=8e-4))
    third: SpaceTime | None = None
    folds: int = 6
    neighbours: int = 1
    num_frames: int = 4
    in_one_piece: ClassVar[bool] = True
    prepares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise InputError(f"folds is {self.folds}; wanted 2 or more")
        if self.neighbours < 0 or self.num_frames < 1:
            raise InputError(
                f"neighbours is {self.neighbours} and num_frames {self.num_frames}; "
                "wanted 0 or more and 1 or more"
            )

    @property
    def starts(self) -> list[SpaceTime]:
        """The settings of the s_i."""
        return [s for s in (self.first, self.second, self.third) if s is not None]

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of what a frame is shown, if a frame has two."""
        return 2 * len(self.starts) * (1 + 2 * self.neighbours)

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> StackedObjective:
        """Return the objective; the s_i of every fold are computed here.

        Raises:
            InputError: no linear operator with frames, a network with its own input size, or a
                frame with too few groups for a fold.
        """
        if not isinstance(problem.operator, LinearOperator):
            raise InputError("stacking needs a linear operator; use the Series objective")
        problem.check_image_to_image("stacking", input_size)
        return StackedObjective(problem, self, seed=seed, members=members)


class StackedObjective(Objective):
    """The state of a `Stacked` on one problem."""

    def __init__(self, problem: Problem, settings: Stacked, *, seed: int, members: int = 1) -> None:
        assert isinstance(problem.operator, LinearOperator)
        y = problem.observed
        self.problem = problem
        self.settings = settings
        self.members = members
        self.operator = problem.operator
        self.generator = Generator().manual_seed(seed + 1)  # draws numbers of folds and frames
        self.count = frames_of(problem)
        self.drawn_channels = problem.image_shape[1] // self.count
        starts = settings.starts
        self.fed_channels = self.drawn_channels * len(starts) * (1 + 2 * settings.neighbours)
        shown = problem.fitted
        self.shown = torch.ones_like(y[:, :1]) if shown is None else shown
        self.fold = self._deal(Generator().manual_seed(seed))
        self.folds = [self._starts((self.fold != i) * self.shown) for i in range(settings.folds)]
        self.all = self._starts(self.shown)
        self.shares = nn.Parameter(torch.full((len(starts),), 1 / len(starts), device=y.device))

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return a series of one fold, and its distance to the fold's measurements."""
        fold = int(torch.randint(self.settings.folds, (1,), generator=self.generator))
        order = torch.randperm(self.count, generator=self.generator)
        frames = order[: self.settings.num_frames].sort().values
        starts = self.folds[fold]
        drawn = self._draw(network, starts, frames)
        whole = torch.einsum("s,sbtkhw->btkhw", self.shares.detach(), starts[:, None])
        series = whole.expand(self.members, *whole.shape[1:]).index_copy(1, frames, drawn)
        estimate = series.reshape(self.members, -1, *series.shape[-2:])
        measured = self.operator(estimate)
        hidden = (self.fold == fold) * self.shown * self._rows(frames)
        loss = _relative(measured, self.problem.observed, hidden)
        mean = estimate.mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=measured.mean(0, keepdim=True), loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the series from all that the fit may see."""
        with torch.no_grad():
            return self._images(network).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members."""
        return spread_over_members(self._images(network))

    def parameters(self) -> list[nn.Parameter]:
        """Return the shares a_i of the s_i."""
        return [self.shares]

    def _images(self, network: RunNetwork) -> Tensor:
        """Return the series of each member, (members, T k, H, W), with a step towards y."""
        frames = torch.arange(self.count, device=self.shown.device)
        series = [self._draw(network, self.all, part) for part in torch.split(frames, _AT_ONCE)]
        image = torch.cat(series, dim=1).flatten(1, 2)
        rest = (self.problem.observed - self.operator(image)) * self.shown
        return image + self.operator.adjoint(rest)

    def _draw(self, network: RunNetwork, starts: Tensor, frames: Tensor) -> Tensor:
        """Return frames, (members, F, k, H, W), of the starts (n, T, k, H, W)."""
        reach, last = self.settings.neighbours, self.count - 1
        near = frames[:, None] + torch.arange(-reach, reach + 1, device=frames.device)
        near = near % self.count if self.settings.first.periodic else near.clamp(0, last)
        fed = starts[:, near].transpose(0, 1).flatten(1, 3)  # F, (n, neighbours, k), H, W
        fed = fed.reshape(1, -1, *fed.shape[-2:]).expand(self.members, -1, -1, -1)
        new = network(fed)
        base = torch.einsum("s,stkhw->tkhw", self.shares, starts[:, frames])
        return base + new.reshape(self.members, *base.shape)

    def _starts(self, shown: Tensor) -> Tensor:
        """Return the s_i of what is shown, (n, T, k, H, W)."""
        made = [
            s.solve(self.operator, self.problem.observed, shown, self.count)
            for s in self.settings.starts
        ]
        size = made[0].shape
        return torch.cat(made).reshape(-1, self.count, size[1] // self.count, *size[-2:])

    def _rows(self, frames: Tensor) -> Tensor:
        """Return (1, 1, T h, 1), 1 in the rows of these frames."""
        height = self.shown.shape[-2] // self.count
        rows = torch.zeros(self.count, height, device=self.shown.device)
        rows[frames] = 1
        return rows.reshape(1, 1, -1, 1)

    def _deal(self, generator: Generator) -> Tensor:
        """Return the fold of every measurement, (1, 1, T h, w); -1 = of none, always shown."""
        rows, columns = self.shown.shape[-2:]
        shown = self.shown.cpu().reshape(self.count, -1) > 0
        groups = self.problem.groups
        group = torch.arange(rows * columns) if groups is None else groups.cpu().flatten()
        group = group.reshape(self.count, -1)
        fold = torch.full(group.shape, -1)
        for t in range(self.count):
            there = torch.unique(group[t][shown[t]])
            there = there[there >= 0]
            start = int(torch.randint(self.settings.folds, (1,), generator=generator))
            dealt = (torch.arange(len(there)) + start) % self.settings.folds
            dealt = dealt[torch.randperm(len(there), generator=generator)]
            known = torch.isin(group[t], there) & shown[t]
            fold[t, known] = dealt[torch.searchsorted(there, group[t, known])]
        empty = set(range(self.settings.folds)) - set(torch.unique(fold).tolist())
        if empty:
            raise InputError(
                f"{self.settings.folds} folds are more than there are groups to be hidden; "
                "set objective.folds to a smaller number"
            )
        return fold.reshape(1, 1, rows, columns).to(self.shown.device)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers and the shares; the rest is made anew."""
        return {**super().state_dict(), "shares": self.shares.detach().clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        with torch.no_grad():
            self.shares.copy_(state["shares"])


_AT_ONCE = 4  # frames that are drawn at once where no gradient is needed


def _relative(measured: Tensor, observed: Tensor, weight: Tensor) -> Tensor:
    """Return ‖r‖₂/‖y‖₂ + ‖r‖₁/‖y‖₁ over the weighted measurements, the mean over the batch."""
    rest, there = (measured - observed) * weight, observed * weight
    second = rest.flatten(1).norm(dim=1).mean() / there.norm().clamp_min(1e-12)
    first = rest.abs().flatten(1).sum(1).mean() / there.abs().sum().clamp_min(1e-12)
    both: Tensor = second + first
    return both
