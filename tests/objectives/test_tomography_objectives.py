from dataclasses import replace

import numpy as np
import pytest
import torch

from untrained.averaging import ExponentialAverage
from untrained.errors import InputError
from untrained.fitting import Adam, Callback, FixedSteps
from untrained.networks import Noise, Skip
from untrained.objectives import (
    DataFit,
    Gaussian,
    Offsets,
    Poisson,
    Problem,
    Ramp,
    TotalVariation,
    Transmission,
)
from untrained.operators import Radon
from untrained.recipes import Recipe
from untrained.restoring import Execution
from untrained.restoring.solve import solve


def test_the_transmission_loss_is_that_of_counts() -> None:
    y, p = torch.rand(1, 1, 5, 6) * 4, torch.rand(1, 1, 5, 6) * 4
    counts, rate = 1000 * torch.exp(-y), 1000 * torch.exp(-p)
    loss, of_counts = Transmission(photons=1000), Poisson(gain=1.0)
    change = float(loss(p, y, None) - loss(y, y, None))
    wanted = float(of_counts(rate, counts, None) - of_counts(counts, counts, None)) / 1000
    assert abs(change - wanted) < 1e-6
    weight = torch.ones(1, 1, 5, 6)
    weight[..., 0] = 0
    outside = p.clone()
    outside[..., 0] = 100
    assert torch.equal(
        loss(outside, y, weight), loss(p.index_fill(3, torch.tensor(0), 0), y, weight)
    )


def test_the_transmission_loss_is_least_at_y_in_any_unit_and_never_soars() -> None:
    y = torch.rand(1, 1, 3, 4, dtype=torch.float64)
    p = y.clone().requires_grad_()
    loss = Transmission(unit=0.3)
    loss(p, y, None).backward()
    assert float(p.grad.abs().max()) < 1e-12
    assert float(loss(y, y, None)) == pytest.approx(float(Transmission()(0.3 * y, 0.3 * y, None)))
    wild = torch.full_like(y, -1e4).requires_grad_()
    loss(wild, y, None).backward()
    assert torch.isfinite(wild.grad).all()
    assert (wild.grad < 0).all()
    operator = Radon([0.0, 1.0], 9, 8)
    operator.nepers = 0.5
    assert loss.for_operator(operator).unit == 0.15


def test_isotropic_total_variation_turns_with_the_picture() -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    edge = torch.sigmoid((x + y - 63) * 3)[None, None]
    straight = torch.sigmoid((x - 31.5) * 3)[None, None]
    values = [TotalVariation(weight=1, isotropic=i)(edge) for i in (True, False)]
    assert float(values[0] / values[1]) == pytest.approx(2**-0.5, rel=0.02)
    plain = TotalVariation(weight=1)(straight)
    assert float(TotalVariation(weight=1, isotropic=True)(straight)) == pytest.approx(
        float(plain), rel=0.02
    )
    flat = torch.ones(1, 1, 8, 8, requires_grad=True)
    TotalVariation(weight=1, isotropic=True)(flat).backward()
    assert torch.isfinite(flat.grad).all()


def test_a_relative_loss_has_no_unit() -> None:
    y, p = torch.rand(1, 1, 5, 6), torch.rand(1, 1, 5, 6)
    loss = Gaussian(relative=True)
    assert float(loss(1e-7 * p, 1e-7 * y, None)) == pytest.approx(float(loss(p, y, None)), rel=1e-5)


def test_the_ramp_weighs_by_the_frequency_and_has_no_unit() -> None:
    y = torch.rand(1, 1, 4, 64) + 1
    losses = []
    for period in (32, 16, 8):
        wave = torch.sin(2 * torch.pi * torch.arange(64.0) / period) * torch.hann_window(64)
        losses.append(float(Ramp()(y + wave, y, None)))
    assert losses[1] / losses[0] == pytest.approx(2, rel=0.05)
    assert losses[2] / losses[1] == pytest.approx(2, rel=0.05)
    assert float(Ramp()(y, y, None)) == 0
    p = torch.rand(1, 1, 4, 64)
    assert float(Ramp()(1e-7 * p, 1e-7 * y, None)) == pytest.approx(
        float(Ramp()(p, y, None)), rel=1e-4
    )
    weight = torch.ones(1, 1, 4, 64)
    weight[:, :, 2] = 0
    wild = p.index_fill(2, torch.tensor(2), 1e3)
    assert torch.equal(Ramp()(wild, y, weight), Ramp()(p, y, weight))


def test_one_step_down_the_ramp_is_filtered_back_projection() -> None:
    problem, clean, _ = ringed(views=90)
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    Ramp()(problem.operator(image), clean, None).backward()
    fbp = problem.operator.fbp(clean)
    same = torch.nn.functional.cosine_similarity(-image.grad.flatten(), fbp.flatten(), dim=0)
    assert float(same) > 0.99


def ringed(views: int = 40, noise: float = 0.05) -> tuple[Problem, torch.Tensor, torch.Tensor]:
    """Return y = A x + b + noise with white b, then A x and b."""
    generator = torch.Generator().manual_seed(0)
    image = torch.zeros(1, 1, 32, 32)
    image[..., 9:23, 12:20] = 1
    operator = Radon(np.linspace(0, np.pi, views, endpoint=False), 48, 32)
    b = 0.4 * torch.randn(1, 1, 1, 48, generator=generator)
    clean = operator(image)
    y = clean + b + noise * torch.randn(clean.shape, generator=generator)
    return Problem(observed=y, operator=operator), clean, b


def test_of_the_right_image_the_offsets_are_found() -> None:
    problem, clean, b = ringed()
    fitted = Offsets(rate=0.5, after=0).build(problem)
    for _ in range(20):
        fitted.update(clean)
    left = b - fitted.values
    smooth = torch.nn.functional.avg_pool1d(left[:, 0], 15, 1, 7, count_include_pad=False)
    assert float((left[:, 0] - smooth)[..., 7:-7].std()) < 0.1 * float(b.std())
    torch.testing.assert_close(fitted.problem.observed, problem.observed - fitted.values)


def test_where_there_are_none_none_are_found() -> None:
    problem, clean, _ = ringed()
    noise = 0.05 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    fitted = Offsets(rate=1.0, after=0).build(replace(problem, observed=clean + noise))
    fitted.update(clean)
    assert float(fitted.values.std()) < 0.5 * 0.05 / 40**0.5


def test_held_out_and_missing_measurements_have_no_part_in_the_offsets() -> None:
    problem, clean, _ = ringed()
    known = torch.ones(1, 1, 40, 48)
    known[:, :, 3], known[..., 20] = 0, 0
    held_out = torch.zeros(1, 1, 40, 48)
    held_out[:, :, 7] = 1
    values = []
    for wild in (0.0, 1e6):
        y = torch.where(known * (1 - held_out) > 0, problem.observed, wild)
        fitted = Offsets(rate=1.0, after=0).build(
            replace(problem, observed=y, known=known, held_out=held_out)
        )
        fitted.update(clean)
        values.append(fitted.values)
    assert torch.equal(values[0], values[1])
    assert float(values[0][..., 20]) == 0


class Kept(Callback):
    state = None

    def on_check(self, check) -> None:
        if check.step == 10:
            self.state = check.state()


def test_a_fit_with_offsets_goes_on_to_the_bit() -> None:
    problem, _, _ = ringed()
    recipe = Recipe(
        name="x", task="ct", source="", network=Skip(widths=(8, 8), widths_skip=2),
        objective=DataFit(z=Noise(channels=4), offsets=Offsets(after=5)), optimizer=Adam(),
        max_steps=20, stopper=FixedSteps(), average=ExponentialAverage(decay=0.9), check_every=5,
    )  # fmt: skip
    kept = Kept()
    whole = solve(problem, recipe, execution=Execution(callbacks=[kept]))
    resumed = solve(problem, recipe, execution=Execution(state=kept.state))
    assert float(whole.extras["offsets"].abs().max()) > 0
    assert torch.equal(whole.extras["offsets"], resumed.extras["offsets"])
    assert torch.equal(whole.estimate, resumed.estimate)


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"after": -1}, {"neighbours": 4}])
def test_offsets_that_make_no_sense_are_refused(wrong) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Offsets(**wrong)
