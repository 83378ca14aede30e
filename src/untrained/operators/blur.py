"""Blur by a known kernel."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape

__all__ = ["Blur", "Boundary", "check_kernel", "convolve", "gaussian_kernel"]

Boundary = Literal["reflect", "valid"]


class Blur(LinearOperator):
    """A x = k * x, each channel alike.

    With the boundary "valid", only what the picture itself determines is kept: (b, c, H, W) ->
    (b, c, H - kh + 1, W - kw + 1), as of a photograph, which shows light from beyond its frame.
    With "reflect" the picture is taken to go on mirrored (the edge pixel not repeated; replicated
    where the picture is too small for that) and the size is kept.
    """

    kernel: Tensor

    def __init__(self, kernel: Tensor, *, boundary: Boundary = "reflect") -> None:
        """`kernel` is (kh, kw), both odd, its middle at the middle; taken as it is."""
        super().__init__()
        check_kernel(kernel)
        if boundary not in get_args(Boundary):
            raise InputError(f"boundary is {boundary!r}; wanted one of reflect, valid")
        self.boundary: Boundary = boundary
        self.register_buffer("kernel", kernel)
        self.keeps_constants = abs(float(kernel.sum()) - 1) < 1e-4
        self.each_channel = True

    def forward(self, image: Tensor) -> Tensor:
        """Return the blurred image."""
        if self.boundary == "reflect":
            down, across = (side // 2 for side in self.kernel.shape)
            fits = down < image.shape[-2] and across < image.shape[-1]
            image = F.pad(
                image, (across, across, down, down), mode="reflect" if fits else "replicate"
            )
        return convolve(image, self.kernel)

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return the shape, larger by the kernel (less one) where the boundary is "valid"."""
        b, c, h, w = measurement_shape
        if self.boundary == "reflect":
            return measurement_shape
        return b, c, h + self.kernel.shape[0] - 1, w + self.kernel.shape[1] - 1


def convolve(image: Tensor, kernel: Tensor) -> Tensor:
    """Return k * x where the kernel (kh, kw) lies wholly inside: (b, c, H - kh + 1, W - kw + 1)."""
    b, c, _, _ = image.shape
    # Torch correlates; a convolution is that with the kernel turned by 180 degrees.
    weight = kernel.to(image.dtype).flip(0, 1)[None, None]
    blurred = F.conv2d(image.flatten(0, 1).unsqueeze(1), weight)
    return blurred.view(b, c, *blurred.shape[-2:])


def gaussian_kernel(sigma: float) -> Tensor:
    """Return the kernel exp(-r² / 2σ²), sum 1, cut off at 4σ; σ in pixels."""
    if not sigma > 0:
        raise InputError(f"blur is {sigma}; wanted a sigma above 0, in pixels")
    radius = max(1, round(4 * sigma))
    t = torch.arange(-radius, radius + 1, dtype=torch.float64)
    profile = torch.exp(-t.square() / (2 * sigma**2))
    kernel = profile[:, None] * profile
    return kernel / kernel.sum()


def check_kernel(kernel: Tensor) -> None:
    """Refuse what is no blur kernel.

    Raises:
        InputError: not (kh, kw), an even side, NaN or infinite values.
    """
    if kernel.ndim != 2 or any(side % 2 == 0 for side in kernel.shape):
        raise InputError(
            f"kernel is {'x'.join(map(str, kernel.shape))}; wanted two odd sides, "
            "so that it has a middle; pad it with a row or column of zeros"
        )
    if not torch.isfinite(kernel).all():
        raise InputError("kernel has NaN or infinite values; wanted finite ones")
