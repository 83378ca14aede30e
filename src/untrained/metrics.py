"""How far an estimate is from a reference: MSE, PSNR, SSIM.

Shapes: tensors are (b, c, h, w); arrays are (H, W) or (H, W, C).
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError

Image = Tensor | NDArray[Any]

__all__ = ["mse", "mse_to_psnr", "psnr", "squared_errors", "ssim"]


@overload
def mse(estimate: Tensor, reference: Tensor, weight: Tensor | None = None) -> Tensor: ...
@overload
def mse(
    estimate: NDArray[Any], reference: NDArray[Any], weight: NDArray[Any] | None = None
) -> float: ...
def mse(estimate: Image, reference: Image, weight: Image | None = None) -> Tensor | float:
    """Return Σ w (x̂ - x)² / Σ w over all pixels and channels: of tensors a scalar tensor.

    `weight`, (b, 1 or c, h, w) or (H, W), is 1 for pixels that count; None counts them all. Raises
    InputError for arrays of different shapes.
    """
    if not isinstance(estimate, Tensor) or not isinstance(reference, Tensor):
        x, y = _pair(estimate, reference)
        return float(mse(x, y, None if weight is None else _as_tensor(weight)))
    squared = (estimate - reference).square()
    if weight is None:
        return squared.mean()
    assert isinstance(weight, Tensor)
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
    estimate: Image, reference: Image, *, peak: float | None = None, weight: Image | None = None
) -> float:
    """Return the peak signal-to-noise ratio 10 log₁₀(peak² / mse), in dB, over the whole batch.

    Args:
        estimate, reference: of one shape, arrays or tensors; the values are not clipped.
        peak: full scale; None = the largest value of an integer dtype (255 of uint8), 1 of floats.
        weight: as for `mse`.

    Raises:
        InputError: different shapes, or dtypes with different full scales.
    """
    full = _full_scale(estimate, reference) if peak is None else peak
    x, y = _pair(estimate, reference)
    return mse_to_psnr(mse(x, y, None if weight is None else _as_tensor(weight)), full)


def ssim(estimate: Image, reference: Image, *, peak: float | None = None) -> float:
    """Return the mean structural similarity (Wang et al. 2004), in [-1, 1].

    Gaussian window of 11x11, σ = 1.5, K = (0.01, 0.03), valid positions only, mean over channels:
    scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5,
    use_sample_covariance=False). Images under 11 pixels take the largest odd window that fits.
    Arguments and errors are those of `psnr`.
    """
    peak = _full_scale(estimate, reference) if peak is None else peak
    estimate, reference = _pair(estimate, reference)
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


def _as_tensor(image: Image) -> Tensor:
    """Return a tensor as it is, an array (H, W) or (H, W, C) as (1, C, H, W) in float64."""
    if isinstance(image, Tensor):
        return image if image.is_floating_point() else image.double()
    array = np.asarray(image)
    if array.ndim not in (2, 3):
        raise InputError(f"image has shape {array.shape}; wanted an array (H, W) or (H, W, C)")
    values = array[..., None] if array.ndim == 2 else array
    return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)[None], dtype=np.float64))


def _pair(estimate: Image, reference: Image) -> tuple[Tensor, Tensor]:
    """Return both as tensors. Raises InputError: different shapes."""
    got, wanted = (tuple(np.shape(image)) for image in (estimate, reference))
    if got != wanted:
        raise InputError(f"estimate is {got}, reference is {wanted}; wanted one shape")
    return _as_tensor(estimate), _as_tensor(reference)


def _full_scale(estimate: Image, reference: Image) -> float:
    """Return the white of both images' dtypes. Raises InputError: they have different ones."""
    whites = []
    for image in (estimate, reference):
        if isinstance(image, Tensor):
            whole = not image.is_floating_point()
            whites.append(float(torch.iinfo(image.dtype).max) if whole else 1.0)
        else:
            kind = np.asarray(image).dtype
            whites.append(float(np.iinfo(kind).max) if np.issubdtype(kind, np.integer) else 1.0)
    if whites[0] != whites[1]:
        raise InputError(
            f"full scale is {whites[0]:g} in the estimate and {whites[1]:g} in the reference; "
            "wanted one dtype for both, or peak="
        )
    return whites[0]
