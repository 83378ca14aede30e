"""The DCGAN generator, untrained: transposed convolutions from a code of one place.

Van Veen, Jalal, Soltanolkotabi, Price, Vishwanath & Dimakis, "Compressed sensing with deep image
prior and learned regularization", arXiv 1806.06438; Radford, Metz & Chintala, arXiv 1511.06434.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks.functional import as_it_is
from untrained.networks.layers import ConvTranspose2d, batch_norm, check_widths, initialize

__all__ = ["Dcgan", "DcganNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dcgan:
    """Settings of the generator; the defaults are the paper's for X-rays of 256x256.

    One number a transposed convolution: the last makes the image, so `widths` has one less.

    Attributes:
        widths: channels of the hidden layers.
        kernels, strides, paddings: of the transposed convolutions, each of which makes
            (side - 1) stride - 2 padding + kernel of a side.
        enlarge: by how much the map is enlarged after each hidden layer, nearest; empty = not.
    """

    widths: tuple[int, ...] = (64,) * 6
    kernels: tuple[int, ...] = (4, 6, 6, 6, 6, 6, 4)
    strides: tuple[int, ...] = (1, 2, 2, 2, 2, 2, 2)
    paddings: tuple[int, ...] = (0, 2, 2, 2, 2, 2, 1)
    enlarge: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        layers = len(self.widths) + 1
        for name, least in (("kernels", 1), ("strides", 1), ("paddings", 0)):
            values = getattr(self, name)
            if len(values) != layers:
                raise InputError(
                    f"{name} has {len(values)} numbers for {layers} layers; give one each"
                )
            check_widths(name, values, least=least)
        if self.enlarge:
            check_widths("enlarge", self.enlarge)
            if len(self.enlarge) != len(self.widths):
                raise InputError(
                    f"enlarge has {len(self.enlarge)} numbers for {len(self.widths)} hidden "
                    "layers; give one each or none"
                )
        if self._grown(1) < 1:
            raise InputError("no side is left by these kernels, strides and paddings")

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the least size of z whose image is at least so large: 1x1 for the paper's."""
        small, large = (
            next(side for side in range(1, max(2, length) + 1) if self._grown(side) >= length)
            for length in (height, width)
        )
        return small, large

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> DcganNetwork:
        """Return the network with random weights drawn from the generator."""
        return DcganNetwork(in_channels, out_channels, self, generator=generator)

    def _grown(self, side: int) -> int:
        """Return the side of the image that grows from a z of this side."""
        layers = zip(self.kernels, self.strides, self.paddings, (*self.factors, 1), strict=True)
        for kernel, stride, padding, factor in layers:
            side = ((side - 1) * stride - 2 * padding + kernel) * factor
        return side

    @property
    def factors(self) -> tuple[int, ...]:
        """By how much the map is enlarged after each hidden layer."""
        return self.enlarge or (1,) * len(self.widths)


class DcganNetwork(nn.Module):
    """f_θ: (b, in_channels, h, w) -> (b, out_channels, H, W) in [0, 1].

    x ← enlarged(relu(norm(conv*(x)))), no biases; the image is (1 + tanh(conv*(x))) / 2, where the
    paper has images in [-1, 1].
    """

    def __init__(
        self, in_channels: int, out_channels: int, settings: Dcgan | None = None, *,
        generator: Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        s = self.settings = settings or Dcgan()
        sides = zip(
            (in_channels, *s.widths), (*s.widths, out_channels), s.kernels, s.strides, s.paddings,
            strict=True,
        )  # fmt: skip
        self.layers = nn.ModuleList(
            ConvTranspose2d(a, b, kernel, stride=stride, padding=padding, bias=False)
            for a, b, kernel, stride, padding in sides
        )
        self.norms = nn.ModuleList(batch_norm(width) for width in s.widths)
        initialize(self, generator)

    def forward(self, z: Tensor) -> Tensor:
        """Return the image that grows from z."""
        x = z
        *hidden, last = self.layers
        for layer, norm, factor in zip(hidden, self.norms, self.settings.factors, strict=True):
            x = F.relu(norm(layer(x)))
            if factor > 1:
                with as_it_is(x):
                    x = F.interpolate(x, scale_factor=float(factor), mode="nearest")
        return (1 + torch.tanh(last(x))) / 2
