"""Brightness and colour apart: three colours turned so that camera noise is nearly independent."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["from_opponent", "to_opponent"]

_ROWS = ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (1.0, -2.0, 1.0))


def to_opponent(image: Tensor) -> Tensor:
    """Return (R+G+B)/√3, (R-B)/√2, (R-2G+B)/√6 of three channels; others as they are."""
    return _turned(image, back=False)


def from_opponent(image: Tensor) -> Tensor:
    """Return the colours again; the turn is orthonormal."""
    return _turned(image, back=True)


def _turned(image: Tensor, *, back: bool) -> Tensor:
    if image.shape[1] != 3:
        return image
    rows = torch.tensor(_ROWS)
    matrix = (rows / rows.norm(dim=1, keepdim=True)).to(image)
    return torch.einsum("ij,bjhw->bihw", matrix.t() if back else matrix, image)
