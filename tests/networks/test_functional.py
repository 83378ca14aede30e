"""Cheaper padding and enlarging: the same values and gradients as torch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.testing import assert_close

from untrained.networks.functional import concatenate, conv2d, conv_reflect, double_bilinear


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("size", [(4, 4), (7, 8), (8, 11), (9, 6)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_conv_reflect_is_padding_and_convolution(
    kernel: int, stride: int, size: tuple[int, int]
) -> None:
    pad = kernel // 2
    tensors = draw(2, 3, *size), draw(4, 3, kernel, kernel), draw(4)
    x, weight, bias = (tensor.requires_grad_() for tensor in tensors)
    theirs = F.conv2d(F.pad(x, (pad,) * 4, mode="reflect"), weight, bias, stride)
    ours = conv_reflect(x, weight, bias, stride)
    assert_close(ours, theirs)
    downstream = draw(*theirs.shape)
    assert_close(
        torch.autograd.grad(ours, (x, weight, bias), downstream),
        torch.autograd.grad(theirs, (x, weight, bias), downstream),
    )


def test_conv_reflect_leaves_out_gradients_that_nobody_wants() -> None:
    x, weight = draw(1, 2, 6, 5), draw(3, 2, 3, 3).requires_grad_()
    (ours,) = torch.autograd.grad(conv_reflect(x, weight, None, 1).sum(), weight)
    padded = F.pad(x, (1,) * 4, mode="reflect")
    (theirs,) = torch.autograd.grad(F.conv2d(padded, weight).sum(), weight)
    assert_close(ours, theirs)


@pytest.mark.parametrize("size", [(2, 2), (2, 5), (3, 4), (8, 7)])
def test_double_bilinear_is_bilinear_interpolation(size: tuple[int, int]) -> None:
    x = draw(2, 3, *size).requires_grad_()
    theirs = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    ours = double_bilinear(x)
    assert torch.equal(ours, theirs)
    downstream = draw(*theirs.shape)
    assert_close(
        torch.autograd.grad(ours, x, downstream), torch.autograd.grad(theirs, x, downstream)
    )


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_channels_side_by_side_have_gradients_of_their_own(layout: torch.memory_format) -> None:
    parts = [draw(2, c, 4, 5).contiguous(memory_format=layout).requires_grad_() for c in (3, 2, 4)]
    theirs = torch.cat(parts, 1)
    ours = concatenate(*parts)
    assert torch.equal(ours, theirs)
    downstream = draw(2, 9, 4, 5).contiguous(memory_format=layout)
    slices = torch.autograd.grad(theirs, parts, downstream)
    for part, gradient, of_cat in zip(
        parts, torch.autograd.grad(ours, parts, downstream), slices, strict=True
    ):
        assert torch.equal(gradient, of_cat)
        assert gradient.stride() == part.stride()


@pytest.mark.parametrize("size", [(64, 1), (64, 2), (33, 3), (5, 2), (64, 4), (2, 64), (2, 2)])
@pytest.mark.parametrize("kernel", [3, 5])
def test_narrow_results_are_right_in_bfloat16(size: tuple[int, int], kernel: int) -> None:
    pad = (kernel // 2, kernel // 2)
    x, weight = draw(1, 32, *size).bfloat16(), draw(16, 32, kernel, kernel).bfloat16()
    x, weight = (t.contiguous(memory_format=torch.channels_last) for t in (x, weight))
    for tensor in (x, weight):
        tensor.requires_grad_()
    ours = conv2d(x, weight, None, 2, pad)
    theirs = F.conv2d(x.double(), weight.double(), None, 2, pad)
    assert (ours - theirs).norm() < 0.02 * theirs.norm()
    downstream = draw(*theirs.shape)
    for mine, other in zip(
        torch.autograd.grad(ours, (x, weight), downstream.bfloat16()),
        torch.autograd.grad(theirs, (x, weight), downstream),
        strict=True,
    ):
        assert (mine - other).norm() < 0.02 * other.norm()
