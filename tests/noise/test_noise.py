"""How noisy a picture is, at each brightness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Generator, Tensor

from untrained.noise import (
    NoiseModel,
    NoisePool,
    clipped_gaussian,
    clipped_poisson,
    estimate_noise,
    gaussian_taps,
    white,
)
from untrained.objectives import Problem

Scene = Callable[..., Any]


def tensor(image: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])).float()


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.2])
def test_clipped_gaussian_is_what_clipping_gives(sigma: float) -> None:
    model = clipped_gaussian(sigma)
    draws = np.random.default_rng(0).normal(0, sigma, 200_000)
    for clean in (0.0, 0.03, 0.5, 0.96):
        clipped = np.clip(clean + draws, 0, 1)
        assert float(model.at(torch.tensor([clipped.mean()]).float())) == pytest.approx(
            clipped.std(), rel=0.02, abs=1e-4
        )


def test_between_levels_the_deviation_is_interpolated() -> None:
    model = NoiseModel(levels=torch.tensor([0.2, 0.6]), sigmas=torch.tensor([0.1, 0.3]))
    brightness = torch.tensor([0.0, 0.2, 0.4, 0.6, 1.0])
    assert model.at(brightness).tolist() == pytest.approx([0.1, 0.1, 0.2, 0.3, 0.3])
    assert white(0.07).at(brightness).tolist() == pytest.approx([0.07] * 5)
    assert model.sigma == pytest.approx(np.sqrt((0.01 + 0.09) / 2))


@pytest.mark.parametrize("sigma", [10 / 255, 25 / 255])
def test_white_noise_is_found_on_a_picture_with_texture(scene: Scene, sigma: float) -> None:
    noise = np.random.default_rng(0).normal(0, sigma, (192, 160, 3))
    model = estimate_noise(tensor(scene(192, 160) + noise))
    assert model is not None
    assert model.estimated
    assert model.sigma == pytest.approx(sigma, rel=0.1)


def test_photon_noise_grows_with_the_brightness() -> None:
    clean = np.tile(np.linspace(0.05, 0.9, 256), (256, 1))[:, :, None]
    noisy = np.random.default_rng(0).poisson(50 * clean) / 50
    model = estimate_noise(tensor(noisy))
    assert model is not None
    for level in (0.1, 0.4, 0.8):
        assert float(model.at(torch.tensor([level]))) == pytest.approx(
            np.sqrt(level / 50), rel=0.12
        )


def test_texture_counts_less_once_a_smooth_image_is_taken_off() -> None:
    generator = np.random.default_rng(0)
    clean = 0.5 + 0.1 * np.sin(2.1 * np.add(*np.mgrid[0:128, 0:128]))[:, :, None]
    noisy = tensor(clean + generator.normal(0, 0.03, clean.shape))
    plain, better = estimate_noise(noisy), estimate_noise(noisy, smooth=tensor(clean))
    assert plain is not None
    assert better is not None
    assert plain.sigma > 0.04
    assert better.sigma == pytest.approx(0.03, rel=0.05)


def test_what_a_fit_leaves_of_light_in_bright_places_is_too_little_and_is_known() -> None:
    clean = torch.linspace(0.04, 0.6, 256).expand(1, 1, 256, 256).clone()
    spots = torch.zeros_like(clean)
    spots[..., 218:] = 1  # the brightest part of the picture
    generator = Generator().manual_seed(0)
    light = (clean / 60).sqrt() * torch.randn(clean.shape, generator=generator)
    kept = torch.where(spots > 0, 0.4 * light, torch.zeros(()))  # of the noise, by the fit
    before = estimate_noise(clean + light)
    model = estimate_noise(clean + light, smooth=clean + kept, before=before)
    assert model is not None
    levels = torch.tensor([0.3, 0.4, 0.57])
    assert model.at(levels).tolist() == pytest.approx((levels / 60).sqrt().tolist(), rel=0.12)
    # Noise that is alike everywhere stays what was read of it.
    even = 0.05 * torch.randn(clean.shape, generator=generator)
    left = torch.where(spots > 0, 0.4 * even, torch.zeros(()))
    model = estimate_noise(clean + even, smooth=clean + left, before=white(0.05))
    assert model is not None
    assert float(model.at(torch.tensor([0.55]))) == pytest.approx(0.03, rel=0.15)


def test_missing_pixels_are_left_out_and_tiny_pictures_have_no_estimate(scene: Scene) -> None:
    noisy = tensor(scene(128, 128) + np.random.default_rng(0).normal(0, 0.1, (128, 128, 3)))
    known = torch.ones(1, 1, 128, 128)
    known[..., 40:80, 40:80] = 0
    broken = torch.where(known > 0, noisy, 7.0)
    model = estimate_noise(broken, known)
    assert model is not None
    assert model.sigma == pytest.approx(0.1, rel=0.1)
    assert estimate_noise(noisy[..., :7, :]) is None
    assert estimate_noise(noisy[:, :1, :16, :16]) is None
    assert estimate_noise(noisy, torch.zeros(1, 1, 128, 128)) is None


def test_a_pool_shows_standard_noise_that_is_new_at_every_step() -> None:
    pool = NoisePool((2, 3, 40, 50), generator=Generator().manual_seed(0))
    draws = torch.stack([pool.draw().clone() for _ in range(40)])
    assert draws.shape == (40, 2, 3, 40, 50)
    assert abs(float(draws.mean())) < 0.05
    assert float(draws.std()) == pytest.approx(1, abs=0.05)
    flat = draws.flatten(1)
    together = torch.corrcoef(flat)
    off = together[~torch.eye(40, dtype=torch.bool)]
    assert float(off.abs().max()) < 0.1


def test_a_pool_goes_on_where_it_was() -> None:
    pool = NoisePool((1, 1, 8, 8), generator=Generator().manual_seed(3))
    pool.draw()
    state = pool.state_dict()
    expected = pool.draw().clone()
    other = NoisePool((1, 1, 8, 8), generator=Generator().manual_seed(3))
    other.load_state_dict(state)
    assert torch.equal(other.draw(), expected)


def test_white_noise_is_not_taken_for_correlated(scene: Scene) -> None:
    for sigma in (0.02, 0.1):
        noise = np.random.default_rng(0).normal(0, sigma, (256, 256, 3))
        model = estimate_noise(tensor(scene(256, 256) + noise))
        assert model is not None
        assert model.correlation is None


def blurred(noise: Tensor, blur: float) -> Tensor:
    """Return white noise through a Gaussian filter, at its former variance."""
    taps = gaussian_taps(blur)
    channels = noise.shape[1]
    rows = taps.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    padded = torch.nn.functional.pad(noise, (len(taps) // 2,) * 4, mode="circular")
    across = torch.nn.functional.conv2d(padded, rows, groups=channels)
    return torch.nn.functional.conv2d(across, rows.transpose(2, 3), groups=channels)


def drawn(seed: int, channels: int = 1, size: int = 128) -> Tensor:
    return torch.randn(1, channels, size, size, generator=Generator().manual_seed(seed))


@pytest.fixture
def leaves() -> Tensor:
    """Return texture without a flat place, as strong at half the size as noise of σ .1."""
    return (0.5 + 0.15 * blurred(drawn(1), 1.2)).clamp(0, 1)


@pytest.mark.parametrize("sigma", [0.05, 0.1])
def test_texture_everywhere_does_not_make_white_noise_correlated(
    leaves: Tensor, sigma: float
) -> None:
    model = estimate_noise(leaves + sigma * drawn(0))
    assert model is not None
    assert model.correlation is None


def test_texture_everywhere_does_not_make_photon_noise_correlated(leaves: Tensor) -> None:
    counts = torch.poisson(60 * leaves, generator=Generator().manual_seed(0))
    model = estimate_noise(counts / 60)
    assert model is not None
    assert model.correlation is None


@pytest.mark.parametrize("sigma", [0.05, 0.1])
@pytest.mark.parametrize("blur", [0.5, 0.6, 0.8])
def test_texture_everywhere_does_not_hide_correlated_noise(
    leaves: Tensor, sigma: float, blur: float
) -> None:
    model = estimate_noise(leaves + sigma * blurred(drawn(0), blur))
    assert model is not None
    assert model.correlation is not None


def test_noise_whose_fine_scale_was_emptied_is_correlated() -> None:
    blocks = drawn(0, size=64).repeat_interleave(2, -1).repeat_interleave(2, -2)
    model = estimate_noise(0.5 + 0.05 * blocks)
    assert model is not None
    assert model.correlation is not None
    assert model.sigma > 0.02


def test_a_sky_clipped_at_white_does_not_make_white_noise_correlated() -> None:
    clean = torch.full((1, 1, 128, 128), 1.2)
    clean[..., 80:, :] = 0.5
    model = estimate_noise((clean + 0.1 * drawn(0)).clamp(0, 1))
    assert model is not None
    assert model.correlation is None


def test_correlation_is_read_around_missing_pixels(leaves: Tensor) -> None:
    known = (torch.rand(1, 1, 128, 128, generator=Generator().manual_seed(2)) > 0.02).float()
    for blur, seen in ((0.0, False), (0.6, True)):
        noisy = leaves + 0.07 * (blurred(drawn(0), blur) if blur else drawn(0))
        model = estimate_noise(torch.where(known > 0, noisy, 7.0), known)
        assert model is not None
        assert (model.correlation is not None) is seen


def test_a_bounded_image_takes_away_no_more_than_the_noise() -> None:
    clean = torch.full((1, 1, 64, 64), 0.5)
    clean[..., 20:44, 20:44] = 0.8
    noise = 0.05 * torch.randn(clean.shape, generator=Generator().manual_seed(0))
    problem = Problem(observed=clean + noise, noise=white(0.05), bounded=True)
    # A good estimate stays as it is; one that lost the square gets it back, noise and all.
    assert float((problem.finish(clean) - clean).abs().mean()) < 0.001
    inside = (..., slice(26, 38), slice(26, 38))
    back = problem.finish(torch.full_like(clean, 0.5))
    assert float((back - problem.observed)[inside].abs().mean()) < 0.1
    assert float((back - clean)[..., :8, :].abs().mean()) < 0.005
    silent = Problem(observed=clean, noise=white(0.0), bounded=True)
    assert torch.equal(silent.finish(torch.zeros_like(clean)), clean)
    plain = Problem(observed=clean, noise=white(0.0))
    assert torch.equal(plain.finish(torch.zeros_like(clean)), torch.zeros_like(clean))


def test_noise_models_of_a_stretched_picture_are_stretched_alike() -> None:
    generator = np.random.default_rng(0)
    low, high = 0.02, 0.12
    model = clipped_poisson(50, black=-low / (high - low), white=(1 - low) / (high - low))
    drawn = (np.minimum(generator.poisson(50 * 0.07, 200_000) / 50, 1) - low) / (high - low)
    assert float(model.at(torch.tensor([0.5]))) == pytest.approx(drawn.std(), rel=0.01)
    far = clipped_gaussian(0.1, top=4)  # clipped at black only
    drawn = np.clip(generator.normal(1, 0.1, 200_000), 0, 4)
    assert float(far.at(torch.tensor([1.0]))) == pytest.approx(drawn.std(), rel=0.01)
    assert float(far.unbiased(torch.tensor([1.0]))) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("photons", [3, 10.5, 200])
def test_clipped_photon_noise_has_the_moments_of_a_simulation(photons: float) -> None:
    model = clipped_poisson(photons)
    assert model.clean is not None
    assert (model.levels.diff() > 0).all()
    generator = np.random.default_rng(0)
    for i in (0, 13, 40, 64):
        x = float(model.clean[i])
        drawn = np.minimum(generator.poisson(photons * x, 200_000) / photons, 1)
        assert float(model.levels[i]) == pytest.approx(drawn.mean(), abs=3e-3)
        assert float(model.sigmas[i]) == pytest.approx(drawn.std(), abs=3e-3)


def test_texture_at_one_brightness_is_no_noise_there() -> None:
    rng = np.random.default_rng(0)
    clean = np.tile(np.linspace(0.35, 0.75, 192), (192, 1))
    rough = gaussian_filter(rng.normal(size=(192, 48)), 0.5)
    clean[:, :48] = 0.25 + 0.04 * rough / rough.std()
    noisy = clean + rng.normal(0, 0.06, clean.shape)
    model = estimate_noise(tensor(noisy[:, :, None]))
    assert model is not None
    assert model.at(torch.tensor([0.25, 0.5])).tolist() == pytest.approx([0.06, 0.06], rel=0.05)
    photons = rng.poisson(60 * clean) / 60
    model = estimate_noise(tensor(photons[:, :, None]))
    assert model is not None
    dark, bright = model.at(torch.tensor([0.4, 0.7])).tolist()
    assert dark < 0.85 * bright


def test_the_colours_tell_noise_from_texture_that_is_everywhere() -> None:
    rng = np.random.default_rng(0)
    grass = gaussian_filter(rng.normal(size=(192, 192)), 0.8)
    clean = 0.5 + 0.08 * np.repeat((grass / grass.std())[:, :, None], 3, axis=2)
    model = estimate_noise(tensor(clean + rng.normal(0, 10 / 255, clean.shape)))
    assert model is not None
    assert model.doubtful == ""
    assert model.correlation is None
    assert model.sigma == pytest.approx(10 / 255, rel=0.05)


def test_photons_are_not_white_noise_where_few_places_are_bright() -> None:
    rng = np.random.default_rng(0)
    clean = 0.08 + 0.04 * np.tile(np.linspace(0, 1, 192), (192, 1))
    clean[:, 152:] = 0.6
    model = estimate_noise(tensor((rng.poisson(40 * clean) / 40)[:, :, None]))
    assert model is not None
    dark, bright = model.at(torch.tensor([0.1, 0.6])).tolist()
    assert dark == pytest.approx(np.sqrt(0.1 / 40), rel=0.12)
    assert bright == pytest.approx(np.sqrt(0.6 / 40), rel=0.12)


def test_white_noise_of_the_brightness_alone_is_noise(scene: Scene) -> None:
    gray = np.random.default_rng(0).normal(0, 12 / 255, (192, 160, 1))
    model = estimate_noise(tensor(scene(192, 160) + gray))
    assert model is not None
    assert model.doubtful == ""
    assert model.correlation is not None
    middle = model.correlation.shape[-1] // 2
    brightness, *colours = (model.correlation[:, middle, middle] * model.sigma**2).sqrt().tolist()
    assert brightness == pytest.approx(3**0.5 * 12 / 255, rel=0.1)
    assert max(colours) < 0.4 * brightness


def test_strong_noise_is_not_read_where_none_happened_to_be_clipped(scene: Scene) -> None:
    noise = np.random.default_rng(0).normal(0, 50 / 255, (192, 160, 3))
    model = estimate_noise(tensor((scene(192, 160) + noise).clip(0, 1)))
    assert model is not None
    assert model.sigma == pytest.approx(50 / 255, rel=0.04)
