"""Cheaper padding and enlarging: the same values and gradients as torch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.testing import assert_close

from untrained.networks.functional import conv_reflect, double_bilinear


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
