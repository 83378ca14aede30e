"""What every linear operator has: forward, adjoint, shapes, composition."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Compose", "Identity", "LinearOperator", "Shape"]

Shape = tuple[int, int, int, int]


class LinearOperator(nn.Module):
    """A linear map A from images (b, c, H, W) to measurements (b, c, h, w).

    A subclass writes `forward`, and `image_shape` if A changes the size. The adjoint A* is exact
    by automatic differentiation, so it need not be written. `A @ B` applies B first. Any
    differentiable callable may serve as an operator in a fit; only linear ones have an adjoint.

    Attributes:
        keeps_constants: A maps every constant image to the same constant, so that y is a picture in
            the image's own units: A(a x + b) = a A x + b. `restore` stretches only such y.
        full_scale: … but not one that A needs on its full scale of 8 bits.
        unitary: A* A = A A* = 1.
        projects: A A* y = y for every y = A x, so that x + A*(y - A x) has the measurement y.
        each_channel: A does the same to every channel, so that one will do for a gray picture.
    """

    keeps_constants: bool = False
    full_scale: bool = False
    each_channel: bool = False
    unitary: bool = False
    projects: bool = False

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return the shape of the image that a measurement of this shape comes from."""
        return measurement_shape

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return A* y, the image with <A x, y> = <x, A* y> for every image x."""
        image = measurement.new_zeros(self.image_shape(_shape_of(measurement)))
        pull_back = torch.func.vjp(self.forward, image)[1]
        (result,) = pull_back(measurement)
        return result  # type: ignore[no-any-return]

    def gram(self, image: Tensor, weight: Tensor) -> Tensor:
        """Return A* W A x, W the multiplication by weights (1 or b, 1 or c, h, w)."""
        return self.adjoint(weight * self(image))

    def absorbed(self, weight: Tensor) -> Tensor | None:
        """Return the weights of A* W A where A is diagonal as W is; None = it is not."""
        return None

    def __matmul__(self, other: LinearOperator) -> Compose:
        """Return the operator that applies `other`, then this one."""
        return Compose(self, other)


class Identity(LinearOperator):
    """A x = x: denoising."""

    keeps_constants = True
    each_channel = True
    unitary = True
    projects = True

    def forward(self, image: Tensor) -> Tensor:
        """Return the image itself."""
        return image

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return the measurement itself."""
        return measurement

    def absorbed(self, weight: Tensor) -> Tensor:
        """Return the weights themselves."""
        return weight


class Compose(LinearOperator):
    """(A B) x = A(B(x)); the adjoint is B* A*."""

    def __init__(self, outer: LinearOperator, inner: LinearOperator) -> None:
        super().__init__()
        self.outer = outer
        self.inner = inner
        self.keeps_constants = outer.keeps_constants and inner.keeps_constants
        self.unitary = outer.unitary and inner.unitary
        self.projects = outer.projects and inner.unitary

    def forward(self, image: Tensor) -> Tensor:
        """Apply the inner operator, then the outer one."""
        return self.outer(self.inner(image))  # type: ignore[no-any-return]

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return the shape of the inner operator's image."""
        return self.inner.image_shape(self.outer.image_shape(measurement_shape))

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return B* A* y."""
        return self.inner.adjoint(self.outer.adjoint(measurement))

    def gram(self, image: Tensor, weight: Tensor) -> Tensor:
        """Return B* (A* W A) B x, by the shortest way that A and B know."""
        weight_within = self.outer.absorbed(weight)
        if weight_within is not None:
            return self.inner.gram(image, weight_within)
        return self.inner.adjoint(self.outer.gram(self.inner(image), weight))

    def absorbed(self, weight: Tensor) -> Tensor | None:
        """Return the weights of B* A* W A B where both are diagonal."""
        weight_within = self.outer.absorbed(weight)
        return None if weight_within is None else self.inner.absorbed(weight_within)


def _shape_of(tensor: Tensor) -> Shape:
    b, c, h, w = tensor.shape
    return b, c, h, w
