"""Convolutions of maps that nearest-neighbour enlarging has filled with copies, on a CPU.

Enlarging repeats pixels, and a convolution behind it multiplies each copy again.

Its gradient: what reaches the copies of a pixel through one tap of the kernel can be added up
first: nine small sums, then one product at the small size. For a factor of 1.6 an axis that is .4
of the multiplications. Adding costs little if it stays in the cache, so it is done by blocks of
rows.

At twice the size, two taps of three meet the same pixel, so they can be added up before any
product: what is left is a transposed convolution of stride 2, with 4 products in place of 9, and
the enlarged map is never made.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.networks.functional import as_it_is

__all__ = ["conv_beside_doubled", "conv_of_enlarged", "doubling_is_short", "has_short_gradient"]

_BLOCK = 2**21  # values of nine sums: they are written and read again within the cache
_LEAST = 48**2  # pixels: on smaller maps, the calls cost more than they save

# Row 3 i + j, column 4 k + l: whether tap (i, j) of a 3x3 kernel is in tap (k, l) of the 4x4 one.
_IN_TAPS = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]], dtype=torch.float32)
_IN_TAPS = torch.kron(_IN_TAPS, _IN_TAPS)


def has_short_gradient(x: Tensor, size: tuple[int, int]) -> bool:
    """Whether `conv_of_enlarged` is for x (b, c, h, w), and of use: one large image, on a CPU."""
    h, w = x.shape[-2:]
    twice = h <= size[0] <= 2 * h and w <= size[1] <= 2 * w
    gains = size[0] * size[1] >= 1.8 * h * w and h * w >= _LEAST
    return x.device.type == "cpu" and len(x) == 1 and twice and gains


def conv_of_enlarged(
    x: Tensor, weight: Tensor, bias: Tensor | None, size: tuple[int, int]
) -> Tensor:
    """Return `F.conv2d(F.interpolate(x, size), weight, bias, padding=1)` by a 3x3 kernel.

    The same values; the gradient is the same but for rounding. x is (1, c, h, w), its sides at
    least half of `size` and no longer.
    """
    result: Tensor = _ConvOfEnlarged.apply(x, weight, bias, size)  # type: ignore[no-untyped-call]
    return result


def doubling_is_short(x: Tensor, size: tuple[int, int]) -> bool:
    """Whether `conv_beside_doubled` is for x (b, c, h, w), and of use: twice as large, on a CPU."""
    h, w = x.shape[-2:]
    return x.device.type == "cpu" and size == (2 * h, 2 * w) and h * w >= _LEAST


def conv_beside_doubled(
    beside: Tensor | None, x: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    """Return the 3x3 convolution of `beside` and of x at twice its size, one after the other.

    `F.conv2d(torch.cat([beside, F.interpolate(x, scale_factor=2)], 1), weight, bias, padding=1)`,
    but for rounding; x is (b, c, h, w), beside (b, c', 2h, 2w) or nothing.
    """
    own = 0 if beside is None else beside.shape[1]
    with as_it_is(x):  # added up in the precision of the weights
        taps = weight[:, own:].reshape(-1, 9) @ _IN_TAPS.to(weight)
    taps = taps.view(weight.shape[0], -1, 4, 4).transpose(0, 1)
    if beside is None:
        return F.conv_transpose2d(x, taps, bias, stride=2, padding=1)
    result = F.conv2d(beside, weight[:, :own], bias, padding=1)
    return result.add_(F.conv_transpose2d(x, taps, None, stride=2, padding=1))


class _ConvOfEnlarged(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, size: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        with as_it_is(x):
            x = F.interpolate(x, size=size, mode="nearest")
        return F.conv2d(x, weight, bias, padding=1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        (h, w), (o, c) = x.shape[-2:], weight.shape[:2]
        # Channels innermost: places are then rows of a matrix.
        image = x[0].permute(1, 2, 0).to(grad.dtype).contiguous()
        slopes = grad[0].permute(1, 2, 0).contiguous()
        down, across = (_copies(*sides) for sides in zip((h, w), slopes.shape[:2], strict=True))
        taps = weight.permute(2, 3, 0, 1).reshape(9 * o, c).to(grad.dtype)
        # In the precision of the weights, though the products may be in bfloat16.
        on_taps = taps.new_zeros(9 * o, c, dtype=weight.dtype)
        on_x = torch.empty_like(x)  # as x lies in memory: normalisations count on that
        on_image = on_x[0].permute(1, 2, 0)
        step = max(4, _BLOCK // (9 * w * o))
        for first in range(0, h, step):
            rows = [copies[:, first : first + step] for copies in down]
            inside = torch.cat([copies.flatten() for copies in rows])
            inside = inside[inside >= 0]
            low, high = int(inside.min()), int(inside.max()) + 1
            sums = torch.cat([_added(slopes[low:high], 1, copies) for copies in across], 2)
            rows = [torch.where(copies >= 0, copies - low, -1) for copies in rows]
            sums = torch.cat([_added(sums, 0, copies) for copies in rows], 2).view(-1, 9 * o)
            part = image[first : first + step].reshape(-1, c)
            on_image[first : first + step] = (sums @ taps).view(-1, w, c)
            on_taps += (sums.mT @ part).to(weight.dtype)
        on_weight = on_taps.view(3, 3, o, c).permute(2, 3, 0, 1)
        on_bias = grad.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return on_x, on_weight, on_bias, None


def _copies(small: int, large: int) -> list[Tensor]:
    """Return, for each tap d of -1, 0, 1, the places that see a pixel through it, (2, small).

    Those are the i with s(i + d) = r, s(i) the pixel that the i-th is a copy of; -1 for none.
    """
    numbers = torch.arange(small, dtype=torch.float32).view(1, 1, small)
    sources = F.interpolate(numbers, size=large, mode="nearest").view(large)
    first = torch.searchsorted(sources, numbers.view(small))
    last = torch.searchsorted(sources, numbers.view(small), right=True) - 1
    found = []
    for d in (-1, 0, 1):
        both = torch.stack([first, last]) - d
        there = (both >= 0) & (both < large)
        there[1] &= last > first
        found.append(torch.where(there, both, -1))
    return found


def _added(values: Tensor, axis: int, places: Tensor) -> Tensor:
    """Return values[places[0]] + values[places[1]] along an axis; what is at -1 is zero."""
    beyond = values.shape[axis]
    values = F.pad(values, (0, 0, 0, 1) if axis == 1 else (0, 0, 0, 0, 0, 1))
    one, other = torch.where(places < 0, beyond, places)
    return values.index_select(axis, one).add_(values.index_select(axis, other))
