"""The eight flips and quarter turns of an image: what a picture may look like from another side."""

from __future__ import annotations

from torch import Tensor

__all__ = ["turned", "turned_back"]


def turned(image: Tensor, turn: int) -> Tensor:
    """Return one of the eight flips and quarter turns of (b, c, h, w); 0 = as it is."""
    image = image.flip(-1) if turn & 1 else image
    image = image.flip(-2) if turn & 2 else image
    return image.transpose(-1, -2) if turn & 4 else image


def turned_back(image: Tensor, turn: int) -> Tensor:
    """Undo `turned`."""
    image = image.transpose(-1, -2) if turn & 4 else image
    image = image.flip(-2) if turn & 2 else image
    return image.flip(-1) if turn & 1 else image
