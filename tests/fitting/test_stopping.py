"""Stop rules against their formulas, on made-up fits."""

from __future__ import annotations

import pytest
import torch

from untrained.averaging import ExponentialAverage
from untrained.errors import InputError
from untrained.fitting import (
    Discrepancy,
    ExponentialVariance,
    FixedSteps,
    HeldOut,
    Look,
    LowestLoss,
    Stopper,
    StopReason,
    StopRule,
    WindowedVariance,
)


def start(rule: StopRule, *, max_steps: int = 1000, sigma: float | None = None) -> Stopper:
    generator = torch.Generator().manual_seed(0)
    return rule.start(max_steps=max_steps, sigma=sigma, generator=generator)


def look(step: int, **values: float | torch.Tensor) -> Look:
    full = {"residual": 1.0, "kept_residual": 1.0, "held_out": None, "loss": 1.0, **values}
    loss = full.pop("loss")
    return Look(step=step, losses=(loss,), **full)  # type: ignore[arg-type]


def frames(count: int) -> torch.Tensor:
    """Iterates whose spread falls until half way and rises again."""
    generator = torch.Generator().manual_seed(1)
    spread = (torch.arange(count) / count - 0.5).abs() + 0.1
    return spread.view(-1, 1, 1, 1, 1) * torch.randn(count, 1, 3, 6, 7, generator=generator)


def test_windowed_variance_is_the_formula_of_the_paper() -> None:
    xs = frames(40)
    stopper = start(WindowedVariance(window=8, patience=500, sketch=0))
    for step, x in enumerate(xs, start=1):
        stopper.observe(x)
        verdict = stopper.check(look(step))
        if step < 8:
            assert verdict.value is None
            continue
        window = xs[step - 8 : step]
        expected = (window - window.mean(0)).square().mean()
        assert verdict.value == pytest.approx(expected.item(), rel=1e-4)


def test_exponential_variance_is_the_formula_of_the_paper() -> None:
    xs, alpha = frames(40), 0.2
    stopper = start(ExponentialVariance(alpha=alpha, patience=500, burn_in=5, sketch=0))
    mean, emv = xs[0].clone(), 0.0
    for step, x in enumerate(xs, start=1):
        stopper.observe(x)
        verdict = stopper.check(look(step))
        if step > 1:
            emv = (1 - alpha) * (emv + alpha * (x - mean).square().mean().item())
            mean = mean + alpha * (x - mean)
        if step > 5:
            assert verdict.value == pytest.approx(emv, rel=1e-4)


@pytest.mark.parametrize(
    "rule",
    [
        WindowedVariance(window=10, patience=60),
        ExponentialVariance(alpha=0.2, patience=60, burn_in=10),
        WindowedVariance(window=10, patience=60, sketch=40),
    ],
)
@pytest.mark.parametrize("every", [1, 7])
def test_variance_rules_stop_after_the_minimum_and_keep_it(rule: StopRule, every: int) -> None:
    xs = frames(400)
    stopper = start(rule)
    best = stopped = 0
    for step, x in enumerate(xs, start=1):
        stopper.observe(x)
        if step % every:
            continue
        verdict = stopper.check(look(step))
        best = step if verdict.improved else best
        if verdict.stop:
            assert verdict.stop is StopReason.VARIANCE
            stopped = step
            break
    assert 180 <= best <= 230  # the spread is least at 200
    assert best + 60 - every <= stopped <= best + 60 + every


def test_a_sketch_watches_the_same_pixels_at_every_step() -> None:
    """A still image has no variance, whatever part of it is watched."""
    stopper = start(WindowedVariance(window=4, patience=50, sketch=10))
    x = torch.rand(1, 3, 20, 20)
    for _ in range(6):
        stopper.observe(x)
    assert stopper.check(look(6)).value == pytest.approx(0, abs=1e-12)


def test_patience_scales_with_a_short_fit() -> None:
    rule = WindowedVariance(window=100, patience=1000, scale_to=3000)
    short = start(rule, max_steps=300)
    assert (short.window, short.patience) == (10, 100)  # type: ignore[attr-defined]
    long = start(rule, max_steps=5000)
    assert (long.window, long.patience) == (100, 1000)  # type: ignore[attr-defined]


def test_discrepancy_stops_at_the_noise_level() -> None:
    stopper = start(Discrepancy(tau=1.1), sigma=0.1)
    assert stopper.check(look(10, kept_residual=0.0111)).stop is None
    verdict = stopper.check(look(20, kept_residual=0.0109))
    assert verdict.stop is StopReason.DISCREPANCY
    assert verdict.improved
    with pytest.raises(InputError, match="give sigma"):
        start(Discrepancy())
    assert start(Discrepancy(sigma=0.2)).check(look(1, kept_residual=0.04)).stop


def test_held_out_waits_for_its_patience_and_keeps_the_lowest() -> None:
    stopper = start(HeldOut(patience=30))
    falling = {10: 0.5, 20: 0.4, 30: 0.41, 40: 0.42}
    verdicts = {s: stopper.check(look(s, held_out=torch.tensor([v]))) for s, v in falling.items()}
    assert [s for s, v in verdicts.items() if v.improved] == [10, 20]
    assert all(v.stop is None for v in verdicts.values())
    assert stopper.check(look(50, held_out=torch.tensor([0.43]))).stop is StopReason.HELD_OUT
    with pytest.raises(InputError, match="held-out pixels"):
        stopper.check(look(60))


def test_held_out_leaves_out_the_largest_errors_where_asked() -> None:
    errors = torch.full((100,), 0.1)
    errors[[3, 50]] = 9.0
    for trim, value in ((0.0, 0.278), (0.01, 0.19), (0.02, 0.1), (0.05, 0.1)):
        assert start(HeldOut(trim=trim)).check(look(1, held_out=errors)).value == pytest.approx(
            value, rel=2e-3
        )
    assert start(HeldOut(trim=0.9)).check(look(1, held_out=torch.ones(1))).value == 1
    with pytest.raises(InputError, match="trim is 1"):
        HeldOut(trim=1)


def test_held_out_gain_must_be_worth_it() -> None:
    stopper = start(HeldOut(patience=30, min_gain=0.1))
    stopper.check(look(10, held_out=torch.tensor([1.0])))
    creeping = [
        stopper.check(look(10 + 10 * i, held_out=torch.tensor([1 - 0.01 * i]))) for i in (1, 2, 3)
    ]
    assert all(v.improved for v in creeping)  # still the best so far
    assert creeping[-1].stop is StopReason.HELD_OUT  # but not worth going on


def test_lowest_loss_and_fixed_steps() -> None:
    stopper = start(LowestLoss())
    improved = [stopper.check(look(i, loss=v)).improved for i, v in enumerate((3.0, 2.0, 2.5, 1.0))]
    assert improved == [True, True, False, True]
    fixed = start(FixedSteps())
    assert fixed.check(look(1)).stop is None
    assert not fixed.check(look(1)).improved


@pytest.mark.parametrize(
    "rule",
    [WindowedVariance(window=8, patience=50), ExponentialVariance(patience=50, burn_in=3)],
)
def test_a_restored_rule_goes_on_as_if_nothing_had_happened(rule: StopRule) -> None:
    xs = frames(60)
    one, other = start(rule), start(rule)
    for x in xs[:30]:
        one.observe(x)
    one.check(look(30))
    other.load_state_dict(one.state_dict())
    for x in xs[30:]:
        one.observe(x)
        other.observe(x)
    assert one.check(look(60)) == other.check(look(60))


def test_exponential_average() -> None:
    average = ExponentialAverage(decay=0.9).start()
    xs = [torch.full((1, 1, 2, 2), float(v)) for v in (1, 2, 4)]
    for x in xs:
        average.update(x)
    assert average.value is not None
    assert average.value[0, 0, 0, 0].item() == pytest.approx(0.9 * (0.9 * 1 + 0.1 * 2) + 0.1 * 4)
    assert xs[0].max() == 1  # the first iterate was copied, not taken
    with pytest.raises(InputError, match="decay"):
        ExponentialAverage(decay=1.0)


def test_every_reason_has_advice() -> None:
    assert all(len(reason.advice) > 10 for reason in StopReason)
