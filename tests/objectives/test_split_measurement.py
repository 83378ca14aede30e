from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from untrained.averaging import ExponentialAverage
from untrained.errors import InputError
from untrained.fitting import FixedSteps, HeldOut, Muon
from untrained.networks import Plain
from untrained.objectives import Problem, SplitMeasurement, SplitMeasurementObjective
from untrained.objectives.consistency import consistent, solved
from untrained.operators import LinearOperator, Mask, Sense
from untrained.recipes import Recipe
from untrained.restoring import Execution, solve

SIZE = (24, 32)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(seed))


def lines() -> Tensor:
    line = torch.zeros(SIZE[1])
    line[::3] = 1
    line[12:20] = 1
    return line.expand(1, 1, *SIZE).contiguous()


def sense() -> LinearOperator:
    maps = torch.view_as_complex(random(1, 3, *SIZE, 2))
    return Sense(maps / maps.abs().square().sum(1, keepdim=True).sqrt())


def problem_of(operator: LinearOperator | None = None) -> Problem:
    mask = lines()
    operator = Mask(mask) @ (operator or sense())
    groups = torch.arange(SIZE[1]).expand(1, 1, *SIZE).clone()
    groups[..., 12:20] = -1
    y = operator(random(1, 2, *SIZE, seed=3)) + 0.01 * mask * random(1, 6, *SIZE, seed=4)
    return Problem(observed=y, operator=operator, known=mask, groups=groups)


RECIPE = Recipe(
    name="split", task="mri", source="a test",
    network=Plain(width=6, depth=1),
    objective=SplitMeasurement(every=3, unrolls=2),
    optimizer=Muon(),
    stopper=HeldOut(fraction=0.2, patience=50),
    average=ExponentialAverage(decay=0.9),
    max_steps=12, check_every=4,
)  # fmt: skip


class _Seen:
    """A network that notes what it is fed."""

    def __init__(self) -> None:
        self.fed: list[Tensor] = []

    def __call__(self, image: Tensor) -> Tensor:
        self.fed.append(image.detach().clone())
        return image


def objective_of(problem: Problem, **changes: Any) -> SplitMeasurementObjective:
    return SplitMeasurement(**changes).build(problem, SIZE, seed=0)


def test_same_seed_same_bits() -> None:
    one, two = (solve(problem_of(), RECIPE, seed=5) for _ in range(2))
    assert torch.equal(one.estimate, two.estimate)
    assert not torch.equal(one.estimate, solve(problem_of(), RECIPE, seed=6).estimate)


@pytest.mark.parametrize("members", [1, 2])
def test_a_fit_goes_on_to_the_bit(members: int) -> None:
    recipe = replace(RECIPE, members=members)
    whole = solve(problem_of(), recipe)
    states: list[dict[str, Any]] = []

    class Keep:
        def __getattr__(self, name: str) -> Any:
            return lambda *given: None

        def on_check(self, check: Any) -> None:
            if check.step == 8:
                states.append(check.state())

        def state_dict(self) -> dict[str, Any]:
            return {}

    solve(problem_of(), recipe, execution=Execution(callbacks=[Keep()]))  # type: ignore[list-item]
    again = solve(problem_of(), recipe, execution=Execution(state=states[0]))
    assert torch.equal(whole.estimate, again.estimate)
    assert whole.history.loss == again.history.loss


@pytest.mark.parametrize("groups_share", [0.0, 1.0])
def test_what_is_compared_is_never_shown_and_held_out_lines_are_neither(
    groups_share: float,
) -> None:
    problem = problem_of().hold_out(0.3, generator=Generator().manual_seed(1))
    objective = objective_of(problem, groups_share=groups_share)
    assert problem.held_out is not None
    for _ in range(20):
        shown, compared = objective._split()
        assert float((shown * compared).sum()) == 0
        assert torch.equal(shown + compared, objective.fitted)
        assert float(((shown + compared) * problem.held_out).sum()) == 0
        if groups_share:  # whole lines, and never the middle
            assert torch.equal(compared, compared[:, :, :1].expand_as(compared))
            assert float(compared[..., 12:20].sum()) == 0


def test_the_hidden_samples_do_not_reach_what_the_network_is_fed() -> None:
    problem = problem_of().hold_out(0.3, generator=Generator().manual_seed(1))
    assert problem.held_out is not None
    changed = replace(problem, observed=problem.observed + 7 * problem.held_out)
    fed, losses = [], []
    for given in (problem, changed):
        objective, network = objective_of(given), _Seen()
        losses.append(float(objective(network).loss.detach()))
        fed.append(network.fed[:3])  # of the loss; then the image of all samples
    assert losses[0] == losses[1]
    assert all(torch.equal(a, b) for a, b in zip(*fed, strict=True))
    objective, network = objective_of(problem), _Seen()
    shown, compared = objective._split()
    objective._reconstructed(network, shown)
    objective.problem = replace(problem, observed=problem.observed + 7 * compared)
    other = _Seen()
    objective._reconstructed(other, shown)
    assert torch.equal(network.fed[0], other.fed[0])


def test_the_kept_image_has_seen_what_the_judged_one_has_not() -> None:
    problem = problem_of().hold_out(0.3, generator=Generator().manual_seed(1))
    assert problem.held_out is not None
    objective = objective_of(problem, final_weight=0.0)
    estimate = objective(_Seen()).estimate
    held_out, y = problem.held_out, problem.observed
    judged = held_out * (problem.operator(estimate) - y)
    kept = held_out * (problem.operator(objective.finish(estimate)) - y)
    assert float(kept.norm()) < 0.7 * float(judged.norm())
    near = replace(objective.settings, final_weight=0.01)
    objective.settings = near
    nearer = held_out * (problem.operator(objective.finish(estimate)) - y)
    assert float(nearer.norm()) < float(kept.norm())


def test_a_fit_of_fixed_steps_holds_nothing_out() -> None:
    problem = problem_of()
    recipe = replace(RECIPE, stopper=FixedSteps())
    result = solve(problem, recipe)
    assert result.stop_step == 12
    assert problem.known is not None
    far = float((problem.operator(result.estimate) - problem.observed).norm())
    assert far < 0.2 * float(problem.observed.norm())


def test_the_unit_of_the_operator_does_not_matter() -> None:
    class Twice(LinearOperator):
        def __init__(self) -> None:
            super().__init__()
            self.inner = sense()

        def forward(self, image: Tensor) -> Tensor:
            result: Tensor = 2 * self.inner(image)
            return result

        def image_shape(self, shape: Any) -> Any:
            return self.inner.image_shape(shape)

    one = solve(problem_of(), RECIPE).estimate
    two = solve(problem_of(Twice()), RECIPE)
    assert float((two.estimate - one).norm() / one.norm()) < 0.02  # noise is half as strong


def test_the_solution_and_its_derivative_are_those_of_the_equation() -> None:
    operator, shown = sense().double(), lines().double()
    operator.maps = operator.maps.to(torch.complex128)
    prior, back = (random(1, 2, *SIZE, seed=i).double() for i in (1, 2))
    weight = torch.full((1, 1, 1, 1), 0.3, dtype=torch.float64)
    x = solved(operator, shown, weight, back, torch.zeros_like(back), 60)
    torch.testing.assert_close(operator.gram(x, shown) + weight * x, back, rtol=0, atol=1e-10)

    def run(u: Tensor, w: Tensor) -> Tensor:
        image = consistent(u, back, w, operator=operator, shown=shown, steps=60)
        return (image * prior.roll(3, -1)).sum()

    u, w = prior.clone().requires_grad_(), weight.clone().requires_grad_()
    run(u, w).backward()  # type: ignore[no-untyped-call]
    step = 1e-5
    along = random(1, 2, *SIZE, seed=9).double()
    slope = (run(prior + step * along, weight) - run(prior - step * along, weight)) / (2 * step)
    assert u.grad is not None
    assert w.grad is not None
    torch.testing.assert_close((u.grad * along).sum(), slope, rtol=1e-6, atol=1e-8)
    slope = (run(prior, weight + step) - run(prior, weight - step)) / (2 * step)
    torch.testing.assert_close(w.grad.sum(), slope, rtol=1e-6, atol=1e-8)


def test_what_cannot_be_is_refused() -> None:
    problem = problem_of()
    with pytest.raises(InputError, match="compared is 1"):
        SplitMeasurement(compared=1)
    with pytest.raises(InputError, match="LinearOperator; <lambda> is none"):
        objective_of(Problem(observed=problem.observed, operator=lambda x: x))
    with pytest.raises(InputError, match="maps an image to an image"):
        SplitMeasurement().build(problem, (8, 8), seed=0)
    elsewhere = torch.zeros(1, 1, *SIZE)
    elsewhere[..., 1:3] = 1  # where the mask is 0
    with pytest.raises(InputError, match=r"A\*A is zero"):
        objective_of(replace(problem, known=elsewhere))
