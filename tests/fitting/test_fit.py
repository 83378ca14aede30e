"""The laws of the loop, on small fits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from untrained.averaging import Averaging, ExponentialAverage
from untrained.errors import InputError
from untrained.fitting import (
    PLAIN,
    Acceleration,
    Adam,
    Callback,
    Check,
    Discrepancy,
    ExponentialVariance,
    HeldOut,
    LowestLoss,
    Muon,
    OptimizerSettings,
    Result,
    Scoring,
    Snapshots,
    StopReason,
    StopRule,
    WindowedVariance,
    fit,
)
from untrained.networks import Noise, Skip
from untrained.noise import estimate_noise, white
from untrained.objectives import (
    DataFit,
    Infill,
    MaskedPrediction,
    ObjectiveSettings,
    Problem,
    SelfGuided,
    Sure,
    TotalVariation,
)
from untrained.operators import Identity, Resample

Scene = Callable[..., Any]
SMALL = Skip(widths=(8, 8), widths_skip=4)
DIP = DataFit(z=Noise(channels=4), jitter=0.03)
MASKED = MaskedPrediction()
RECORRUPTED = MaskedPrediction(mask_rate=0.1, recorrupt=0.5, flips=True, refine_noise=(5,))
INFILL = Infill()
OBJECTIVES = [DIP, MASKED, dataclasses.replace(MASKED, flips=True), RECORRUPTED, INFILL, Sure()]


@pytest.fixture(scope="module")
def truth(scene: Scene) -> Tensor:
    return torch.from_numpy(scene(37, 50)).permute(2, 0, 1)[None].float()


@pytest.fixture(scope="module")
def observed(truth: Tensor) -> Tensor:
    noise = torch.randn(truth.shape, generator=Generator().manual_seed(5))
    return truth + 0.1 * noise


def run(
    observed: Tensor,
    *,
    steps: int = 30,
    objective: ObjectiveSettings = DIP,
    optimizer: OptimizerSettings = Adam(),  # noqa: B008
    stopper: StopRule | None = None,
    average: Averaging | None = ExponentialAverage(decay=0.9),  # noqa: B008
    callbacks: Sequence[Callback] = (),
    seed: int = 0,
    network: Skip = SMALL,
    problem: Problem | None = None,
    **options: Any,
) -> Result:
    problem = problem or Problem(observed=observed, noise=white(0.1))
    if isinstance(stopper, HeldOut):
        problem = problem.hold_out(stopper.fraction, generator=Generator().manual_seed(seed))
    channels, height, width = problem.image_shape[1:]
    net = network.build(
        objective.in_channels(channels), channels, generator=Generator().manual_seed(seed)
    )
    return fit(
        net,
        objective.build(problem, network.input_size(height, width), seed=seed),
        optimizer=optimizer.build(net.parameters()),
        max_steps=steps,
        stopper=stopper,
        average=average,
        callbacks=callbacks,
        **options,
    )


class Keep(Callback):
    """Remember the checks, and the state at one of them."""

    def __init__(self, step: int = 0) -> None:
        self.step = step
        self.checks: list[Check] = []
        self.state: dict[str, Any] | None = None

    def on_check(self, check: Check) -> None:
        self.checks.append(check)
        if check.step == self.step:
            self.state = check.state()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_law_1_the_truth_never_enters(
    observed: Tensor, truth: Tensor, objective: ObjectiveSettings
) -> None:
    blind = run(observed, objective=objective)
    scored = run(observed, objective=objective, callbacks=[Scoring(truth)])
    assert torch.equal(blind.estimate, scored.estimate)
    assert blind.history == scored.history


def test_law_4_same_seed_same_image_and_the_global_rng_is_left_alone(observed: Tensor) -> None:
    before = torch.random.get_rng_state()
    first, same, other = (run(observed, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first.estimate, same.estimate)
    assert not torch.equal(first.estimate, other.estimate)


RULES: list[StopRule | None] = [
    None,
    WindowedVariance(window=8, patience=500),
    ExponentialVariance(patience=500, burn_in=5),
    HeldOut(fraction=0.1, patience=500),
    LowestLoss(),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: type(r).__name__)
@pytest.mark.parametrize("optimizer", [Adam(), Muon()], ids=lambda o: type(o).__name__)
def test_law_5_a_fit_goes_on_from_its_state_bit_for_bit(
    observed: Tensor, truth: Tensor, rule: StopRule | None, optimizer: OptimizerSettings
) -> None:
    options: dict[str, Any] = {"stopper": rule, "steps": 40, "optimizer": optimizer}
    whole = run(observed, callbacks=[Scoring(truth)], **options)
    keep = Keep(step=20)
    run(observed, callbacks=[Scoring(truth), keep], **options)
    assert keep.state is not None
    resumed = run(observed, callbacks=[Scoring(truth)], state=keep.state, **options)
    assert torch.equal(whole.estimate, resumed.estimate)
    assert whole.history == resumed.history
    assert whole.kept_step == resumed.kept_step


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_law_5_holds_for_every_objective(observed: Tensor, objective: ObjectiveSettings) -> None:
    problem = Problem(observed=observed, noise=estimate_noise(observed))
    keep = Keep(step=20)  # after the noise has been estimated again
    whole = run(observed, problem=problem, objective=objective, callbacks=[keep])
    resumed = run(observed, problem=problem, objective=objective, state=keep.state)
    assert torch.equal(whole.estimate, resumed.estimate)


def test_law_5_a_fit_that_its_rule_has_ended_goes_no_further(observed: Tensor) -> None:
    problem = Problem(observed=observed, noise=white(0.2))
    options: dict[str, Any] = {"stopper": Discrepancy(), "steps": 400}
    keep = Keep()
    whole = run(observed, problem=problem, callbacks=[keep], **options)
    assert whole.reason is StopReason.DISCREPANCY
    resumed = run(observed, problem=problem, state=keep.checks[-1].state(), **options)
    assert resumed.stop_step == whole.stop_step
    assert resumed.reason is whole.reason
    assert torch.equal(whole.estimate, resumed.estimate)


def test_a_state_is_a_copy_that_later_steps_do_not_change(observed: Tensor) -> None:
    keep = Keep(step=10)
    run(observed, callbacks=[keep], stopper=WindowedVariance(window=4, patience=100))
    assert keep.state is not None
    once = run(observed, state=keep.state)
    assert torch.equal(once.estimate, run(observed, state=keep.state).estimate)


@pytest.mark.parametrize("poison", [math.nan, math.inf, 50.0])
def test_law_6_a_diverging_step_is_rolled_back(
    observed: Tensor, poison: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from untrained.objectives import DataFitObjective

    steps = 0
    original = DataFitObjective.__call__

    def sometimes(self: DataFitObjective, network: Any) -> Any:
        nonlocal steps
        steps += 1
        iterate = original(self, network)
        if steps in (14, 20):  # the last step before a look must be caught, too
            iterate = dataclasses.replace(
                iterate,
                loss=iterate.loss * poison,
                measured=iterate.measured + poison,
                estimate=iterate.estimate * poison,
            )
        return iterate

    monkeypatch.setattr(DataFitObjective, "__call__", sometimes)
    keep = Keep()
    result = run(observed, steps=40, callbacks=[keep])
    assert result.recoveries >= 1
    assert result.stop_step == 40
    assert torch.isfinite(result.estimate).all()
    assert all(math.isfinite(loss) for loss in result.history.loss)
    assert len(result.history.loss) == 40
    assert keep.checks[0].lr == 0.01
    assert keep.checks[-1].lr == pytest.approx(0.01 * 0.5**result.recoveries)


def test_hopeless_divergence_ends_with_the_best_so_far(
    observed: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from untrained.objectives import DataFitObjective

    steps = 0
    original = DataFitObjective.__call__

    def never_again(self: DataFitObjective, network: Any) -> Any:
        nonlocal steps
        steps += 1
        iterate = original(self, network)
        return (
            iterate if steps <= 10 else dataclasses.replace(iterate, loss=iterate.loss * math.nan)
        )

    monkeypatch.setattr(DataFitObjective, "__call__", never_again)
    result = run(observed, steps=40)
    assert result.reason is StopReason.DIVERGED
    assert result.stop_step == 10
    assert torch.isfinite(result.estimate).all()


class _Interrupt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_check(self, check: Check) -> None:
        if check.step == self.step:
            raise KeyboardInterrupt


def test_ctrl_c_keeps_the_best_estimate_so_far(observed: Tensor) -> None:
    result = run(observed, steps=1000, callbacks=[_Interrupt(20)])
    assert result.reason is StopReason.INTERRUPTED
    assert result.stop_step == 20
    assert torch.equal(result.estimate, run(observed, steps=20).estimate)


@pytest.mark.parametrize("step", [27, 5])
def test_ctrl_c_in_the_middle_of_a_step_goes_back_to_the_last_look(
    observed: Tensor, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    from untrained.objectives import DataFitObjective

    steps = 0
    original = DataFitObjective.__call__

    def interrupted(self: DataFitObjective, network: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == step:
            raise KeyboardInterrupt
        return original(self, network)

    expected = run(observed, steps=step // 10 * 10)
    monkeypatch.setattr(DataFitObjective, "__call__", interrupted)
    result = run(observed, steps=1000)
    assert result.stop_step == step // 10 * 10
    assert result.kept == ("average" if result.stop_step else "iterate")  # before the first look
    assert torch.equal(result.estimate, expected.estimate)


def test_cancel(observed: Tensor) -> None:
    looks = iter(range(100))
    result = run(observed, steps=1000, cancelled=lambda: next(looks) >= 2)
    assert result.reason is StopReason.CANCELLED
    assert result.stop_step == 30
    assert torch.isfinite(result.estimate).all()


def test_law_2_a_rule_that_says_stop_stops_the_loop(observed: Tensor) -> None:
    rule = Discrepancy(sigma=0.2)  # reached early
    result = run(observed, steps=1000, stopper=rule, average=None)
    assert result.reason is StopReason.DISCREPANCY
    assert result.stop_step < 1000
    assert result.kept == "iterate"
    assert (result.estimate - observed).square().mean() < 0.2**2 * 1.1


def test_the_kept_image_is_the_one_of_the_kept_step(observed: Tensor) -> None:
    rule = WindowedVariance(window=5, patience=1000)
    keep = Keep()
    result = run(observed, steps=60, stopper=rule, callbacks=[keep])
    (kept,) = [c for c in keep.checks if c.step == result.kept_step]
    assert kept.improved
    assert not any(c.improved for c in keep.checks if c.step > result.kept_step)


def test_without_an_average_the_image_is_that_of_the_clean_z(observed: Tensor) -> None:
    """Jitter of a size that would show: the kept image must not carry it."""
    noisy = dataclasses.replace(DIP, jitter=0.5)
    keep = Keep()
    result = run(observed, objective=noisy, average=None, steps=10, callbacks=[keep])
    assert not torch.equal(result.estimate, keep.checks[-1].estimate)
    again = run(observed, objective=noisy, average=None, steps=10)
    assert torch.equal(result.estimate, again.estimate)


# Not SURE: bfloat16 cannot hold its small difference; its recipe says float32.
@pytest.mark.parametrize("objective", OBJECTIVES[:-1])
def test_law_11_fast_and_plain_agree(observed: Tensor, objective: ObjectiveSettings) -> None:
    """One forward and backward pass in bfloat16, channels last, against eager float32."""

    def gradients(acceleration: Acceleration) -> tuple[Tensor, Tensor]:
        problem = Problem(observed=observed, noise=white(0.1))
        network = SMALL.build(objective.in_channels(3), 3, generator=Generator().manual_seed(0))
        made = objective.build(problem, (37, 50), seed=0)
        iterate = made(acceleration.prepare(network, torch.device("cpu")))
        iterate.loss.backward()  # type: ignore[no-untyped-call]
        grads = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
        return iterate.estimate.detach(), torch.cat(grads)

    plain = gradients(PLAIN)
    layout = gradients(Acceleration(precision="float32", channels_last=True))
    torch.testing.assert_close(layout[0], plain[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layout[1], plain[1], atol=1e-6, rtol=1e-3)
    half = gradients(Acceleration(precision="bfloat16"))
    assert (half[0] - plain[0]).norm() / plain[0].norm() < 0.02
    assert (half[1] - plain[1]).norm() / plain[1].norm() < 0.1


@pytest.mark.parametrize("optimizer", [Adam(), Muon()], ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_short_fit_removes_noise(
    observed: Tensor,
    truth: Tensor,
    objective: ObjectiveSettings,
    optimizer: OptimizerSettings,
) -> None:
    network = Skip(widths=(16, 16), widths_skip=4, up="nearest")
    result = run(observed, steps=80, objective=objective, optimizer=optimizer, network=network)
    before = (observed - truth).square().mean()
    assert (result.estimate - truth).square().mean() < 0.4 * before


def test_missing_pixels_are_not_fitted_and_are_filled(observed: Tensor, truth: Tensor) -> None:
    known = (torch.rand(1, 1, 37, 50, generator=Generator().manual_seed(2)) < 0.7).float()
    poisoned = torch.where(known > 0, truth, torch.tensor(5.0))
    problem = Problem(observed=poisoned, known=known)
    for objective in (DIP, MASKED):
        network = Skip(widths=(16, 16), widths_skip=4)
        result = run(poisoned, steps=80, objective=objective, problem=problem, network=network)
        error = ((result.estimate - truth).square() * (1 - known)).sum() / (1 - known).sum() / 3
        assert error < 0.02, objective


def test_exact_known_pixels_are_put_back(observed: Tensor) -> None:
    known = torch.ones(1, 1, 37, 50)
    known[..., 10:20, 10:20] = 0
    problem = Problem(observed=observed, known=known, exact_known=True)
    keep = Keep()
    result = run(observed, problem=problem, callbacks=[keep])
    for image in (result.estimate, keep.checks[-1].image):
        assert torch.equal((image * known), (observed * known))
        assert not torch.equal(image, observed)


def test_held_out_pixels_do_not_enter_the_fit(observed: Tensor) -> None:
    rule = HeldOut(fraction=0.2, patience=1000)
    problem = Problem(observed=observed).hold_out(0.2, generator=Generator().manual_seed(0))
    assert problem.held_out is not None
    changed = torch.where(problem.held_out > 0, torch.tensor(0.77), observed)
    for objective in (DIP, MASKED, dataclasses.replace(MASKED, flips=True), SelfGuided()):
        original = run(observed, stopper=rule, objective=objective, steps=20)
        other = run(changed, stopper=rule, objective=objective, steps=20)
        assert original.history.loss == other.history.loss, objective
    problem = Problem(observed=observed, known=_one_pixel())
    with pytest.raises(InputError, match="cannot hold out"):
        problem.hold_out(0.1, generator=Generator())
    assert (
        Problem(observed=observed[..., :8, :8])
        .hold_out(0.001, generator=Generator())
        .held_out.sum()
        == 1
    )


def test_looking_at_the_image_does_not_change_the_fit(observed: Tensor) -> None:
    objective = dataclasses.replace(RECORRUPTED, num_predictions=2)
    network = dataclasses.replace(SMALL, dropout=0.3)
    # The one asks for the image at every look at which the loss is lower, the other never.
    often, never = (
        run(observed, objective=objective, network=network, stopper=rule, average=None)
        for rule in (LowestLoss(), None)
    )
    assert often.history.loss == never.history.loss


def _one_pixel() -> Tensor:
    known = torch.zeros(1, 1, 37, 50)
    known[..., 3, 4] = 1
    return known


def test_upscaling_and_a_users_own_operator(truth: Tensor) -> None:
    operator = Resample(2, kernel="area")
    small = operator(truth[..., :36, :])
    problem = Problem(observed=small, operator=operator)
    result = run(small, problem=problem, steps=150, network=Skip(widths=(16, 16)))
    assert result.estimate.shape == (1, 3, 36, 50)
    assert (operator(result.estimate) - small).square().mean() < 0.005

    def gamma(image: Tensor) -> Tensor:
        return image.clamp_min(1e-6) ** 2.0

    problem = Problem(observed=gamma(truth), operator=gamma)
    result = run(truth, problem=problem, steps=150, network=Skip(widths=(16, 16)))
    assert (result.estimate - truth).square().mean() < 0.01


def test_masked_prediction_refuses_other_operators(truth: Tensor) -> None:
    problem = Problem(observed=truth, operator=Resample(2))
    with pytest.raises(InputError, match="use the DataFit objective"):
        MASKED.build(problem, (74, 100), seed=0)
    assert isinstance(Problem(observed=truth).operator, Identity)


def test_total_variation_smooths(observed: Tensor) -> None:
    def roughness(weight: float) -> float:
        penalty = TotalVariation(weight=weight) if weight else None
        objective = dataclasses.replace(DIP, total_variation=penalty)
        estimate = run(observed, steps=60, objective=objective).estimate
        return float((estimate[..., 1:] - estimate[..., :-1]).abs().mean())

    assert roughness(1.0) < 0.7 * roughness(0.0)


def test_schedule_and_history_and_snapshots(observed: Tensor) -> None:
    saved: dict[int, Tensor] = {}
    keep = Keep()
    snapshots = Snapshots([5, 25], lambda step, image: saved.update({step: image}))
    result = run(
        observed, steps=35, schedule=lambda step: 0.5 if step >= 20 else 1.0,
        callbacks=[keep, snapshots],
    )  # fmt: skip
    assert [c.step for c in keep.checks] == [10, 20, 30, 35]
    assert [c.lr for c in keep.checks] == [0.01, 0.01, 0.005, 0.005]
    assert len(result.history.loss) == len(result.history.psnr_observed) == 35
    assert sorted(saved) == [10, 30, 35]  # the first look at or after each, and the kept image
    assert torch.equal(saved[35], result.estimate)


def test_scoring_reports_both_curves_and_the_gap(observed: Tensor, truth: Tensor) -> None:
    scoring = Scoring(truth)
    result = run(observed, steps=60, callbacks=[scoring])
    score = scoring.score
    assert score is not None
    assert score.steps == (10, 20, 30, 40, 50, 60)
    assert score.kept_step == result.kept_step == 60
    assert score.gap == pytest.approx(max(score.psnr_truth) - score.psnr_kept)
    assert score.psnr_truth[-1] == pytest.approx(score.psnr_kept)
    assert score.psnr_observed[-1] == result.history.psnr_observed[-1]
    wrong = Scoring(truth[..., 1:])
    with pytest.raises(InputError, match="truth is 3x37x49"):
        run(observed, callbacks=[wrong])
