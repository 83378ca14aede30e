"""Anti-aliased downsampling by an integer factor."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError
from untrained.operators.base import LinearOperator, Shape

__all__ = ["Kernel", "Resample", "resample_weights"]

Kernel = Literal["lanczos2", "bicubic", "area"]


def _lanczos2(t: float) -> float:
    if t == 0:
        return 1.0
    return 2 * math.sin(math.pi * t) * math.sin(math.pi * t / 2) / (math.pi * t) ** 2


def _bicubic(t: float) -> float:
    t = abs(t)
    if t < 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2


_KERNELS: dict[str, tuple[Callable[[float], float], float]] = {
    "lanczos2": (_lanczos2, 2.0),
    "bicubic": (_bicubic, 2.0),  # Keys 1981, a = -1/2
    "area": (lambda _: 1.0, 0.5),
}


def resample_weights(kernel: Kernel, factor: int) -> list[float]:
    """Return the taps, summing to one, centred on the middle of the factor's block of pixels.

    The centres of low- and high-resolution pixels are aligned ("phase 1/2" in the code of
    Ulyanov et al.), so nothing shifts: tap i sits at (i - (n - 1) / 2) / factor kernel units.
    """
    function, support = _KERNELS[kernel]
    centre = (factor - 1) / 2
    first = math.ceil(centre - support * factor)
    taps = [function((i - centre) / factor) for i in range(first, factor - first)]
    if kernel != "area" and factor % 2 == 1:
        taps = taps[1:-1]  # the outermost taps of an odd factor sit on the kernel's zeros
    total = sum(taps)
    return [tap / total for tap in taps]


class Resample(LinearOperator):
    """A x = x filtered by `kernel`, every `factor`-th sample kept, edges replicated.

    (b, c, H, W) -> (b, c, ceil(H / factor), ceil(W / factor)).
    """

    taps: Tensor

    keeps_constants = True
    each_channel = True

    def __init__(self, factor: int, *, kernel: Kernel = "lanczos2") -> None:
        super().__init__()
        if factor != int(factor) or factor < 1:
            raise InputError(f"factor is {factor}; wanted a whole number from 1 up")
        if kernel not in _KERNELS:
            raise InputError(f"kernel is {kernel!r}; wanted one of {', '.join(_KERNELS)}")
        self.factor = int(factor)
        self.kernel: Kernel = kernel
        weights = torch.tensor(resample_weights(kernel, self.factor), dtype=torch.float64)
        self.register_buffer("taps", weights)

    def forward(self, image: Tensor) -> Tensor:
        """Return the downsampled image."""
        if self.factor == 1:
            return image
        channels = image.shape[1]
        before = (len(self.taps) - self.factor) // 2
        after_h, after_w = (before + -side % self.factor for side in image.shape[-2:])
        taps = self.taps.to(image)
        x = F.pad(image, (before, after_w, before, after_h), mode="replicate")
        x = F.conv2d(
            x, taps.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), stride=(self.factor, 1),
            groups=channels,
        )  # fmt: skip
        return F.conv2d(
            x, taps.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), stride=(1, self.factor),
            groups=channels,
        )  # fmt: skip

    def image_shape(self, measurement_shape: Shape) -> Shape:
        """Return (b, c, factor · h, factor · w)."""
        b, c, h, w = measurement_shape
        return b, c, self.factor * h, self.factor * w
