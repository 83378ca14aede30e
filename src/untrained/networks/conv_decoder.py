"""ConvDecoder: a Deep Decoder with 3x3 convolutions and an upsampling by any factor.

Darestani & Heckel, "Accelerated MRI with un-trained neural networks", arXiv 2007.02471.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch.nn.functional as F
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks.enlarged import conv_of_enlarged, has_short_gradient
from untrained.networks.functional import as_it_is
from untrained.networks.layers import (
    UpMode,
    activation,
    batch_norm,
    check_choice,
    check_widths,
    conv,
    initialize,
)

__all__ = ["ConvDecoder", "ConvDecoderNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvDecoder:
    """Settings of the ConvDecoder; the defaults are the paper's for multi-coil MRI.

    Attributes:
        width: channels of every layer and of z.
        layers: 3x3 convolutions, an upsampling before each but the last.
        scale: factor of an upsampling; z is scale^(layers - 1) times smaller than the image. The
            paper takes whatever leads from 8x4 to the image, 1.9 for 640x368 and 8 layers.
        in_size: height and width of z, instead of `scale`: each axis has the factor that leads to
            the image's size, (out / in)^(1 / (layers - 1)), as in the authors' code (8x4); empty =
            by `scale`.
        out_size: the image's size where in_size is given; a fit fills it in.
        bias: whether the 3x3 convolutions have one; the authors' multi-coil notebooks have none.
        up: nearest (the paper's) or bilinear.
        output: linear (the paper's) or sigmoid.
    """

    width: int = 160
    layers: int = 8
    scale: float = 1.9
    in_size: tuple[int, ...] = ()
    out_size: tuple[int, ...] = ()
    bias: bool = True
    up: UpMode = "nearest"
    output: Literal["sigmoid", "linear"] = "linear"

    def __post_init__(self) -> None:
        check_widths("width", (self.width,))
        check_widths("layers", (self.layers,))
        if not self.scale > 1:
            raise InputError(f"scale is {self.scale}; wanted more than 1")
        for name in ("in_size", "out_size"):
            size = getattr(self, name)
            if len(size) not in (0, 2) or any(side < 1 for side in size):
                raise InputError(f"{name} is {size}; wanted height and width, or nothing")
        check_choice("up", self.up, get_args(UpMode))
        check_choice("output", self.output, ("sigmoid", "linear"))

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of z; at least 2x2 so that there is something to normalise."""
        if self.in_size:
            return self.in_size[0], self.in_size[1]
        small, large = (
            max(2, math.ceil(side / self.scale ** (self.layers - 1))) for side in (height, width)
        )
        return small, large

    def of_size(self, height: int, width: int) -> ConvDecoder:
        """Return the settings for an image of this size, which in_size alone does not tell."""
        return replace(self, out_size=(height, width)) if self.in_size else self

    def size_after(self, layer: int, start: tuple[int, int]) -> list[int]:
        """Return the height and width after so many upsamplings of a z of the size `start`."""
        if not (self.in_size and self.out_size):
            return [math.ceil(side * self.scale**layer) for side in start]
        last = self.layers - 1
        if layer == last:
            return list(self.out_size)
        return [
            math.ceil((large / small) ** (layer / last) * small)
            for small, large in zip(self.in_size, self.out_size, strict=True)
        ]

    def build(
        self, in_channels: int, out_channels: int, *, generator: Generator
    ) -> ConvDecoderNetwork:
        """Return the network with random weights drawn from the generator."""
        return ConvDecoderNetwork(in_channels, out_channels, self, generator=generator)


class ConvDecoderNetwork(nn.Module):
    """f_θ: (b, in_channels, h, w) -> (b, out_channels, H, W), H = ⌈scale^(layers - 1) h⌉.

    With `in_size`, H and W are those of the image, after hidden sizes of ⌈s^n h⌉ and ⌈t^n w⌉.

    B_{i+1} = norm(relu(conv(upsample(B_i)))), x = C_out B_n (section 3 of the paper).
    """

    def __init__(
        self, in_channels: int, out_channels: int, settings: ConvDecoder | None = None, *,
        generator: Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        s = self.settings = settings or ConvDecoder()
        widths = (in_channels, *(s.width,) * (s.layers - 1))
        self.blocks = nn.ModuleList(
            nn.Sequential(
                conv(a, s.width, 3, padding="zeros", bias=s.bias),
                activation("relu"),
                batch_norm(s.width),
            )
            for a in widths
        )
        self.head = nn.Sequential(
            conv(s.width, out_channels, 1, padding="zeros", bias=s.bias), activation(s.output)
        )
        initialize(self, generator)

    def forward(self, z: Tensor) -> Tensor:
        """Return the image that grows from z."""
        s, x = self.settings, z
        for i, block in enumerate(self.blocks, start=1):
            assert isinstance(block, nn.Sequential)
            if i < s.layers:
                height, width = s.size_after(i, (z.shape[-2], z.shape[-1]))
                # Of a network grown by `scale`, every bit stays as it has always been.
                exact = s.in_size and s.up == "nearest"
                if exact and has_short_gradient(x, (height, width)):
                    kernels = block[0]
                    assert isinstance(kernels, nn.Conv2d)
                    x = conv_of_enlarged(x, kernels.weight, kernels.bias, (height, width))
                    x = block[1:](x)
                    continue
                x = _enlarged(x, (height, width), s.up)
            x = block(x)
        return self.head(x)  # type: ignore[no-any-return]


def _enlarged(x: Tensor, size: tuple[int, int], up: UpMode) -> Tensor:
    with as_it_is(x):
        if up == "nearest":
            return F.interpolate(x, size=size, mode="nearest")
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False)
