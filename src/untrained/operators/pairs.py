"""Complex numbers as pairs of channels: every tensor of a fit is real."""

from __future__ import annotations

import torch
from torch import Tensor

from untrained.errors import InputError

__all__ = ["as_complex", "as_pairs"]


def as_pairs(values: Tensor) -> Tensor:
    """Return (b, c, h, w) complex numbers as (b, 2c, h, w): real, imaginary, real, imaginary …"""
    b, c, h, w = values.shape
    pairs = torch.view_as_real(values).permute(0, 1, 4, 2, 3)
    return pairs.reshape(b, 2 * c, h, w)


def as_complex(pairs: Tensor) -> Tensor:
    """Return (b, 2c, h, w) pairs of channels as (b, c, h, w) complex numbers.

    Raises:
        InputError: an odd number of channels.
    """
    b, c, h, w = pairs.shape
    if c % 2:
        raise InputError(f"{c} channels are no pairs of real and imaginary parts; wanted 2, 4 …")
    apart = pairs.reshape(b, c // 2, 2, h, w).permute(0, 1, 3, 4, 2)
    return torch.view_as_complex(apart.contiguous())
