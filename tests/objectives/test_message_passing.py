"""Message passing: what r is, what the state holds, that the image comes out, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.fitting import Callback, Check, FixedSteps
from untrained.networks import Skip
from untrained.objectives import DataFit, MessagePassing, MessagePassingObjective, Problem
from untrained.objectives.message_passing import is_incoherent
from untrained.operators import GaussianSensing, Hadamard, LinearOperator, Mask, PartialFourier
from untrained.recipes import find_recipe
from untrained.refinement import Collaborative
from untrained.restoring import Execution, solve

SIDE = 32
SMALL = replace(
    find_recipe("sensing", "fast"),
    network=Skip(widths=(8, 8), widths_skip=4, padding="zeros", output="linear"),
    objective=MessagePassing(filter=Collaborative(), first=15, every=5),
    stopper=FixedSteps(), max_steps=60, check_every=5,
)  # fmt: skip


def picture() -> Tensor:
    """A disc and a bar on a slope."""
    down, across = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    disc = ((down - 12) ** 2 + (across - 18) ** 2 < 60).float()
    bar = ((down > 22) & (down < 28) & (across > 4)).float()
    return (0.2 + 0.4 * disc + 0.5 * bar + 0.003 * across)[None, None]


def problem(share: float = 0.5, **more: Any) -> Problem:
    operator = Hadamard(int(share * SIDE * SIDE), (SIDE, SIDE), seed=1)
    return Problem(observed=operator(picture()), operator=operator, **more)


def objective(asked: Problem, settings: MessagePassing | None = None) -> MessagePassingObjective:
    settings = settings or MessagePassing(filter=None, first=1, every=1)
    return settings.build(asked, (SIDE, SIDE), seed=0)


def local_mean(image: Tensor) -> Tensor:
    """A denoiser; of the noise in it, a ninth is that of the pixel itself."""
    return F.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)


def psnr(image: Tensor) -> float:
    return float(-10 * (image - picture()).square().mean().log10())


def test_kappa_is_the_share_of_pixels_that_is_measured() -> None:
    assert float(objective(problem(0.25)).kappa) == pytest.approx(4, rel=0.1)
    gaussian = GaussianSensing(300, (SIDE, SIDE))
    asked = Problem(observed=gaussian(picture()), operator=gaussian)
    assert float(objective(asked).kappa) == pytest.approx(1, rel=0.1)
    assert float(objective(problem(0.5).hold_out(0.5, generator=Generator())).kappa) == (
        pytest.approx(4, rel=0.1)
    )


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_r_is_the_image_and_noise_of_the_sigma_that_is_said(share: float) -> None:
    passing = objective(problem(share))
    for _ in range(6):
        passing(local_mean)
        error = (passing.r - picture()).square().mean().sqrt()
        assert float(passing.sigma) == pytest.approx(float(error), rel=0.1)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_random_matrices_are_incoherent_and_frequencies_and_pixels_are_not(share: float) -> None:
    m = int(share * SIDE * SIDE)
    drawn = torch.rand(1, 1, SIDE, SIDE, generator=Generator().manual_seed(0))
    operators: list[tuple[LinearOperator, bool]] = [
        (Hadamard(m, (SIDE, SIDE)), True),
        (GaussianSensing(m, (SIDE, SIDE)), True),
        (PartialFourier(m // 2, (SIDE, SIDE)), False),
        (Mask((drawn < share).float()), False),
    ]
    for operator, random in operators:
        asked = Problem(observed=operator(picture()), operator=operator)
        assert is_incoherent(operator, asked) is random


def test_the_error_of_r_is_white() -> None:
    passing = objective(problem(0.4))
    for _ in range(4):
        passing(local_mean)
    error = (passing.r - picture())[0, 0]
    for moved in (error.roll(1, 0), error.roll(1, 1), error.roll(2, 0)):
        assert abs(float((error * moved).mean() / error.square().mean())) < 0.12


def test_measurements_that_are_held_out_or_missing_change_nothing() -> None:
    asked = problem(0.5).hold_out(0.1, generator=Generator().manual_seed(3))
    assert asked.held_out is not None
    spoiled = replace(asked, observed=torch.where(asked.held_out > 0, 1e6, asked.observed))
    first, second = objective(asked), objective(spoiled)
    for _ in range(3):
        first(local_mean)
        second(local_mean)
    torch.testing.assert_close(first.x, second.x, rtol=0, atol=0)


def test_the_image_comes_out_and_is_better_than_what_is_nearest() -> None:
    result = solve(problem(0.5), SMALL)
    nearest = Hadamard(512, (SIDE, SIDE), seed=1).adjoint(problem(0.5).observed)
    assert psnr(result.estimate) > max(24, psnr(nearest) + 8)


def test_a_resumed_fit_is_the_same_to_the_bit() -> None:
    class Keep(Callback):
        state: dict[str, Any] | None = None

        def on_check(self, check: Check) -> None:
            if check.step == 30:
                self.state = check.state()

    keep, recipe = Keep(), replace(SMALL, max_steps=45)
    whole = solve(problem(), recipe, execution=Execution(callbacks=[keep]))
    resumed = solve(problem(), recipe, execution=Execution(state=keep.state))
    assert torch.equal(whole.estimate, resumed.estimate)
    assert torch.equal(solve(problem(), recipe).estimate, whole.estimate)


def test_members_are_spread_and_averaged() -> None:
    result = solve(problem(), replace(SMALL, members=2, max_steps=30))
    assert result.extras["spread"].shape == (1, 1, SIDE, SIDE)


def test_what_it_cannot_do_is_refused() -> None:
    asked = replace(problem(), operator=lambda image: image.flatten(1)[:, None, None, :512])
    with pytest.raises(InputError, match="adjoint of a LinearOperator"):
        MessagePassing().build(asked, (SIDE, SIDE), seed=0)
    with pytest.raises(InputError, match="maps an image to an image"):
        MessagePassing().build(problem(), (1, 1), seed=0)
    with pytest.raises(InputError, match="every is 0"):
        MessagePassing(every=0)
    assert not isinstance(SMALL.objective, DataFit)
