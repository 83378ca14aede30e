"""Missing pixels."""

from __future__ import annotations

from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator

__all__ = ["Mask"]


class Mask(LinearOperator):
    """A x = m x with m = 1 for known pixels and 0 for missing ones; A* = A."""

    projects = True
    known: Tensor

    def __init__(self, known: Tensor) -> None:
        """`known` is (1, 1 or c, H, W) of zeros and ones."""
        super().__init__()
        if known.ndim != 4:
            raise InputError(f"mask is {tuple(known.shape)}; pass a (1, 1, H, W) mask")
        self.register_buffer("known", known)

    def forward(self, image: Tensor) -> Tensor:
        """Return the image with its missing pixels set to zero."""
        return image * self.known.to(image.dtype)

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return m y: the mask is its own adjoint."""
        return self.forward(measurement)

    def absorbed(self, weight: Tensor) -> Tensor:
        """Return m² w."""
        return weight * self.known.to(weight.dtype).square()
