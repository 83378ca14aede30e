"""How far an estimate is from a reference: MSE, PSNR, SSIM.

Shapes: b c h w.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError

__all__ = ["mse", "mse_to_psnr", "psnr", "squared_errors", "ssim"]


def mse(estimate: Tensor, reference: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return Σ w (x̂ - x)² / Σ w, a scalar over all pixels and channels.

    `weight` (b, 1 or c, h, w) is 1 for pixels that count; None counts them all.
    """
    squared = (estimate - reference).square()
    if weight is None:
        return squared.mean()
    weight = weight.expand_as(squared)
    return (squared * weight).sum() / weight.sum()


def squared_errors(estimate: Tensor, reference: Tensor, places: Tensor) -> Tensor:
    """Return (x̂ - x)², flat, of the pixels where `places` (b, 1 or c, h, w) is above 0."""
    squared = (estimate - reference).square()
    return squared[places.expand_as(squared) > 0]


def mse_to_psnr(error: float | Tensor, peak: float = 1.0) -> float:
    """Return 10 log₁₀(peak² / mse) in dB; infinite for a perfect match."""
    error = float(error)
    if error != error:
        return float("nan")
    return float("inf") if error == 0 else float(10 * torch.log10(torch.tensor(peak**2 / error)))


def psnr(
    estimate: Tensor, reference: Tensor, *, peak: float = 1.0, weight: Tensor | None = None
) -> float:
    """Return the peak signal-to-noise ratio 10 log₁₀(peak² / mse), in dB, over the whole batch.

    The values are not clipped. Raises InputError if the shapes differ.
    """
    if estimate.shape != reference.shape:
        raise InputError(
            f"estimate is {tuple(estimate.shape)}, reference is {tuple(reference.shape)}; "
            "wanted one shape"
        )
    return mse_to_psnr(mse(estimate, reference, weight), peak)


def ssim(estimate: Tensor, reference: Tensor, *, peak: float = 1.0) -> float:
    """Return the mean structural similarity (Wang et al. 2004), in [-1, 1].

    Gaussian window of 11x11, σ = 1.5, K = (0.01, 0.03), valid positions only, mean over channels:
    scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False). Images under 11 pixels take the largest odd window that fits.
    """
    if estimate.shape != reference.shape:
        raise InputError(
            f"estimate is {tuple(estimate.shape)}, reference is {tuple(reference.shape)}; "
            "wanted one shape"
        )
    side = min(11, *((s - 1) // 2 * 2 + 1 for s in estimate.shape[-2:]))
    offsets = torch.arange(side, dtype=torch.float64, device="cpu") - side // 2
    window = torch.exp(-(offsets**2) / (2 * 1.5**2))
    window = window / window.sum()
    channels = estimate.shape[1]

    def blur(x: Tensor) -> Tensor:
        x = F.conv2d(x, window.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
        return F.conv2d(x, window.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)

    x, y = estimate.detach().cpu().double(), reference.detach().cpu().double()
    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return float((luminance * structure).mean())
