"""Noise that neighbours share: found in flat places, drawn alike, told from grain and texture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from untrained.noise import NoiseModel, NoisePool, estimate_noise, from_opponent, to_opponent
from untrained.noise.flat import REACH, read_flat
from untrained.simulation.camera import camera_jpeg

Scene = Callable[..., Any]


def tensor(image: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])).float()


def correlation(*widths: float, powers: tuple[float, ...] = (1.0,)) -> Tensor:
    """Return Gaussian covariances of these widths in pixels, whose powers have the mean 1."""
    apart = torch.arange(-REACH, REACH + 1.0).square()
    squared = apart[:, None] + apart
    each = [p * torch.exp(-squared / (4 * w**2)) for w, p in zip(widths, powers, strict=True)]
    return torch.stack(each) / (sum(powers) / len(powers))


CAMERA = correlation(0.7, 2.0, 2.0, powers=(2.7, 0.2, 0.1))


def drawn(model: Tensor, size: int = 256, seed: int = 0) -> Tensor:
    channels = len(model)
    shape = (1, channels, size, size)
    return NoisePool(shape, generator=Generator().manual_seed(seed), correlation=model).draw()


def measured(noise: Tensor) -> Tensor:
    """Return the covariance of neighbours along a row, of each opponent channel."""
    turned = to_opponent(noise)
    return (turned[..., 1:] * turned[..., :-1]).mean((0, 2, 3))


def test_opponent_channels_are_an_orthonormal_turn() -> None:
    image = torch.rand(1, 3, 5, 7)
    turned = to_opponent(image)
    assert torch.allclose(from_opponent(turned), image, atol=1e-6)
    assert float(turned.square().sum()) == pytest.approx(float(image.square().sum()), rel=1e-5)
    gray = torch.full((1, 3, 4, 4), 0.5)
    assert float(to_opponent(gray)[:, 1:].abs().max()) < 1e-6
    two = torch.rand(1, 2, 4, 4)
    assert torch.equal(to_opponent(two), two)


def test_the_pool_draws_noise_of_a_correlation() -> None:
    noise = drawn(CAMERA, size=400)
    assert float(noise.square().mean()) == pytest.approx(1, abs=0.05)
    wanted = CAMERA[:, REACH, REACH + 1]
    assert measured(noise).tolist() == pytest.approx(wanted.tolist(), abs=0.08)
    powers = to_opponent(noise).square().mean((0, 2, 3))
    assert powers.tolist() == pytest.approx(CAMERA[:, REACH, REACH].tolist(), abs=0.1)


def test_level_and_correlation_are_found_beside_a_picture(scene: Scene) -> None:
    picture, sigma = tensor(scene(256, 256)), 0.04
    model = estimate_noise(picture + sigma * drawn(CAMERA))
    assert model is not None
    assert model.correlation is not None
    assert model.doubtful == ""
    assert 0.8 * sigma < model.sigma < 1.15 * sigma
    found, true = (c[0, REACH, REACH + 1] / c[0, REACH, REACH] for c in (model.correlation, CAMERA))
    assert float(found) == pytest.approx(float(true), abs=0.1)


def test_the_image_of_a_fit_shows_the_noise_of_every_brightness() -> None:
    """Dark is quiet: without the image only dark is read, with it both halves are."""
    clean = torch.full((1, 3, 192, 192), 0.2)
    clean[..., 96:] = 0.7
    clean += 0.002 * torch.sin(torch.arange(192.0) / 9)
    sigma = torch.where(clean < 0.5, 0.01, 0.03)
    observed = clean + sigma * drawn(CAMERA, size=192)
    first = estimate_noise(observed)
    assert first is not None
    assert first.correlation is not None
    later = estimate_noise(observed, smooth=clean, before=first)
    assert later is not None
    assert first.sigma == pytest.approx(0.01, rel=0.3)
    bright, dark = (float(later.at(torch.tensor([b]))) for b in (0.7, 0.2))
    assert dark == pytest.approx(0.01, rel=0.35)
    assert bright == pytest.approx(0.03, rel=0.35)


def test_missing_pixels_are_left_out(scene: Scene) -> None:
    known = (torch.rand(1, 1, 256, 256, generator=Generator().manual_seed(2)) > 0.02).float()
    observed = tensor(scene(256, 256)) + 0.04 * drawn(CAMERA)
    holed = read_flat(torch.where(known > 0, observed, 7.0), known)
    assert holed is not None
    assert holed.model.sigma == pytest.approx(0.04, rel=0.2)


def test_small_or_wholly_clipped_pictures_have_no_flat_places() -> None:
    assert read_flat(torch.rand(1, 1, 63, 200)) is None
    assert read_flat(torch.zeros(1, 3, 64, 64)) is None


@pytest.mark.parametrize(("photons", "quality"), [(1500, 95), (120, 75)])
def test_the_noise_of_a_camera_is_noise(photons: float, quality: int) -> None:
    clean = np.tile(np.linspace(0.4, 0.7, 192), (192, 1))[:, :, None] * [1, 0.9, 0.8]
    seen = camera_jpeg(clean, photons, quality=quality, generator=np.random.default_rng(0))
    model = estimate_noise(tensor(seen))
    assert model is not None
    assert model.correlation is not None
    assert model.doubtful == ""
    error = float(np.sqrt(np.mean((seen - clean) ** 2)))
    assert 0.7 * error < model.sigma < 1.1 * error


def texture(seed: int = 0) -> Tensor:
    """Return leaves upon leaves, gray, without a flat place: small discs that hide each other."""
    generator = np.random.default_rng(seed)
    image, (rows, columns) = np.zeros((160, 160)), np.mgrid[0:160, 0:160]
    for _ in range(6000):
        y, x, r = *generator.uniform(0, 160, 2), generator.uniform(1, 3)
        image[(rows - y) ** 2 + (columns - x) ** 2 < r**2] = generator.uniform(0.1, 0.9)
    return torch.from_numpy(image)[None, None].float()


def test_texture_is_doubtful() -> None:
    model = estimate_noise(texture())
    assert model is not None
    assert model.doubtful == "texture"


@pytest.mark.parametrize("channels", [1, 3])
def test_faint_white_noise_is_doubtful_and_stronger_is_not(scene: Scene, channels: int) -> None:
    clean = tensor(scene(192, 160))[:, :channels]
    for sigma, doubt in ((2 / 255, "grain"), (8 / 255, "")):
        noise = torch.randn(clean.shape, generator=Generator().manual_seed(0))
        model = estimate_noise(clean + sigma * noise)
        assert model is not None
        assert model.doubtful == doubt


def test_a_known_level_takes_the_correlation_along() -> None:
    model = NoiseModel(
        levels=torch.tensor([0.2, 0.6]), sigmas=torch.tensor([0.1, 0.3]), correlation=CAMERA,
        estimated=True, doubtful="grain",
    )  # fmt: skip
    known = model.of_sigma(0.05)
    assert known.sigma == pytest.approx(0.05)
    assert known.correlation is CAMERA
    assert not known.estimated
    assert known.doubtful == ""
    assert float(known.sigmas[1] / known.sigmas[0]) == pytest.approx(3)
