"""aSeqDIP: the image of a stage is the input of the next."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.fitting import Adam, FixedSteps, LowestLoss
from untrained.fitting.stopping import Look
from untrained.networks import Plain
from untrained.objectives import Gaussian, Problem, SelfConsistent, ZeroFilled
from untrained.operators import Fourier, Mask
from untrained.recipes import find_recipe
from untrained.restoring import Execution, solve

SIZE = (16, 20)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed))


def scan() -> Problem:
    mask = (random(1, 1, *SIZE, seed=1) > -0.5).float()
    operator = Mask(mask) @ Fourier()
    return Problem(observed=operator(random(1, 2, *SIZE)), operator=operator, known=mask)


RECIPE = replace(
    find_recipe("mri", "aseq"), network=Plain(width=6, depth=1), stopper=FixedSteps(), average=None,
    optimizer=Adam(lr=0.01), max_steps=9, check_every=3,
)  # fmt: skip


def test_z_starts_at_the_adjoint_and_becomes_the_image_after_every_stage() -> None:
    problem = scan()
    objective = SelfConsistent(inner_steps=3).build(problem, SIZE, seed=0)
    start = problem.operator.adjoint(problem.observed)  # type: ignore[attr-defined]
    fed: list[Tensor] = []

    def halved(z: Tensor) -> Tensor:
        fed.append(z)
        return z / 2

    for _ in range(7):
        objective(halved)
    steps = [fed[i] for i in (0, 1, 2, 4, 5, 6, 8)]  # each stage but the first looks once more
    for z, power in zip(steps, (0, 0, 0, 1, 1, 1, 2), strict=True):
        torch.testing.assert_close(z, start / 2**power)


def test_the_loss_is_misfit_and_change() -> None:
    problem = scan()
    objective = SelfConsistent(weight=0.5).build(problem, SIZE, seed=0)
    loss = float(objective(lambda z: z + 1).loss)
    # A A*y = y on what was measured, so the misfit is that of A 1
    misfit = problem.operator(torch.ones(1, 2, *SIZE)).square().sum() / (2 * SIZE[0] * SIZE[1])
    assert loss == pytest.approx(float(misfit) + 0.5, rel=1e-5)


def test_it_resumes_to_the_bit_within_a_stage() -> None:
    states: list[Any] = []

    class Keep:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: None

        def state_dict(self) -> dict[str, Any]:
            return {}

        def on_check(self, check: Any) -> None:
            states.append(check.state())

    whole = solve(scan(), RECIPE, seed=3, execution=Execution(callbacks=[Keep()]))  # type: ignore[list-item]
    resumed = solve(scan(), RECIPE, seed=3, execution=Execution(state=states[0]))
    assert torch.equal(resumed.estimate, whole.estimate)
    assert whole.history.loss[-1] < whole.history.loss[0]


def test_members_have_a_z_each() -> None:
    result = solve(scan(), replace(RECIPE, members=2))
    assert result.extras["spread"].shape == (1, 2, *SIZE)
    assert (result.extras["spread"] > 0).any()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="inner_steps"):
        SelfConsistent(inner_steps=0)
    with pytest.raises(InputError, match="weight"):
        SelfConsistent(weight=-1)
    with pytest.raises(InputError, match="image to an image"):
        SelfConsistent().build(scan(), (4, 4), seed=0)


def test_zeros_of_the_mask_are_in_the_published_mean() -> None:
    a, b = random(1, 4, *SIZE), random(1, 4, *SIZE, seed=2)
    mask = (random(1, 1, *SIZE, seed=1) > 0).float()
    share = mask.mean()
    torch.testing.assert_close(ZeroFilled()(a, b, mask), Gaussian()(a, b, mask) * share)
    torch.testing.assert_close(ZeroFilled()(a, b, None), Gaussian()(a, b, None))


def test_a_loss_must_be_lower_by_its_share_to_be_kept() -> None:
    rule = LowestLoss(min_gain=0.005).start(max_steps=9, sigma=None, generator=Generator())
    kept = [
        rule.check(
            Look(step=i, losses=(loss,), residual=loss, kept_residual=loss, held_out=None)
        ).improved
        for i, loss in enumerate((1.0, 0.996, 0.994, 0.99, 0.9))
    ]
    assert kept == [True, False, True, False, True]
