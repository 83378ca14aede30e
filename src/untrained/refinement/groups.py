"""Groups of like patches: found in one image, taken from others, laid back into place.

Shapes: p side of a patch, n = p² C its values, k patches a group, g groups; images (1, C, H, W).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Sums", "find_groups", "patches"]

_FAR = 1e4  # a squared distance beyond all of a picture


def patches(image: Tensor, side: int) -> Tensor:
    """Return all patches, ((H - p + 1)(W - p + 1), n), in reading order of their corners."""
    return F.unfold(image, side)[0].t().contiguous()


def find_groups(
    image: Tensor, *, side: int, count: int, reach: int, stride: int, rows: tuple[int, int]
) -> Tensor:
    """Return the corners of the patches that are most like each reference patch, (g, k).

    Reference patches have their corners on a grid of `stride` pixels, and in the last row and
    column. Compared are squared distances within `reach` pixels: at every place within 6 pixels, at
    every second one beyond. Where fewer than k lie inside the image, the reference stands in again.

    Args:
        image: (1, c, H, W), in which patches are compared.
        side: p.
        count: k.
        reach: the furthest place to look at, in pixels.
        stride: between two references.
        rows: first and one past the last row of reference corners to return the groups of.
    """
    height, width = (s - side + 1 for s in image.shape[-2:])
    down, across = (_grid(n, stride).to(image.device) for n in (height, width))
    down = down[(down >= rows[0]) & (down < rows[1])]
    offsets = [
        (dy, dx)
        for dy in range(-reach, reach + 1)
        for dx in range(-reach, reach + 1)
        if max(abs(dy), abs(dx)) <= 6 or (dy % 2 == 0 and dx % 2 == 0)
    ]
    padded = F.pad(image, (reach,) * 4, value=_FAR**0.5)
    distances = image.new_empty(len(offsets), len(down) * len(across))
    for distance, (dy, dx) in zip(distances, offsets, strict=True):
        top, left = reach + dy, reach + dx
        moved = padded[..., top : top + image.shape[-2], left : left + image.shape[-1]]
        squared = (image - moved).square_().sum(1)[0].clamp_(max=_FAR)
        # a box sum in float64: differences of sums over a whole picture
        sums = F.pad(squared.double().cumsum(0), (0, 0, 1, 0))
        sums = F.pad((sums[down + side] - sums[down]).cumsum(1), (1, 0))
        distance.copy_((sums[:, across + side] - sums[:, across]).flatten())
    itself = offsets.index((0, 0))
    distances[itself] = -1
    nearest, chosen = distances.topk(min(count, len(offsets)), dim=0, largest=False)
    chosen = torch.where(nearest >= _FAR / 2, itself, chosen)
    steps = torch.tensor([dy * width + dx for dy, dx in offsets], device=image.device)
    corners = (down[:, None] * width + across).flatten()
    return (corners + steps[chosen]).t().contiguous()


def _grid(length: int, stride: int) -> Tensor:
    places = torch.arange(0, length, stride)
    last = places.new_tensor([length - 1])
    return places if int(places[-1]) == length - 1 else torch.cat([places, last])


class Sums:
    """Weighted sums of filtered patches, and the image that they make."""

    def __init__(self, all_patches: Tensor) -> None:
        """`all_patches` as of `patches`: the shape, device and dtype."""
        self.values = torch.zeros_like(all_patches)
        self.weights = all_patches.new_zeros(len(all_patches), 1)

    def add(self, group: Tensor, filtered: Tensor, weight: Tensor) -> None:
        """Add filtered patches (g, k, n) at their corners (g, k) with weights (g, k, 1)."""
        places, n = group.flatten(), filtered.shape[-1]
        self.values.index_add_(0, places, (filtered * weight).view(-1, n))
        self.weights.index_add_(0, places, weight.reshape(-1, 1))

    def images(self, size: tuple[int, int], side: int) -> tuple[Tensor, Tensor]:
        """Return Σ w · values and Σ w at every pixel, each (1, C, H, W)."""
        weights = self.weights.expand_as(self.values)
        summed, total = (F.fold(x.t()[None], size, side) for x in (self.values, weights))
        return summed, total


def bands(height: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield the first and one past the last row of every band."""
    for first in range(0, height, step):
        yield first, min(height, first + step)
