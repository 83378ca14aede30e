"""Series: one network for all frames, one frame a step; space-time variation; stacking."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.fitting import Adam, Callback, Check
from untrained.metrics import mse
from untrained.networks import EachFrame, Plain, TimeDependent
from untrained.objectives import Problem, Series, SpaceTime, Stacked
from untrained.operators import Frames, Identity, Mask, RealImage
from untrained.operators.fourier import Fourier
from untrained.recipes import Recipe, find_recipe
from untrained.restoring import Execution, solve

T, SIDE = 4, 16


def moving(frames: int = T, side: int = SIDE) -> Tensor:
    """A square that grows on a slope, (1, T, H, W)."""
    series = torch.linspace(0.1, 0.4, side).expand(1, frames, side, side).clone()
    for t in range(frames):
        series[:, t, 4 : 8 + t, 4:10] = 0.9
    return series


def problem(frames: int = T, side: int = SIDE) -> Problem:
    """Random columns of k-space, with 4 in the middle of every frame."""
    generator = Generator().manual_seed(0)
    columns = torch.rand(frames, side, generator=generator) < 0.4
    columns[:, side // 2 - 2 : side // 2 + 2] = True
    known = columns[:, None].expand(-1, side, -1).reshape(1, 1, frames * side, side).float()
    number = torch.arange(frames)[:, None] * side + torch.arange(side)
    number[:, side // 2 - 2 : side // 2 + 2] = -1
    groups = number[:, None].expand(-1, side, -1).reshape(1, 1, frames * side, side)
    operator = Frames(Fourier() @ RealImage(), frames)
    y = operator(moving(frames, side))
    noise = 0.005 * torch.randn(y.shape, generator=generator)
    return Problem(observed=(y + noise) * known, operator=operator, known=known, groups=groups)


def error(image: Tensor) -> float:
    return float((image - moving()).square().mean())


SMALL = replace(
    find_recipe("series", "paper"),
    network=TimeDependent(hidden=8, size=(2, 2), width=4, num_up=3),
    max_steps=20,
    check_every=5,
)
STACKED = replace(
    find_recipe("series", "fast"),
    network=EachFrame(inner=Plain(width=4, silent=True)),
    objective=Stacked(
        first=SpaceTime(iterations=20), second=SpaceTime(low_rank=8e-4, iterations=20), folds=3
    ),
    max_steps=20,
    check_every=5,
)


class Keep(Callback):
    """The state of a look in the middle."""

    state: dict[str, Any]

    def on_check(self, check: Check) -> None:
        if check.step == 10:
            self.state = check.state()


@pytest.mark.parametrize("recipe", [SMALL, STACKED, replace(STACKED, members=2)])
def test_a_killed_fit_ends_as_the_whole_one(recipe: Recipe) -> None:
    keep = Keep()
    whole = solve(problem(), recipe, execution=Execution(callbacks=[keep]))
    resumed = solve(problem(), recipe, execution=Execution(state=keep.state))
    assert torch.equal(whole.estimate, resumed.estimate)
    assert whole.history.loss == resumed.history.loss


def test_a_step_of_a_series_changes_one_frame_and_counts_only_that() -> None:
    asked = problem()
    objective = Series().build(asked, (1, 1), seed=0)
    level = iter(range(1, 100))

    def network(code: Tensor) -> Tensor:
        assert code.shape == (1, 3, 1, 1)
        return torch.full((1, 1, 32, 32), float(next(level)))

    first, second = objective(network), objective(network)
    changed = (first.estimate != 0).flatten(2).any(2)[0]
    assert changed.sum() == 1
    t = int(changed.nonzero())
    assert first.estimate.shape == (1, T, SIDE, SIDE)
    rows = slice(t * SIDE, (t + 1) * SIDE)
    assert asked.known is not None
    rest = ((first.measured - asked.observed) * asked.known)[..., rows, :]
    expected = rest.square().sum() / (2 * asked.known[..., rows, :].sum())
    assert float(first.loss) == pytest.approx(float(expected), rel=1e-5)
    assert (
        (second.estimate == 1).flatten(2).any(2) | (second.estimate == 2).flatten(2).any(2)
    ).any()


def test_a_frame_of_which_nothing_was_measured_is_never_drawn_in_a_step() -> None:
    asked = problem()
    assert asked.known is not None
    known = asked.known.clone()
    known[..., :SIDE, :] = 0
    objective = Series().build(replace(asked, known=known), (1, 1), seed=0)
    for _ in range(30):
        iterate = objective(lambda code: torch.ones(1, 1, 32, 32))
    assert not iterate.estimate[:, 0].any()
    assert iterate.estimate[:, 1:].all()


def test_space_time_variation_explains_what_was_measured_and_beats_zero_filling() -> None:
    asked = problem()
    assert isinstance(asked.operator, Frames)
    filled = asked.operator.adjoint(asked.observed)
    for settings in (SpaceTime(), SpaceTime(low_rank=8e-4), SpaceTime(periodic=True)):
        image = settings.solve(asked.operator, asked.observed, asked.known, T)
        assert error(image) < 0.25 * error(filled)
        assert mse(asked.operator(image), asked.observed, asked.known) < 1e-4


def test_space_time_variation_is_at_its_minimum() -> None:
    """No small change of the image lowers what is minimised."""
    asked = problem()
    assert isinstance(asked.operator, Frames)
    s = SpaceTime(weight=0.02, time_weight=0.7, low_rank=0.01, iterations=3000)
    image = s.solve(asked.operator, asked.observed, asked.known, T)

    def value(x: Tensor) -> float:
        rest = ((asked.operator(x) - asked.observed) * asked.known).square().sum() / 2
        across, down = torch.roll(x, -1, -1) - x, torch.roll(x, -1, -2) - x
        space = (across.square() + down.square()).sqrt().sum()
        late = (x[:, 1:] - x[:, :-1]).abs().sum()
        rank = SIDE * torch.linalg.svdvals(x.reshape(T, -1).double()).sum()
        return float(rest + s.weight * (space + s.time_weight * late) + s.low_rank * rank)

    least, generator = value(image), Generator().manual_seed(0)
    for size in (1e-3, 1e-2):
        for _ in range(10):
            other = image + size * torch.randn(image.shape, generator=generator)
            assert value(other) > least - 1e-4
    assert value(0.99 * image) > least - 1e-4
    assert value(moving()) > least - 1e-4


def test_stacking_hides_whole_lines_and_never_the_middle() -> None:
    asked = problem()
    objective = Stacked(first=SpaceTime(iterations=1), folds=3).build(asked, (SIDE, SIDE), seed=0)
    fold = objective.fold
    assert asked.groups is not None
    assert asked.known is not None
    assert (fold[asked.groups < 0] == -1).all()
    assert (fold[asked.known == 0] == -1).all()
    for group in asked.groups.unique():
        assert len(fold[(asked.groups == group) & (asked.known > 0)].unique()) <= 1
    assert set(fold.unique().tolist()) == {-1, 0, 1, 2}


def test_a_fold_is_not_seen_by_what_is_compared_with_it() -> None:
    """Other numbers in a fold do not change what the network is shown of that fold."""
    asked = problem()
    settings = Stacked(first=SpaceTime(iterations=5), second=None, folds=3)
    objective = settings.build(asked, (SIDE, SIDE), seed=0)
    changed = asked.observed + 10 * (objective.fold == 1)
    other = settings.build(replace(asked, observed=changed), (SIDE, SIDE), seed=0)
    assert torch.equal(objective.folds[1], other.folds[1])
    assert not torch.equal(objective.folds[0], other.folds[0])


def test_stacking_starts_from_its_parts_and_learns_from_the_neighbours() -> None:
    """A part that knows no time is made better by the frames beside."""
    asked = problem()
    alone = Stacked(first=SpaceTime(time_weight=0, iterations=20), second=None, folds=3)
    start = alone.build(asked, (SIDE, SIDE), seed=0).estimate(
        lambda shown: torch.zeros(1, T, SIDE, SIDE)
    )
    recipe = replace(STACKED, objective=alone, max_steps=200, optimizer=Adam(lr=0.01))
    assert error(solve(asked, recipe).estimate) < 0.9 * error(start)


def test_what_is_no_series_is_refused() -> None:
    flat = Problem(observed=torch.rand(1, 1, 8, 8), operator=Mask(torch.ones(1, 1, 8, 8)))
    with pytest.raises(InputError, match="Mask knows no frames"):
        Series().build(flat, (1, 1), seed=0)
    with pytest.raises(InputError, match="network=TimeDependent"):
        Series().build(problem(), (16, 16), seed=0)
    with pytest.raises(InputError, match="linear operator"):
        Stacked().build(replace(problem(), operator=lambda x: x), (16, 16), seed=0)
    short = Problem(observed=torch.rand(1, 1, 8, 4), operator=Frames(Identity(), 2),
                    groups=torch.full((1, 1, 8, 4), -1))  # fmt: skip
    with pytest.raises(InputError, match=r"objective\.folds"):
        Stacked(first=SpaceTime(iterations=1)).build(short, (4, 4), seed=0)
