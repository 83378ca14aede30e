"""A series of frames: the operator of one frame, applied to each."""

from __future__ import annotations

import torch
from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape

__all__ = ["Frames", "RealImage"]


class Frames(LinearOperator):
    """y_t = A x_t for every frame t = 0 … T-1.

    The frames are channels of the image, k of each, and stand one below the other in y, so that a
    mask, groups and held-out lines of a series are maps of one number a place as for a picture:
    (b, T k, H, W) -> (b, c, T h, w). Frames sampled differently have a mask that differs:
    `Mask(known) @ Frames(A, T)` with known (1, 1, T h, w).
    """

    def __init__(self, frame: LinearOperator, count: int) -> None:
        """`frame` is A, (b, k, H, W) -> (b, c, h, w); `count` is T. Raises InputError: no frame."""
        super().__init__()
        if count < 1:
            raise InputError(f"count is {count} frames; wanted 1 or more")
        self.frame = frame
        self.count = count
        self.keeps_constants = frame.keeps_constants
        self.each_channel = False

    def forward(self, image: Tensor) -> Tensor:
        """Return the frames' measurements, one below the other."""
        b, channels, height, width = image.shape
        apart = image.reshape(b * self.count, channels // self.count, height, width)
        return self._below(self.frame(apart), b)

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return A* y_t of every frame t."""
        b, c, rows, w = measurement.shape
        apart = measurement.reshape(b, c, self.count, rows // self.count, w).transpose(1, 2)
        images = self.frame.adjoint(apart.reshape(b * self.count, c, rows // self.count, w))
        return images.reshape(b, -1, *images.shape[-2:])

    def gram(self, image: Tensor, weight: Tensor) -> Tensor:
        """Return A* W A x_t of every frame t."""
        b, channels, height, width = image.shape
        apart = image.reshape(b * self.count, channels // self.count, height, width)
        w = weight.reshape(*weight.shape[:2], self.count, -1, weight.shape[-1]).transpose(1, 2)
        w = w.expand(b, *w.shape[1:]).flatten(0, 1)
        return self.frame.gram(apart, w).reshape(image.shape)

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return (b, T k, H, W). Raises InputError: rows that are no T frames."""
        b, c, rows, w = measurement_shape
        if rows % self.count:
            raise InputError(
                f"{rows} rows are no {self.count} frames of one height; "
                "wanted the frames one below the other"
            )
        _, k, height, width = self.frame.image_shape((b, c, rows // self.count, w))
        return b, self.count * k, height, width

    def _below(self, measured: Tensor, b: int) -> Tensor:
        _, c, h, w = measured.shape
        apart = measured.reshape(b, self.count, c, h, w).transpose(1, 2)
        return apart.reshape(b, c, self.count * h, w)


class RealImage(LinearOperator):
    """(b, k, H, W) real images as k pairs of channels whose imaginary parts are zero.

    Before an operator on complex images, `Fourier() @ RealImage()`: the image is known to have no
    phase. A* keeps the real parts.
    """

    def forward(self, image: Tensor) -> Tensor:
        """Return (b, 2k, H, W): each channel, then zeros."""
        b, k, height, width = image.shape
        pairs = torch.stack([image, torch.zeros_like(image)], dim=2)
        return pairs.reshape(b, 2 * k, height, width)

    def adjoint(self, measurement: Tensor) -> Tensor:
        """Return the real parts, (b, k, H, W)."""
        return measurement[:, ::2]

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return (b, k, H, W). Raises InputError: an odd number of channels."""
        b, c, height, width = measurement_shape
        if c % 2:
            raise InputError(f"{c} channels are no pairs of real and imaginary parts")
        return b, c // 2, height, width
