"""What every classical method takes and gives, and what several of them need."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.operators import JpegTables, LinearOperator
from untrained.operators.mosaic import Pattern

__all__ = ["Baseline", "Image", "Known", "array_of", "mask_of", "sigma_of", "tensor_of"]

Image = NDArray[np.float64]

_ROUNDING = 1e-9  # what is left of no details by the arithmetic of the wavelets


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Known:
    """What a method may know of how the observation came to be.

    Attributes:
        sigma: standard deviation of the noise; None = the method estimates it by the median of
            the finest wavelet coefficients.
        mask: (H, W), true = known; None = everywhere.
        factor: how many times smaller than the image the observation is.
        kernel: (h, w), sums to one: the observation is the image convolved with it.
        tables: how the JPEG file was quantised that the observation is decoded from.
        guide: (H, W, C') another picture of the scene.
        pattern: the colours of the top left 2x2 pixels of the mosaic that the observation is.
        operator: of an observation that is none of a picture, that by which it was measured.
    """

    sigma: float | None = None
    mask: NDArray[np.bool_] | None = None
    factor: int = 1
    kernel: Image | None = None
    tables: JpegTables | None = None
    guide: Image | None = None
    pattern: Pattern = "RGGB"
    operator: LinearOperator | None = None


Baseline = Callable[[Image, Known], Image]
"""A method: (observed (H, W, C), known) -> image."""


def sigma_of(observed: Image, known: Known) -> float:
    """Return the noise level that is known, or else estimated."""
    if known.sigma is not None:
        return known.sigma
    from skimage.restoration import estimate_sigma

    with warnings.catch_warnings():  # a channel without details has none to take the median of
        warnings.simplefilter("ignore", RuntimeWarning)
        estimates: Any = estimate_sigma(observed, channel_axis=-1)
    sigma = float(np.nan_to_num(estimates).mean())
    return sigma if sigma > _ROUNDING else 0.0


def mask_of(known: Known) -> NDArray[np.bool_]:
    """Return the mask.

    Raises:
        InputError: there is none.
    """
    if known.mask is None:
        raise InputError("the mask is missing; give one, true = known")
    return known.mask


def tensor_of(image: Image) -> torch.Tensor:
    """Return (1, C, H, W) of (H, W, C)."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))


def array_of(tensor: torch.Tensor) -> Image:
    """Return (H, W, C) of (1, C, H, W)."""
    return np.asarray(tensor[0].permute(1, 2, 0).double().numpy())
