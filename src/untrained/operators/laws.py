"""The laws of an operator, as one public check that users run on their own."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape

__all__ = ["check_operator"]


def check_operator(
    operator: Callable[[Tensor], Tensor],
    image_shape: Shape,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
    seed: int = 0,
    linear: bool | None = None,
) -> None:
    """Check the laws of an operator on random images; silent if all hold.

    For every operator: A x keeps the dtype and the device, is finite, and gives the same
    measurement twice; a gradient flows back to x. For linear ones also, to within
    max(1e-12, 50 ε) of the values' size: A(αx + βy) = αA x + βA y, <A x, y> = <x, A* y>,
    A* y has the image's shape, and `image_shape` inverts A's change of size; also A 1 = 1 to within
    .001 if it `keeps_constants`. A module's numbers are brought to the dtype and the device, in a
    copy.

    Args:
        operator: any differentiable callable.
        image_shape: (b, c, H, W) of the images to try.
        dtype: precision of the trial.
        device: where to try.
        seed: seed of the random images.
        linear: whether to check linearity and the adjoint; None = if it is a LinearOperator.

    Raises:
        AssertionError: naming the law that is broken and by how much.
        InputError: an operator that fails on such an image; says its shape and dtype.
    """
    if isinstance(operator, nn.Module):
        operator = _in_precision(operator, dtype).to(device)
    generator = Generator().manual_seed(seed)

    def draw(shape: torch.Size | Shape) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(device, dtype)

    tolerance = max(1e-12, 50 * torch.finfo(dtype).eps)
    x = draw(image_shape).requires_grad_()
    try:
        y = operator(x)
    except RuntimeError as error:
        raise InputError(
            f"operator fails on {dtype} images of {'x'.join(map(str, image_shape))} "
            f"({' '.join(str(error).split())}); check it with dtype= of the numbers that it holds, "
            "or make it a LinearOperator that registers them as buffers, which are converted"
        ) from error
    _require(y.dtype == dtype, f"dtype: A x is {y.dtype}, x is {dtype}")
    _require(y.device == x.device, f"device: A x is on {y.device}, x is on {x.device}")
    _require(bool(torch.isfinite(y).all()), "finite: A x has NaN or infinite values")
    _require(torch.equal(y, operator(x)), "purity: A x differs between two calls")
    _require(y.requires_grad, "differentiability: no gradient flows from A x back to x")
    (gradient,) = torch.autograd.grad(y.square().sum(), x)
    _require(gradient.shape == x.shape, f"shape: the gradient is {tuple(gradient.shape)}")

    if linear is False or (linear is None and not isinstance(operator, LinearOperator)):
        return
    with torch.no_grad():
        other = draw(image_shape)
        left = operator(2 * x - 3 * other)
        right = 2 * operator(x) - 3 * operator(other)
        _close(left, right, tolerance, "linearity: A(2x - 3y) differs from 2A x - 3A y")
    if not isinstance(operator, LinearOperator):
        return
    probe = draw(y.shape)
    back = operator.adjoint(probe)
    _require(
        tuple(back.shape) == tuple(image_shape),
        f"shape: A* y is {tuple(back.shape)}, the image is {tuple(image_shape)}",
    )
    _require(back.dtype == dtype, f"dtype: A* y is {back.dtype}, y is {dtype}")
    if operator.keeps_constants:
        flat = operator(torch.ones(image_shape, dtype=dtype, device=device))
        gap = float((flat - 1).abs().max())
        _require(gap <= 1e-3, f"constants: A 1 differs from 1 by {gap:.2e}")
    left = (y.detach() * probe).sum()
    right = (x.detach() * back).sum()
    size = y.detach().norm() * probe.norm()
    gap = float((left - right).abs() / size.clamp_min(torch.finfo(dtype).tiny))
    _require(gap <= tolerance, f"adjoint: <A x, y> differs from <x, A* y> by {gap:.2e} (relative)")


def _in_precision(operator: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a copy whose real and complex numbers have a precision (`Module.to` drops i)."""
    copied = copy.deepcopy(operator)
    for values in (*copied.parameters(), *copied.buffers()):
        if values.is_complex():
            values.data = values.data.to(dtype.to_complex())
        elif values.is_floating_point():
            values.data = values.data.to(dtype)
    return copied


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _close(left: Tensor, right: Tensor, tolerance: float, message: str) -> None:
    scale = torch.maximum(left.abs().max(), right.abs().max())
    gap = float((left - right).abs().max() / scale.clamp_min(torch.finfo(left.dtype).tiny))
    _require(gap <= tolerance, f"{message} by {gap:.2e} (relative)")
