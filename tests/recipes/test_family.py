"""Members of the family: published sizes and settings, laws of their parts, and that they work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn

from untrained import find_recipe, restore
from untrained.averaging import SampleAverage
from untrained.errors import InputError
from untrained.fitting import Adam, FixedSteps, HeldOut, Langevin
from untrained.networks import ConvDecoder, FourierFeatures, Noise, Plain, Pointwise, Skip
from untrained.noise import white
from untrained.objectives import (
    DataFit,
    MaskedPrediction,
    NoiseToNoise,
    Objective,
    Problem,
    SelfGuided,
)
from untrained.operators import Resample
from untrained.recipes import Recipe, decode, encode
from untrained.recipes.family import FAMILY
from untrained.restoring import Execution, Given, solve

Scene = Callable[..., Any]
SIGMA = 0.1
TINY = Skip(widths=(8, 8), widths_skip=2, padding="zeros")


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def clean(scene: Scene) -> Tensor:
    return torch.from_numpy(scene(48, 56).transpose(2, 0, 1)[None]).float()


@pytest.fixture(scope="module")
def noisy(clean: Tensor) -> Tensor:
    return clean + SIGMA * torch.randn(clean.shape, generator=generator(1))


def small(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with a small network of its kind, and few steps."""
    networks = {
        Skip: TINY,
        ConvDecoder: ConvDecoder(width=16, layers=4),
        Pointwise: Pointwise(width=32, depth=3),
        Plain: Plain(width=16),
    }
    network = networks[type(recipe.network)]
    if isinstance(recipe.network, Skip) and recipe.network.dropout:
        network = replace(TINY, dropout=recipe.network.dropout)
    objective: Any = recipe.objective
    if isinstance(objective, MaskedPrediction):
        objective = replace(objective, num_predictions=5)
    if isinstance(objective, DataFit) and isinstance(objective.z, FourierFeatures):
        objective = replace(objective, z=FourierFeatures(frequencies=16, scale=4.0))
    if isinstance(recipe.network, ConvDecoder):
        objective = replace(objective, z=replace(objective.z, channels=16))
    average = recipe.average
    if isinstance(average, SampleAverage):
        average = replace(average, burn_in=steps // 2, every=3)
    return replace(
        recipe, network=network, objective=objective, average=average, max_steps=steps,
        stopper=FixedSteps(),
    )  # fmt: skip


# ------------------------------------------------------------------------------- settings


def test_published_settings() -> None:
    sgld = find_recipe("denoise", "sgld")
    assert sgld.optimizer == Langevin(lr=0.01, noise=2.0, weight_decay=5e-8)
    assert sgld.average == SampleAverage(burn_in=7000, every=50)
    assert sgld.max_steps == 20000
    zs_n2n = find_recipe("denoise", "zs-n2n")
    assert isinstance(zs_n2n.optimizer, Adam)
    assert (zs_n2n.optimizer.lr, zs_n2n.max_steps) == (0.001, 2000)
    assert [zs_n2n.optimizer.step_size.factor(s, 2000) for s in (999, 1000)] == [1, 0.5]
    network = zs_n2n.network.build(3, 3, generator=generator())
    assert sum(p.numel() for p in network.parameters()) == 22_275, "22k in the paper"


@pytest.mark.parametrize("recipe", FAMILY, ids=lambda r: r.name)
def test_every_member_is_data_and_cited(recipe: Recipe) -> None:
    assert decode(encode(recipe)) == recipe
    assert find_recipe("denoise", recipe.name) is recipe
    assert "arXiv" in recipe.source or "CVPR" in recipe.source or "ours" in recipe.source


@pytest.mark.parametrize("recipe", FAMILY, ids=lambda r: r.name)
def test_every_member_fits_any_size_and_resumes_to_the_bit(recipe: Recipe) -> None:
    short = replace(small(recipe, 12), check_every=6)
    states: list[Any] = []

    class Keep:
        """Keep the state of the first check."""

        def __getattr__(self, name: str) -> Any:
            return lambda *_: None

        def state_dict(self) -> dict[str, Any]:
            return {}

        def on_check(self, check: Any) -> None:
            if check.step == 6:
                states.append(check.state())

    y = torch.rand(1, 1, 17, 23, generator=generator(3))
    problem = Problem(observed=y, noise=white(SIGMA))
    whole = solve(problem, short, seed=4, execution=Execution(callbacks=[Keep()]))  # type: ignore[list-item]
    assert whole.estimate.shape == y.shape
    resumed = solve(problem, short, seed=4, execution=Execution(state=states[0]))
    torch.testing.assert_close(resumed.estimate, whole.estimate, rtol=0, atol=0)
    for name, value in whole.extras.items():
        torch.testing.assert_close(resumed.extras[name], value, rtol=0, atol=0)


STEPS = {"zs-n2n": 300, "sgld-fast": 120, "self2self": 150, "dip-tv": 150}


@pytest.mark.parametrize("name", STEPS)
def test_a_short_fit_takes_noise_away(name: str, clean: Tensor, noisy: Tensor) -> None:
    recipe = small(find_recipe("denoise", name), STEPS[name])
    if name == "self2self":  # 150000 steps at 1e-4 are for patient machines
        recipe = replace(recipe, optimizer=Adam(lr=0.01))
    if name == "dip-tv":  # its average is for thousands of steps, too
        recipe = replace(recipe, average=None)
    result = solve(Problem(observed=noisy, noise=white(SIGMA)), recipe, seed=0)
    before, after = (float((x - clean).square().mean()) for x in (noisy, result.estimate))
    assert after < 0.6 * before


# ----------------------------------------------------------------------------------- SGLD


def test_langevin_noise_has_the_published_size_and_leaves_vectors_alone() -> None:
    kernel, vector = nn.Parameter(torch.zeros(32, 32, 3, 3)), nn.Parameter(torch.zeros(8))
    optimizer = Langevin(lr=0.01, noise=2.0, weight_decay=0).build([kernel, vector], seed=1)
    kernel.grad, vector.grad = torch.zeros_like(kernel), torch.zeros_like(vector)
    optimizer.step()
    assert float(kernel.detach().std()) == pytest.approx(0.02, rel=0.05)
    assert not vector.any()
    optimizer.param_groups[0]["lr"] /= 2
    before = kernel.detach().clone()
    optimizer.step()
    assert float((kernel - before).detach().std()) == pytest.approx(0.01, rel=0.05)


def test_samples_give_mean_and_spread() -> None:
    images = torch.randn(40, 2, 3, 4, generator=generator())
    running = SampleAverage(burn_in=10, every=5).start()
    for i, image in enumerate(images):
        running.update(image[None])
        if i < 10:
            torch.testing.assert_close(running.value, image[None])
    samples = images[14::5]  # the 15th, 20th … iterate
    assert running.value is not None
    torch.testing.assert_close(running.value[0], samples.mean(0))
    torch.testing.assert_close(running.extras()["spread"][0], samples.std(0))


def test_calibration_finds_the_error_without_the_truth(clean: Tensor) -> None:
    from untrained.restoring import calibrated, coverage

    big = clean.repeat(1, 1, 4, 4)
    error = 0.03 * torch.randn(big.shape, generator=generator(2))
    noise = SIGMA * torch.randn(big.shape, generator=generator(3))
    problem = Problem(observed=big + noise, noise=white(SIGMA))
    for small_or_large in (0.01, 0.1):
        spread = torch.full_like(big, small_or_large)
        assert calibrated(big + error, spread, problem) is None, "no pixel is held out"
        held_out = problem.hold_out(0.3, generator=generator(4))
        sure = calibrated(big + error, spread, held_out)
        assert sure is not None
        assert float(sure.mean()) == pytest.approx(0.03, rel=0.1)
        assert abs(coverage(big, big + error, spread) - 0.9) > 0.09
        assert coverage(big, big + error, sure) == pytest.approx(0.9, abs=0.03)
        assert calibrated(problem.observed, spread, held_out) is None, "nothing but noise is left"


def test_what_is_put_back_into_the_image_does_not_change_its_uncertainty(clean: Tensor) -> None:
    noise = SIGMA * torch.randn(clean.shape, generator=generator(3))
    recipe = small(find_recipe("denoise", "fast"), 20)
    recipe = replace(recipe, members=2, stopper=HeldOut(fraction=0.2))
    plain, known = (
        solve(Problem(observed=clean + noise, noise=white(SIGMA), exact_known=exact), recipe)
        for exact in (False, True)
    )
    assert not torch.equal(plain.estimate, known.estimate)
    assert torch.equal(plain.extras["uncertainty"], known.extras["uncertainty"])


def test_sgld_yields_maps_in_the_result(scene: Scene) -> None:
    image = scene(40, 40) + SIGMA * np.random.default_rng(0).standard_normal((40, 40, 3))
    recipe = small(find_recipe("denoise", "sgld-fast"), 60)
    result = restore(image, recipe=recipe, given=Given(sigma=SIGMA))
    assert result.extras["spread"].shape == result.estimate.shape
    assert (result.extras["spread"] > 0).all()
    assert (result.extras["uncertainty"] > 0).all()
    assert result.kept == "average"


@pytest.mark.parametrize(
    "objective", [DataFit(z=Noise(channels=4)), MaskedPrediction(), NoiseToNoise(), SelfGuided()]
)
def test_members_yield_their_spread(objective: Any, noisy: Tensor) -> None:
    recipe = replace(
        find_recipe("denoise", "paper"), network=TINY, objective=objective, members=3, max_steps=3,
        average=None,
    )  # fmt: skip
    result = solve(Problem(observed=noisy, noise=white(SIGMA)), recipe)
    assert result.extras["spread"].shape == noisy.shape
    assert (result.extras["spread"] > 0).float().mean() > 0.99
    assert "spread" not in solve(Problem(observed=noisy), replace(recipe, members=1)).extras


# --------------------------------------------------------------------------- other members


def loss_of(objective: Objective, network: Callable[[Tensor], Tensor]) -> float:
    return float(objective(network).loss)


def test_noise_to_noise_is_the_error_and_the_noise() -> None:
    """A network that predicts exactly the noise leaves the noise of a half: σ²/2."""
    shape = (1, 3, 200, 240)
    problem = Problem(observed=0.5 + SIGMA * torch.randn(shape, generator=generator(5)))
    objective = NoiseToNoise().build(problem, (200, 240), seed=0)
    assert loss_of(objective, lambda y: y - 0.5) == pytest.approx(SIGMA**2 / 2, rel=0.05)
    nothing = loss_of(objective, torch.zeros_like)
    assert nothing == pytest.approx(SIGMA**2, rel=0.05), "doing nothing leaves that of both"


def test_what_cannot_be_is_refused(noisy: Tensor) -> None:
    size = (noisy.shape[-2], noisy.shape[-1])
    held = Problem(observed=noisy).hold_out(0.1, generator=generator())
    with pytest.raises(InputError, match="whole noisy images"):
        NoiseToNoise().build(held, size, seed=0)
    with pytest.raises(InputError, match="whole noisy images"):
        NoiseToNoise().build(Problem(observed=noisy, operator=Resample(2)), size, seed=0)
    with pytest.raises(InputError, match="image to an image"):
        SelfGuided().build(Problem(observed=noisy), (3, 4), seed=0)
    for wrong in (
        lambda: Skip(dropout=1.0), lambda: ConvDecoder(scale=1.0), lambda: SampleAverage(every=0),
        lambda: FourierFeatures(scale=0), lambda: Langevin(noise=-1), lambda: SelfGuided(alpha=-1),
        lambda: replace(find_recipe("denoise", "dip-tv"), fitted="some"),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(InputError):
            wrong()


def test_dropout_is_on_seeded_and_unbiased() -> None:
    network = replace(TINY, dropout=0.3).build(4, 3, generator=generator())
    twin = replace(TINY, dropout=0.3).build(4, 3, generator=generator())
    z = torch.rand(1, 4, 24, 24, generator=generator(1))
    first, second = network(z), network(z)
    assert (first - second).abs().max() > 1e-3
    torch.testing.assert_close(twin(z), first, rtol=0, atol=0)
    twin.load_state_dict(network.state_dict())
    torch.testing.assert_close(twin(z), network(z), rtol=0, atol=0)

    from untrained.networks.dropout import Dropout

    ones = Dropout(0.3)(torch.ones(1, 8, 100, 100))
    assert float(ones.mean()) == pytest.approx(1, abs=0.01)
    assert float((ones == 0).float().mean()) == pytest.approx(0.3, abs=0.01)


def test_self_guidance_moves_z_towards_the_image(clean: Tensor, noisy: Tensor) -> None:
    recipe = replace(small(find_recipe("denoise", "self-guided"), 60), optimizer=Adam(lr=0.01))
    result = solve(Problem(observed=noisy, noise=white(SIGMA)), recipe)
    guide = result.extras["guide"]
    before, after = (float((x - clean).square().mean()) for x in (noisy, guide))
    assert after < 0.7 * before


def test_a_random_projector_leaves_its_convolutions_as_they_were_drawn(noisy: Tensor) -> None:
    recipe = small(find_recipe("denoise", "random-projector"), 10)
    problem = Problem(observed=noisy)
    fitted = solve(problem, recipe, seed=2)
    fresh = recipe.network.build(32, 3, generator=generator(2)).state_dict()
    for name, value in fitted.weights.items():
        same = torch.equal(value, fresh[name])
        assert same == ("norm" not in name and value.ndim in (0, 4)) or value.ndim == 1, name
    kernels = [name for name, value in fresh.items() if value.ndim == 4]
    assert all(torch.equal(fitted.weights[name], fresh[name]) for name in kernels)
    assert fitted.history.loss[-1] < 0.9 * fitted.history.loss[0]


def test_fourier_features_know_where_they_are() -> None:
    z = FourierFeatures(frequencies=8, scale=2.0).build(12, 20, generator=generator())
    assert z.shape == (1, 16, 12, 20)
    torch.testing.assert_close(z[:, :8] ** 2 + z[:, 8:] ** 2, torch.ones(1, 8, 12, 20))
    # a step across is the same turn everywhere: cos(a+d) = cos a cos d - sin a sin d
    turn = torch.complex(z[0, :8], z[0, 8:])
    steps = turn[:, :, 1:] / turn[:, :, :-1]
    torch.testing.assert_close(steps, steps[:, :1, :1].expand_as(steps), atol=1e-4, rtol=0)


def test_pointwise_networks_mix_no_pixels_and_decoders_reach_the_image() -> None:
    pointwise = Pointwise(width=8).build(4, 3, generator=generator())
    z = torch.rand(1, 4, 6, 7, generator=generator(1))
    changed = z.clone()
    changed[..., 2, 3] += 1
    moved = (pointwise(z) != pointwise(changed)).any(1)[0]
    assert moved.nonzero().tolist() == [[2, 3]]
    for settings in (ConvDecoder(width=6, layers=5), ConvDecoder(width=6, layers=3, up="bilinear")):
        for size in ((8, 9), (65, 130)):
            small_z = torch.rand(1, 6, *settings.input_size(*size), generator=generator())
            image = settings.build(6, 2, generator=generator())(small_z)
            assert image.shape[-2] >= size[0]
            assert image.shape[-1] >= size[1]
