"""Learned regularisation: its loss in the paper's units, the prior of earlier fits, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.fitting import Callback, Check, Result, RmsProp
from untrained.networks import Dcgan, Noise
from untrained.objectives import LearnedRegularisation, Problem, WeightPrior, mean_weights
from untrained.operators import Hadamard
from untrained.recipes import decode, encode, find_recipe
from untrained.restoring import Execution, solve, weight_prior, with_prior

SIDE, M = 16, 100
NETWORK = Dcgan(widths=(8, 8), kernels=(4, 6, 4), strides=(1, 2, 2), paddings=(0, 2, 1))
CODE = Noise(channels=4, scale=1.0, distribution="normal")
RECIPE = replace(
    find_recipe("sensing", "paper"), network=NETWORK, max_steps=20,
    objective=LearnedRegularisation(z=CODE),
)  # fmt: skip


def picture(seed: int = 0) -> Tensor:
    rows = torch.linspace(0, 1, SIDE)[:, None].expand(SIDE, SIDE)
    return (rows + 0.2 * torch.rand(SIDE, SIDE, generator=Generator().manual_seed(seed)))[
        None, None
    ]


def problem(seed: int = 0) -> Problem:
    operator = Hadamard(M, (SIDE, SIDE))
    return Problem(observed=operator(picture(seed)), operator=operator)


def fitted(seed: int = 0) -> Result:
    return solve(problem(seed), RECIPE, seed=seed)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("fits")
    return [fitted(seed).save(place / str(seed)) for seed in range(3)]


def test_the_loss_is_the_papers_over_4_m_squared() -> None:
    prior = WeightPrior.of(torch.randn(4, 7, generator=Generator().manual_seed(1)))
    settings = LearnedRegularisation(z=CODE, variation=0.05, learned=100.0, prior=prior)
    asked = problem()
    objective = settings.build(asked, (1, 1), seed=0)
    network = NETWORK.build(4, 1, generator=Generator().manual_seed(0))
    objective.watch(network)
    loss = objective(network).loss
    image = 2 * network(objective.z) - 1  # the paper's range
    residual = asked.operator(image) - asked.operator(2 * picture() - 1)
    size = objective.unit * 4 * M**2
    assert size == pytest.approx(M / SIDE**2, rel=0.1)  # of rows that are orthonormal
    fit = M / size * residual.square().sum()  # of the paper's matrix, ‖A x‖² is about m ‖x‖²
    tv = image.diff(dim=-1).abs().sum() + image.diff(dim=-2).abs().sum()
    apart = torch.stack([p.detach().mean() for p in network.parameters()])
    apart = apart - torch.tensor(prior.mean)
    precision = torch.linalg.inv(torch.tensor(prior.covariance).view(7, 7))
    expected = fit + 0.05 * tv + 100 * apart @ precision @ apart
    assert float(loss.detach()) == pytest.approx(
        objective.unit * float(expected.detach()), rel=1e-3
    )


def test_a_prior_is_the_mean_and_covariance_of_earlier_weights(folders: list[Path]) -> None:
    prior = weight_prior(folders)
    seen = []
    for seed in range(3):
        network = NETWORK.build(4, 1, generator=Generator())
        network.load_state_dict(fitted(seed).weights)
        seen.append(mean_weights(network)[0].detach().double())
    torch.testing.assert_close(
        torch.tensor(prior.mean, dtype=torch.float64), torch.stack(seen).mean(0)
    )
    covariance = torch.tensor(prior.covariance, dtype=torch.float64).view(7, 7)
    assert float(torch.linalg.eigvalsh(covariance).min()) > 0  # of three fits, yet it is inverted
    sample = torch.cov(torch.stack(seen).T)
    torch.testing.assert_close(covariance - torch.diag(covariance.diagonal()),
                               0.3 * (sample - torch.diag(sample.diagonal())))  # fmt: skip


def test_a_strong_prior_holds_the_mean_weights_where_they_were(folders: list[Path]) -> None:
    def distance(weight: float) -> float:
        recipe = with_prior(
            replace(RECIPE, objective=LearnedRegularisation(z=CODE, learned=weight)), folders
        )
        assert isinstance(recipe.objective, LearnedRegularisation)
        prior = recipe.objective.prior
        assert prior is not None
        network = NETWORK.build(4, 1, generator=Generator())
        network.load_state_dict(solve(problem(9), recipe, seed=9).last_weights)
        apart = mean_weights(network)[0].detach() - torch.tensor(prior.mean)
        covariance = torch.tensor(prior.covariance).view(7, 7)
        return float(apart @ torch.linalg.inv(covariance) @ apart)

    assert distance(1e6) < 0.5 * distance(0.0)


def test_a_recipe_with_a_prior_is_data(folders: list[Path]) -> None:
    recipe = with_prior(RECIPE, folders)
    assert decode(encode(recipe)) == recipe


def test_what_does_not_go_together_is_refused(folders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"needs earlier fits of yours; give two or more"):
        solve(problem(), replace(RECIPE, objective=LearnedRegularisation(z=CODE, learned=1.0)))
    with pytest.raises(InputError, match="1 earlier fits; wanted two or more"):
        weight_prior(folders[:1])
    with pytest.raises(InputError, match="no such file"):
        weight_prior([tmp_path / "nothing", folders[0]])
    with pytest.raises(InputError, match="takes no earlier fits"):
        with_prior(find_recipe("sensing", "fast"), folders)
    other = replace(RECIPE, network=replace(NETWORK, widths=(8, 4)))
    another = solve(problem(), other).save(tmp_path / "other")
    with pytest.raises(InputError, match="by another network than"):
        weight_prior([*folders, another])
    prior = WeightPrior.of(torch.randn(4, 5))
    with pytest.raises(InputError, match="prior is of a network of 5 parameters' means"):
        solve(problem(), replace(RECIPE, objective=LearnedRegularisation(z=CODE, prior=prior)))


def test_a_resumed_fit_is_the_same_to_the_bit(folders: list[Path]) -> None:
    class Keep(Callback):
        state: dict[str, Any] | None = None

        def on_check(self, check: Check) -> None:
            if check.step == 8:
                self.state = check.state()

    keep = Keep()
    recipe = with_prior(
        replace(RECIPE, objective=LearnedRegularisation(z=CODE, learned=10.0)), folders
    )
    whole = solve(problem(), recipe, execution=Execution(callbacks=[keep]))
    resumed = solve(problem(), recipe, execution=Execution(state=keep.state))
    assert torch.equal(whole.estimate, resumed.estimate)


def test_rmsprop_divides_by_the_root_of_the_mean_square_and_keeps_going() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = RmsProp(lr=0.1, alpha=0.9, momentum=0.5).build([weight])
    square, step, expected = 0.0, 0.0, 1.0
    for gradient in (2.0, -1.0, 3.0):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        square = 0.9 * square + 0.1 * gradient**2
        step = 0.5 * step + gradient / square**0.5
        expected -= 0.1 * step
    assert float(weight.detach()) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(InputError, match="momentum is 1"):
        RmsProp(momentum=1)
