"""A fit that takes its steps with others is the fit that it is alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Generator

from untrained.averaging import ExponentialAverage
from untrained.errors import InputError
from untrained.fitting import (
    Acceleration,
    Adam,
    Callback,
    Check,
    Look,
    Muon,
    Result,
    Stopper,
    StopReason,
    Together,
    Verdict,
)
from untrained.networks import Noise, Plain, Skip
from untrained.noise import white
from untrained.objectives import DataFit, MaskedPrediction, Problem
from untrained.recipes import Recipe
from untrained.restoring import Execution, planner, solve

NORMED = Skip(
    widths=(8, 8), widths_skip=4, up="nearest", padding="zeros", output="linear",
    norm_concat=False, kernel_refine=3, shuffle=2,
)  # fmt: skip
DONE = StopReason("done_by_its_noise", "it took as many steps as its noise says")


@dataclass(frozen=True, kw_only=True, slots=True)
class ByNoise:
    """Stop after 4 steps where the noise is strong."""

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        assert sigma is not None
        return _ByNoise(4 if sigma > 0.15 else 8)


class _ByNoise(Stopper):
    def __init__(self, steps: int) -> None:
        self.steps = steps

    def check(self, look: Look) -> Verdict:
        return Verdict(improved=True, stop=DONE if look.step >= self.steps else None)


RECIPE = Recipe(
    name="small", task="denoise", source="a test", network=Plain(width=8, depth=2),
    objective=MaskedPrediction(mask_rate=0.1, recorrupt=0.5, flips=True), optimizer=Muon(),
    max_steps=12, check_every=2, average=ExponentialAverage(decay=0.9),
    acceleration=Acceleration(precision="float32"),
)  # fmt: skip


def problem(i: int, *, side: int = 16, sigma: float = 0.1, wide: int = 16) -> Problem:
    drawn = Generator().manual_seed(i)
    y = 0.5 + 0.2 * torch.rand(1, 1, side, wide, generator=drawn).cumsum(-1) / side
    noise = sigma * torch.randn(y.shape, generator=drawn)
    return Problem(observed=y + noise, noise=white(sigma), clip=True)


def fits(*recipes: Recipe, problems: list[Problem], **execution: Any) -> list[Any]:
    """Return the results of fits together, each with the seed of its place, or its error."""
    together = Together(len(problems))
    each = recipes if len(recipes) > 1 else recipes * len(problems)
    found: list[Any] = [None] * len(problems)

    def work(i: int) -> None:
        run = Execution(together=True, **{name: v[i] for name, v in execution.items()})
        with together.seat() as seat:
            try:
                result = solve(problems[i], each[i], seed=i, execution=run)
                found[i] = replace(result, details={"company": seat.mean_company})
            except Exception as error:
                found[i] = error

    crew = [threading.Thread(target=work, args=(i,)) for i in range(len(problems))]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join(60)
    assert not any(thread.is_alive() for thread in crew)
    return found


def apart(a: Result, b: Result) -> float:
    return float((a.estimate - b.estimate).abs().max())


@pytest.mark.parametrize("optimizer", [Adam(), Muon()], ids=["Adam", "Muon"])
@pytest.mark.parametrize(
    ("precision", "tolerance"), [("float32", 1e-4), ("bfloat16", 0.03)], ids=["float32", "bfloat16"]
)
def test_each_is_its_single_fit(optimizer: Any, precision: Any, tolerance: float) -> None:
    recipe = replace(RECIPE, optimizer=optimizer, acceleration=Acceleration(precision=precision))
    problems = [problem(i, sigma=0.05 * (i + 1)) for i in range(3)]
    for i, joint in enumerate(fits(recipe, problems=problems)):
        alone = solve(problems[i], recipe, seed=i)
        assert joint.details["company"] >= 2  # one that is rolled back repeats its steps alone
        assert (joint.recoveries, joint.stop_step) == (alone.recoveries, alone.stop_step)
        assert apart(joint, alone) < tolerance
        assert joint.history.loss == pytest.approx(alone.history.loss, rel=max(tolerance, 1e-3))


def test_each_stops_by_its_own_rule_and_stays_as_it_was() -> None:
    recipe = replace(RECIPE, stopper=ByNoise())
    problems = [problem(0), problem(1, sigma=0.2), problem(2)]
    results = fits(recipe, problems=problems)
    assert [result.stop_step for result in results] == [8, 4, 8]
    for i, joint in enumerate(results):
        alone = solve(problems[i], recipe, seed=i)
        assert joint.reason is DONE
        assert apart(joint, alone) < 1e-4
        for name, weight in joint.last_weights.items():
            torch.testing.assert_close(weight, alone.last_weights[name], rtol=0, atol=1e-4)
            assert weight.untyped_storage().nbytes() == 4 * weight.numel()  # none of the others'


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_image_does_not_depend_on_its_company(precision: Any) -> None:
    recipe = replace(RECIPE, network=NORMED, acceleration=Acceleration(precision=precision))
    problems = [problem(i) for i in range(4)]
    few = fits(recipe, problems=problems[:1])
    many = fits(recipe, problems=problems)
    other = fits(recipe, problems=[problems[0], problem(7, sigma=0.3), problem(8)])
    assert (few[0].details["company"], many[0].details["company"]) == (1, 4)
    assert torch.equal(few[0].estimate, many[0].estimate)
    assert torch.equal(few[0].estimate, other[0].estimate)
    by_noise = replace(recipe, stopper=ByNoise())
    left = fits(by_noise, problems=[problems[0], problem(7, sigma=0.3)])  # half of the steps alone
    assert [result.stop_step for result in left] == [8, 4]
    assert torch.equal(left[0].estimate, fits(by_noise, problems=problems[:1])[0].estimate)


def test_pictures_that_are_turned_stay_in_step() -> None:
    problems = [problem(i, wide=24) for i in range(3)]
    assert [result.details["company"] for result in fits(RECIPE, problems=problems)] == [3] * 3


class Fails(Callback):
    def on_check(self, check: Check) -> None:
        if check.step >= 4:
            raise InputError("a full disk")


def test_one_that_fails_leaves_the_others_alone() -> None:
    problems = [problem(i) for i in range(3)]
    results = fits(RECIPE, problems=problems, callbacks=[(), (Fails(),), ()])
    assert isinstance(results[1], InputError)
    whole = fits(RECIPE, problems=problems)
    for i in (0, 2):
        assert torch.equal(results[i].estimate, whole[i].estimate)


def test_sizes_and_kinds_may_differ_in_one_room() -> None:
    wide = replace(RECIPE, network=Plain(width=4, depth=2))
    problems = [problem(0), problem(1, side=24), problem(2), problem(3, wide=20)]
    results = fits(RECIPE, RECIPE, wide, RECIPE, problems=problems)
    assert [result.details["company"] for result in results] == [1, 1, 1, 1]
    assert results[1].estimate.shape == (1, 1, 24, 16)
    assert torch.equal(results[0].estimate, fits(RECIPE, problems=problems[:1])[0].estimate)


class Keeps(Callback):
    def on_check(self, check: Check) -> None:
        if check.step == 6:
            self.state: Callable[[], dict[str, Any]] = check.state
            self.kept = self.state()


def test_a_fit_goes_on_from_the_state_of_a_group_together_and_alone() -> None:
    problems, keeps = [problem(i) for i in range(2)], [Keeps(), Keeps()]
    whole = fits(RECIPE, problems=problems, callbacks=[(keep,) for keep in keeps])
    (rest,) = fits(RECIPE, problems=problems[:1], state=[keeps[0].kept])
    assert torch.equal(rest.estimate, whole[0].estimate)
    alone = solve(problems[0], RECIPE, seed=0, execution=Execution(state=keeps[0].kept))
    assert apart(alone, whole[0]) < 1e-4


def test_a_fitted_code_and_an_average_of_none_are_fitted_as_alone() -> None:
    code = replace(
        RECIPE, objective=DataFit(z=Noise(channels=2), fit_z=True), optimizer=Adam(), average=None
    )
    problems = [problem(i) for i in range(2)]
    for i, joint in enumerate(fits(code, problems=problems)):
        assert joint.details["company"] == 0  # z has a gradient: each for itself
        assert apart(joint, solve(problems[i], code, seed=i)) < 1e-4


def test_steps_are_taken_together_where_it_pays_and_all_have_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def pays(recipe: Recipe, side: int = 64) -> bool:
        whole = problem(0, side=side, wide=side)
        needed = planner.predict_memory(recipe, whole)
        return planner.pays_together(recipe, whole, torch.device("cpu"), needed)

    small, large = replace(RECIPE, network=NORMED), 1024
    assert not pays(small)  # no seat
    with Together(8).seat():
        assert pays(small)
        assert not pays(small, large)
        assert not pays(replace(small, members=2))
        one = planner.predict_memory(small, problem(0, side=64, wide=64))
        monkeypatch.setattr(planner, "available_memory", lambda device: 8 * one - 1)
        assert not pays(small)


def test_time_is_divided_among_the_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    from untrained.fitting import together as module

    now = iter(range(1000))
    monkeypatch.setattr(module, "_now", lambda: (float(next(now)), 0.0))
    room = Together(1)
    with room.seat() as seat:
        assert seat.spent()[0] == 1
        assert seat.spent()[0] == 2


def test_nothing_waits_for_one_that_is_not_there() -> None:
    room, seen = Together(2), []

    def work(i: int) -> None:
        with room.seat():
            seen.append(i)

    crew = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join(20)
    assert sorted(seen) == [0, 1, 2]
