"""Functions of torch that move less memory on a CPU: the same values and gradients.

Reflection padding: torch writes the padded image out, and its gradient too. But the convolution
of a padded image is that of the image in a frame of zeros, which a convolution need only
imagine, plus that of the frame alone, which reaches no further than the edges.

Bilinear doubling: its gradient is a convolution with stride 2 and the taps (1, 3, 3, 1) / 4 both
ways, which is ten times as fast as torch's general one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["as_it_is", "concatenate", "conv2d", "conv_reflect", "double_bilinear"]


def as_it_is(x: Tensor) -> AbstractContextManager[object]:
    """Return a context in which functions keep the precision of x.

    On a CPU, autocast copies to float32 before padding and enlarging, and back after.
    """
    return torch.autocast("cpu", enabled=False) if x.device.type == "cpu" else nullcontext()


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    groups: int = 1,
) -> Tensor:  # fmt: skip
    """Return `F.conv2d`, computed lying on its side where the result is one pixel wide.

    Of such a result with a stride, in bfloat16, oneDNN 3.12 returns what happens to be in memory on
    processors with AVX10 and AMX: the upright column is wrong, the lying row is right.
    """
    if stride > 1 and x.shape[3] + 2 * padding[1] - weight.shape[3] < stride:
        return F.conv2d(x.mT, weight.mT, bias, stride, padding[::-1], groups=groups).mT
    return F.conv2d(x, weight, bias, stride, padding, groups=groups)


def double_bilinear(x: Tensor) -> Tensor:
    """Return x (b, c, h, w) at twice its size, as `F.interpolate(mode="bilinear")` does."""
    result: Tensor = _DoubleBilinear.apply(x)  # type: ignore[no-untyped-call]
    return result


def conv_reflect(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    """Return the convolution of x (b, c, h, w) by an odd square kernel, size kept (over stride).

    The same as `F.conv2d` after `F.pad(mode="reflect")`; both sides of x are longer than half of
    the kernel.
    """
    result: Tensor = _ConvReflect.apply(x, weight, bias, stride)  # type: ignore[no-untyped-call]
    return result


def concatenate(*parts: Tensor) -> Tensor:
    """Return the channels of some (b, c, h, w) after each other, as `torch.cat(parts, 1)` does."""
    if parts[0].device.type != "cpu":
        return torch.cat(parts, 1)
    result: Tensor = _Concatenate.apply(*parts)  # type: ignore[no-untyped-call]
    return result


@dataclass(frozen=True, slots=True)
class _Edge:
    """One side of the frame: the pixels that it reflects and the results that it reaches."""

    axis: int
    source: slice
    target: slice
    zeros: tuple[int, int]  # rows or columns of zeros before and after the frame

    def part(self, image: Tensor, where: slice) -> Tensor:
        return image.narrow(self.axis, where.start, where.stop - where.start)

    def reached(self, pixels: Tensor, weight: Tensor, stride: int) -> Tensor:
        """Return what the reflected pixels add to the results at `target`."""
        pad, frame = weight.shape[-1] // 2, pixels.flip(self.axis)
        if self.axis == 2:  # the corners belong to the rows
            frame = F.pad(F.pad(frame, (pad, pad, 0, 0), mode="reflect"), (0, 0, *self.zeros))
            return conv2d(frame, weight, None, stride)
        return conv2d(F.pad(frame, self.zeros), weight, None, stride, (pad, 0))


def _edges(x: Tensor, kernel: int, stride: int) -> Iterator[_Edge]:
    pad = kernel // 2
    for axis in (2, 3):
        size = x.shape[axis]
        count = (pad - 1) // stride + 1  # results i with i · stride - pad < 0
        yield _Edge(axis, slice(1, pad + 1), slice(0, count), (0, (count - 1) * stride + pad + 1))
        first, last = -(-(size - pad) // stride), (size - 1) // stride + 1
        if first < last:  # results that reach beyond the end
            before = size - first * stride + pad
            yield _Edge(axis, slice(size - 1 - pad, size - 1), slice(first, last), (before, 0))


class _ConvReflect(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.bias_sizes = stride, None if bias is None else list(bias.shape)
        result = conv2d(x, weight, bias, stride, (weight.shape[-1] // 2,) * 2)
        for edge in _edges(x, weight.shape[-1], stride):
            added = edge.reached(edge.part(x, edge.source), weight, stride)
            edge.part(result, edge.target).add_(added)
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = grads
        x, weight = ctx.saved_tensors
        pad, stride = weight.shape[-1] // 2, ctx.stride
        wanted = list(ctx.needs_input_grad[:3])
        grad_x, grad_weight, grad_bias = torch.ops.aten.convolution_backward(
            grad, x, weight, ctx.bias_sizes, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1,
            wanted,
        )  # fmt: skip
        edges = list(_edges(x, weight.shape[-1], stride))
        with torch.enable_grad():
            weight = weight.detach().requires_grad_()
            sources = [edge.part(x, edge.source).detach().requires_grad_() for edge in edges]
            added = [e.reached(s, weight, stride) for e, s in zip(edges, sources, strict=True)]
        *on_sources, on_weight = torch.autograd.grad(
            added, [*sources, weight], [edge.part(grad, edge.target) for edge in edges]
        )
        if wanted[0]:
            for edge, on_source in zip(edges, on_sources, strict=True):
                edge.part(grad_x, edge.source).add_(on_source)
        if wanted[1]:
            grad_weight = grad_weight + on_weight
        return grad_x, grad_weight, grad_bias, None


class _DoubleBilinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (grad,) = grads
        channels = grad.shape[1]
        taps = grad.new_tensor([1, 3, 3, 1]) / 4
        kernel = (taps[:, None] * taps).expand(channels, 1, 4, 4)

        def gather(part: Tensor, padding: int = 0) -> Tensor:
            return F.conv2d(part, kernel, stride=2, padding=padding, groups=channels)

        result = gather(grad, padding=1)
        # Beyond the edge stands the edge itself; only the outermost results know of it.
        for axis in (2, 3):
            for first, frame in ((True, (1, 0)), (False, (0, 1))):
                part = grad.narrow(axis, 0 if first else grad.shape[axis] - 3, 3)
                sides = (1, 1, *frame) if axis == 2 else (*frame, 1, 1)
                place = result.narrow(axis, 0 if first else result.shape[axis] - 1, 1)
                place.copy_(gather(F.pad(part, sides, mode="replicate")))
        return result


class _Concatenate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *parts: Tensor) -> Tensor:
        ctx.channels = [part.shape[1] for part in parts]
        return torch.cat(parts, 1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        (grad,) = grads
        innermost = grad.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if innermost else torch.contiguous_format
        parts = torch.split(grad, ctx.channels, 1)
        return tuple(part.contiguous(memory_format=layout) for part in parts)
