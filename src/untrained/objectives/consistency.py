"""Agreement with a measurement: (A*WA + λI)⁻¹ by conjugate gradients, and its derivative."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from untrained.operators import LinearOperator

__all__ = ["consistent", "solved"]

_TINY = 1e-20


def solved(
    operator: LinearOperator,
    shown: Tensor,
    weight: Tensor,
    right: Tensor,
    start: Tensor,
    steps: int,
) -> Tensor:
    """Return nearly (A*ΘA + λI)⁻¹ b after some steps of conjugate gradients, item by item.

    Args:
        operator: A.
        shown: Θ, weights (b, 1, h, w) of the measurements.
        weight: λ, (b, 1, 1, 1).
        right: b, (b, C, H, W).
        start: where to begin.
        steps: of conjugate gradients (Hestenes & Stiefel, 1952).
    """
    image = start
    residual = right - _applied(operator, shown, weight, image)
    direction, power = residual, _product(residual, residual)
    for _ in range(steps):
        applied = _applied(operator, shown, weight, direction)
        length = power / _product(direction, applied).clamp_min(_TINY)
        image = image + length * direction
        residual = residual - length * applied
        before, power = power, _product(residual, residual)
        direction = residual + power / before.clamp_min(_TINY) * direction
    return image


def consistent(
    prior: Tensor,
    back: Tensor,
    weight: Tensor,
    *,
    operator: LinearOperator,
    shown: Tensor,
    steps: int,
) -> Tensor:
    """Return argmin_x ‖Θ(A x - y)‖² + λ‖x - u‖² from u, differentiable in u and λ.

    The derivative is that of the exact solution, by as many steps again: v = (A*ΘA + λI)⁻¹ g gives
    ∂/∂u = λv and ∂/∂λ = <v, u - x> (Aggarwal et al., MoDL, 2019), and nothing is kept of the steps.

    Args:
        prior: u, (b, C, H, W).
        back: A*Θy.
        weight: λ, (b, 1, 1, 1).
        operator, shown, steps: as for `solved`.
    """
    result: Tensor = _Consistent.apply(prior, back, weight, operator, shown, steps)  # type: ignore[no-untyped-call]
    return result


class _Consistent(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, prior: Tensor, back: Tensor, weight: Tensor, operator: LinearOperator,
        shown: Tensor, steps: int,
    ) -> Tensor:  # fmt: skip
        image = solved(operator, shown, weight, back + weight * prior, prior, steps)
        ctx.save_for_backward(prior, image, weight, shown)
        ctx.operator, ctx.steps = operator, steps
        return image

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        prior, image, weight, shown = ctx.saved_tensors
        zero = torch.zeros_like(gradient)
        back = solved(ctx.operator, shown, weight, gradient, zero, ctx.steps)
        return weight * back, None, _product(back, prior - image), None, None, None


def _applied(operator: LinearOperator, shown: Tensor, weight: Tensor, image: Tensor) -> Tensor:
    return operator.gram(image, shown) + weight * image


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Return <a, b> of each item, (b, 1, 1, 1)."""
    return (a * b).sum((-3, -2, -1), keepdim=True)
