"""The colour mosaic of a camera's sensor (Bayer, US patent 3 971 065)."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape

__all__ = ["Mosaic", "Pattern"]

Pattern = Literal["RGGB", "BGGR", "GRBG", "GBRG"]


class Mosaic(LinearOperator):
    """A x = at every pixel one of its colours: (b, 3, H, W) -> (b, 1, H, W), any H and W.

    The pattern names the colours of the top left 2x2 pixels, row by row, and repeats.
    """

    square: Tensor
    keeps_constants = True

    def __init__(self, pattern: Pattern = "RGGB") -> None:
        super().__init__()
        if pattern not in get_args(Pattern):
            raise InputError(
                f"pattern is {pattern!r}; wanted one of {', '.join(get_args(Pattern))}"
            )
        self.pattern: Pattern = pattern
        square = torch.zeros(1, 3, 2, 2)
        for i, colour in enumerate(pattern):
            square[:, "RGB".index(colour), i // 2, i % 2] = 1
        self.register_buffer("square", square)

    def masks(self, height: int, width: int) -> Tensor:
        """Return (1, 3, H, W), 1 where a colour is measured; on the operator's device."""
        return self.square.repeat(1, 1, -(-height // 2), -(-width // 2))[..., :height, :width]

    def forward(self, image: Tensor) -> Tensor:
        """Return the mosaic."""
        masks = self.masks(*image.shape[-2:]).to(image)
        return (image * masks).sum(1, keepdim=True)

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return the shape with three channels."""
        b, _, h, w = measurement_shape
        return b, 3, h, w

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return every value in its colour, zeros in the others."""
        return measurement * self.masks(*measurement.shape[-2:]).to(measurement)
