"""Pixels stuck at black or white are found, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained import find_recipe, restore
from untrained.noise import find_impulses

Scene = Callable[..., Any]


def tensor(image: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])).float()


def salted(clean: NDArray[Any], share: float) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    generator = np.random.default_rng(0)
    hit = generator.random(clean.shape[:2]) < share
    return np.where(hit[..., None], generator.integers(0, 2, clean.shape), clean), hit


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3])
@pytest.mark.parametrize("channels", [1, 3])
def test_salt_and_pepper_is_found(scene: Scene, share: float, channels: int) -> None:
    clean = 0.1 + 0.8 * scene(96, 128)[:, :, :channels]
    noisy, hit = salted(clean, share)
    found = find_impulses(tensor(noisy))
    assert found is not None
    assert found.shape == (1, 1, 96, 128)
    wrong = (found[0, 0].numpy() > 0) != hit
    assert wrong.mean() < 0.02 * share


@pytest.mark.parametrize("sigma", [0.0, 0.04, 0.2, 0.4])
def test_clipped_gaussian_noise_holds_no_impulses(scene: Scene, sigma: float) -> None:
    noise = np.random.default_rng(0).normal(0, sigma, (96, 128, 3))
    assert find_impulses(tensor(np.clip(scene(96, 128) + noise, 0, 1))) is None


@pytest.mark.parametrize("counts", [1, 10, 100])
def test_photon_noise_holds_no_impulses(scene: Scene, counts: int) -> None:
    photons = np.random.default_rng(0).poisson(counts * scene(96, 128)) / counts
    assert find_impulses(tensor(np.clip(photons, 0, 1))) is None


def test_a_white_sky_is_no_impulse(scene: Scene) -> None:
    clean = 0.1 + 0.8 * scene(96, 128)
    clean[:40] = 1.0
    noisy, hit = salted(clean, 0.05)
    found = find_impulses(tensor(noisy))
    assert found is not None
    false = (found[0, 0].numpy() > 0) & ~hit
    assert false.mean() < 0.01


def test_missing_pixels_are_not_called_impulses(scene: Scene) -> None:
    noisy, hit = salted(0.1 + 0.8 * scene(96, 128), 0.1)
    known = torch.from_numpy(~hit)[None, None].float()
    assert find_impulses(tensor(noisy), known) is None


def test_flat_and_empty_images_hold_none() -> None:
    assert find_impulses(torch.full((1, 1, 16, 16), 0.5)) is None
    assert find_impulses(torch.zeros(1, 3, 1, 1)) is None


def test_denoise_fills_impulses_in_and_says_how_many(scene: Scene) -> None:
    clean = 0.1 + 0.8 * scene(64, 64)
    noisy, hit = salted(clean, 0.1)
    recipe = replace(find_recipe("denoise", "fast"), max_steps=150)
    result = restore(noisy, recipe=recipe, truth=clean)
    assert result.details["impulses"] == pytest.approx(hit.sum(), rel=0.02)
    assert result.details["missing_pixels"] == 0
    assert result.score is not None
    assert result.score.psnr_degraded is not None
    assert result.score.psnr_kept > result.score.psnr_degraded + 10


def test_the_black_border_of_a_scan_is_none(scene: Scene) -> None:
    clean = 0.1 + 0.8 * scene(96, 128)
    clean[:, :1] = clean[-1:] = 0
    noisy, hit = salted(clean, 0.1)
    found = find_impulses(tensor(noisy))
    assert found is not None
    border = torch.zeros_like(found)
    border[..., :1] = border[..., -1:, :] = 1
    wrong = (found > 0) & (border > 0) & ~torch.from_numpy(hit)
    assert int(wrong.sum()) <= 4  # of 223


def test_single_hot_and_dead_pixels_are_found_and_stars_are_not() -> None:
    y, x = np.mgrid[0:64, 0:64] / 64
    clean = 0.3 + 0.3 * np.sin(2 * y + x)[:, :, None] ** 2
    noisy = clean + np.random.default_rng(0).normal(0, 0.02, clean.shape)
    places = [(5, 9), (20, 40), (33, 3), (50, 50), (61, 30)]
    for row, column in places:
        noisy[row, column] = 1
    found = find_impulses(tensor(noisy))
    assert found is not None
    assert sorted(map(tuple, found[0, 0].nonzero().tolist())) == places
    stars = clean + sum(
        0.8 * np.exp(-((64 * y - r) ** 2 + (64 * x - c) ** 2) / 2)[:, :, None] for r, c in places
    )
    assert find_impulses(tensor(stars.clip(0, 1))) is None
