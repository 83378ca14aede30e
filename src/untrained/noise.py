"""How noisy an image is, from the image alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["estimate_sigma"]


def estimate_sigma(observed: Tensor, known: Tensor | None = None) -> float | None:
    """Return the standard deviation of white Gaussian noise, from the image alone.

    The median of the finest wavelet coefficients (Donoho & Johnstone 1994), mean over channels,
    by scikit-image. Where pixels are missing, `known` (1, 1, H, W) = 0, the largest square without
    one is used. None if that is under 16x16, or if scikit-image is not installed.
    """
    try:
        from skimage.restoration import estimate_sigma as wavelet_sigma
    except ImportError:
        return None
    image: NDArray[Any] | None = observed[0].permute(1, 2, 0).numpy()
    if image is not None and known is not None:
        image = _complete_block(image, known[0, 0].numpy() > 0)
    if image is None:
        return None
    try:
        return float(wavelet_sigma(image, channel_axis=-1, average_sigmas=True))
    except ImportError:  # PyWavelets
        return None


def _complete_block(image: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any] | None:
    """Return the largest square block without a missing pixel, None if all are under 16x16."""
    side = np.zeros(known.shape, dtype=int)
    # side[i, j]: of the largest complete square whose bottom right corner is (i, j)
    for i in range(known.shape[0]):
        above = side[i - 1] if i else np.zeros(known.shape[1], dtype=int)
        for j in range(known.shape[1]):
            if known[i, j]:
                side[i, j] = 1 + (min(above[j], above[j - 1], side[i, j - 1]) if i and j else 0)
    largest = int(side.max())
    if largest < 16:
        return None
    i, j = divmod(int(side.argmax()), known.shape[1])
    return image[i - largest + 1 : i + 1, j - largest + 1 : j + 1]
