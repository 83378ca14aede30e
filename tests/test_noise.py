"""How noisy a picture is, at each brightness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from untrained.noise import NoiseModel, clipped_gaussian, estimate_noise, white
from untrained.noise_pool import NoisePool

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
