"""Smooth fillings of missing pixels from the known ones around them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError

__all__ = ["filled_from_afar", "mean_of_neighbours"]

_REACH = 8  # pixels


def mean_of_neighbours(image: Tensor, known: Tensor) -> Tensor:
    """Return for each pixel the mean of its known neighbours in the smallest ring that has some.

    The rings reach 1, 2, 4 and 8 pixels. What lies deeper in a hole is filled from the picture at
    an eighth of its size: windows as wide as large holes would take hours.

    Args:
        image: (1, c, h, w).
        known: (1, 1, h, w), 1 where the image is known.

    Raises:
        InputError: no pixel is known.
    """
    if not known.any():
        raise InputError("no pixel is known; wanted some to predict the others from")
    result = image.new_zeros(image.shape)
    missing = torch.ones_like(known, dtype=torch.bool)
    for radius in (1, 2, 4, _REACH):
        if not missing.any():
            return result
        size = 2 * radius + 1
        count = F.avg_pool2d(known, size, 1, radius) * size**2 - known
        total = F.avg_pool2d(image * known, size, 1, radius) * size**2 - image * known
        found = missing & (count > 0.5)
        result = torch.where(found, total / count.clamp_min(1), result)
        missing &= ~found
    return torch.where(missing, filled_from_afar(image, known), result)


def filled_from_afar(image: Tensor, known: Tensor) -> Tensor:
    """Return a smooth filling of a picture, (1, c, h, w): its neighbours at an eighth of the size.

    A normalised convolution (Knutsson & Westin, CVPR 1993), again and again in large holes. No
    known pixel has a part in its own value.
    """
    share = F.avg_pool2d(known, _REACH, ceil_mode=True)
    coarse = F.avg_pool2d(image * known, _REACH, ceil_mode=True) / share.clamp_min(1e-6)
    if share.numel() > 1:
        coarse = mean_of_neighbours(coarse, (share > 0).to(known))
    height, width = image.shape[-2:]
    # Interpolated, a known pixel would come back to itself through the blocks beside its own.
    blocks, smooth = (
        F.interpolate(coarse, scale_factor=float(_REACH), mode=mode)[..., :height, :width]
        for mode in ("nearest", "bilinear")
    )
    return torch.where(known > 0, blocks, smooth)
