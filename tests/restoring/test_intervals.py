"""Intervals of measurements that a fit has not seen."""

from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.fitting import HeldOut
from untrained.networks import Plain
from untrained.objectives import Problem, SelfConsistent
from untrained.operators import Fourier, Mask
from untrained.recipes import find_recipe
from untrained.restoring import measured_interval, solve

SIZE = (32, 96)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed))


def heavy(seed: int) -> Tensor:
    """Errors with long tails, larger where the signal is."""
    return random(1, 4, *SIZE, seed=seed) * random(1, 1, *SIZE, seed=seed + 1).exp()


def scan(scale: float = 1.0) -> tuple[Problem, Tensor, Tensor]:
    """A problem, A x̂, which is wrong by a part of the signal and some noise, and by how much."""
    fall = torch.exp(-((torch.arange(SIZE[1]) - SIZE[1] / 2).abs() / 12))
    signal = 10 * fall * random(1, 4, *SIZE)
    error = 0.1 * fall * heavy(5) * 3 + 0.02 * heavy(8)
    lines = torch.arange(SIZE[1]).expand(1, 1, *SIZE).clone()
    lines[..., 44:52] = -1
    y = signal + error
    problem = Problem(observed=scale * y, groups=lines)
    return problem.hold_out(0.15, generator=Generator().manual_seed(1)), scale * signal, error


@pytest.mark.parametrize("scale", [1.0, 1e-7])
def test_it_covers_what_was_neither_seen_nor_used_for_calibration(scale: float) -> None:
    problem, measured, _ = scan(scale)
    found = measured_interval(measured, problem)
    assert found is not None
    assert found.groups == 13
    assert found.coverage == pytest.approx(0.9, abs=0.05)
    others = (problem.held_out == 0) & (problem.groups >= 0)  # type: ignore[operator]
    inside = (problem.observed - measured).abs() <= found.half_width
    assert float(inside[others.expand_as(inside)].float().mean()) == pytest.approx(0.9, abs=0.05)


def test_it_is_wide_where_errors_are_large() -> None:
    problem, measured, error = scan()
    found = measured_interval(measured, problem)
    assert found is not None
    width = found.half_width.mean((0, 1, 2))
    size = error.abs().mean((0, 1, 2))
    assert torch.corrcoef(torch.stack([width.log(), size.log()]))[0, 1] > 0.9
    assert width[SIZE[1] // 2] > 5 * width[2]


def test_a_level_is_a_level() -> None:
    problem, measured, _ = scan()
    half = measured_interval(measured, problem, level=0.5)
    assert half is not None
    assert half.coverage == pytest.approx(0.5, abs=0.08)


def test_members_say_where_errors_are_large_that_the_signal_does_not() -> None:
    problem, measured, _ = scan()
    size = torch.ones(1, 1, *SIZE)
    size[..., :16, :] = 5
    problem = replace(problem, observed=measured + size * random(1, 4, *SIZE, seed=9))
    told = measured_interval(measured, problem, spread=size * random(1, 4, *SIZE, seed=10).abs())
    untold = measured_interval(measured, problem)
    ratios = []
    for found in (told, untold):
        assert found is not None
        assert found.coverage == pytest.approx(0.9, abs=0.05)
        ratios.append(
            float(found.half_width[..., :10, :].mean() / found.half_width[..., 22:, :].mean())
        )
    assert ratios[0] > 4 > 1.5 > ratios[1]


def test_what_cannot_be_told_is_not() -> None:
    problem, measured, _ = scan()
    assert measured_interval(measured, replace(problem, held_out=None)) is None
    one = torch.zeros_like(problem.observed[:, :1])
    one[..., 3] = 1
    alone = measured_interval(measured, replace(problem, held_out=one))
    assert alone is not None
    assert alone.coverage is None
    with pytest.raises(InputError, match="level"):
        measured_interval(measured, problem, level=1.0)
    with pytest.raises(InputError, match="one shape"):
        measured_interval(measured[:, :2], problem)


def test_a_fit_through_an_operator_says_its_coverage_and_its_members_their_doubt() -> None:
    size = (24, 32)
    mask = torch.ones(1, 1, *size)
    mask[..., 1::3] = 0
    mask[..., 12:20] = 1
    operator = Mask(mask) @ Fourier()
    y, x = torch.meshgrid(torch.linspace(-1, 1, 24), torch.linspace(-1, 1, 32), indexing="ij")
    image = torch.stack([(x**2 + y**2 < 0.5).float(), (x.abs() < 0.3).float()])[None]
    observed = operator(image) + 0.05 * mask * random(1, 2, *size)
    groups = torch.arange(32).expand(1, 1, *size).clone()
    groups[..., 12:20] = -1
    problem = Problem(observed=observed, operator=operator, known=mask, groups=groups)
    recipe = replace(
        find_recipe("mri", "aseq"), network=Plain(width=8, depth=2), members=3, max_steps=40,
        objective=SelfConsistent(), stopper=HeldOut(fraction=0.4),
    )  # fmt: skip
    result = solve(problem, recipe)
    assert 0.8 <= result.details["held_out_coverage"] <= 1
    assert result.extras["uncertainty"].shape == (1, 2, *size)
    assert result.extras["uncertainty"].shape == result.extras["spread"].shape
    assert "measured_spread" not in result.extras
