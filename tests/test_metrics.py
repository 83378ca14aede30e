"""Metrics and losses against scikit-image, torch and hand-made values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from untrained.errors import InputError
from untrained.metrics import mse, mse_to_psnr, psnr, ssim
from untrained.objectives import L1, Gaussian, Huber, Poisson, TotalVariation


def pair(height: int = 40, width: int = 33) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, height, width, generator=generator)
    return x, (x + 0.1 * torch.randn(x.shape, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize("peak", [1.0, 0.5])
def test_psnr_is_that_of_scikit_image(peak: float) -> None:
    x, y = pair()
    expected = peak_signal_noise_ratio(x.numpy(), y.numpy(), data_range=peak)
    assert psnr(y, x, peak=peak) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("size", [(40, 33), (9, 30)])
def test_ssim_is_that_of_scikit_image(size: tuple[int, int]) -> None:
    x, y = pair(*size)
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    if min(size) < 11:
        assert 0 < ssim(y, x) < 1
        return
    expected = structural_similarity(
        x[0].double().numpy(), y[0].double().numpy(), channel_axis=0, data_range=1.0, **window
    )
    # scikit-image pads, then crops what the window's half width of 5 makes uncertain
    assert ssim(y, x) == pytest.approx(expected, abs=1e-6)


def test_metrics_on_the_edge() -> None:
    x, y = pair()
    assert psnr(x, x) == math.inf
    assert ssim(x, x) == pytest.approx(1)
    assert math.isnan(mse_to_psnr(float("nan")))
    with pytest.raises(InputError, match="one shape"):
        psnr(x, y[..., 1:])
    with pytest.raises(InputError, match="one shape"):
        ssim(x, y[..., 1:])


def test_weighted_terms_ignore_what_has_no_weight() -> None:
    x, y = pair()
    weight = torch.zeros(1, 1, *x.shape[-2:])
    weight[..., :10] = 1
    for term in (Gaussian(), L1(), Huber(delta=0.05), Poisson(gain=10)):
        expected = term(x[..., :10], y[..., :10], None)
        torch.testing.assert_close(term(x, y, weight), expected)
    torch.testing.assert_close(mse(x, y, weight), mse(x[..., :10], y[..., :10]))


def test_terms_are_what_their_docstrings_say() -> None:
    x, y = pair()
    difference = x - y
    torch.testing.assert_close(Gaussian()(x, y, None), difference.square().mean())
    torch.testing.assert_close(L1()(x, y, None), difference.abs().mean())
    expected = torch.nn.functional.huber_loss(x, y, delta=0.05)
    torch.testing.assert_close(Huber(delta=0.05)(x, y, None), expected)
    gain = 20.0
    rate, counts = gain * x.clamp_min(1e-4), gain * y
    nll = torch.nn.functional.poisson_nll_loss(rate, counts, log_input=False, eps=0) / gain
    torch.testing.assert_close(Poisson(gain=gain)(x, y, None), nll)


def test_poisson_is_least_at_the_observation() -> None:
    _, y = pair()
    y = y.clamp_min(0.05)
    at = Poisson(gain=5)(y, y, None)
    assert at < Poisson(gain=5)(y * 1.1, y, None)
    assert at < Poisson(gain=5)(y * 0.9, y, None)


def test_total_variation_counts_jumps() -> None:
    step = torch.zeros(1, 1, 4, 4)
    step[..., 2:] = 1
    # one jump of 1 in each of 4 rows, over 4 x 3 horizontal differences
    assert TotalVariation(weight=3.0)(step).item() == pytest.approx(3 * 4 / 12)
    assert np.isclose(TotalVariation()(torch.full((1, 1, 5, 5), 0.3)).item(), 0)


def test_arrays_are_measured_as_tensors_are() -> None:
    rng = np.random.default_rng(0)
    for shape in ((24, 20), (24, 20, 3)):
        x, y = rng.random(shape), rng.random(shape)
        a, b = (torch.from_numpy(np.atleast_3d(v).transpose(2, 0, 1)[None]) for v in (x, y))
        assert psnr(x, y) == pytest.approx(psnr(a, b))
        assert ssim(x, y) == pytest.approx(ssim(a, b))
        assert mse(x, y) == pytest.approx(float(mse(a, b)))
        assert mse(x, y) == pytest.approx(np.mean((x - y) ** 2))


def test_full_scale_is_that_of_the_dtype() -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(2))
    assert psnr(x, y) == pytest.approx(psnr(x / 255, y / 255))
    assert ssim(x, y) == pytest.approx(ssim(x / 255, y / 255))
    with pytest.raises(InputError, match="full scale is 255 in the estimate and 1"):
        psnr(x, y / 255)
    assert psnr(x, y / 1.0, peak=255) == pytest.approx(psnr(x, y))


def test_arrays_of_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="wanted one shape"):
        psnr(np.zeros((8, 8)), np.zeros((8, 9)))
    with pytest.raises(InputError, match="wanted an array"):
        mse(np.zeros(8), np.zeros(8))


def test_a_mask_weighs_arrays() -> None:
    x, y = np.zeros((8, 8)), np.zeros((8, 8))
    x[0, 0] = 1
    weight = np.zeros((8, 8))
    weight[0] = 1
    assert mse(x, y, weight) == pytest.approx(1 / 8)
