"""U-Net as the DIP paper uses it for large holes (Ulyanov et al., arXiv 1711.10925)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Generator, Tensor, nn

from untrained.networks.functional import concatenate
from untrained.networks.layers import (
    ConvTranspose2d,
    Padding,
    activation,
    check_choice,
    check_widths,
    conv,
    crop_to,
    initialize,
    pad_to,
)

__all__ = ["UNet", "UNetNetwork"]

UNetUp = Literal["deconv", "nearest", "bilinear"]


@dataclass(frozen=True, kw_only=True, slots=True)
class UNet:
    """Settings of the U-Net; the defaults are the paper's for the "library" picture.

    Attributes:
        widths: channels a scale; 64 … 1024 divided by a feature scale of 8, and one more layer.
        up: a 4x4 transposed convolution, or nearest / bilinear followed by a 3x3 convolution.
        padding: of the convolutions.
        output: sigmoid or linear.
    """

    widths: tuple[int, ...] = (8, 16, 32, 64, 128, 128)
    up: UNetUp = "deconv"
    padding: Padding = "zeros"
    output: Literal["sigmoid", "linear"] = "sigmoid"

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        check_choice("up", self.up, get_args(UNetUp))
        check_choice("padding", self.padding, get_args(Padding))
        check_choice("output", self.output, ("sigmoid", "linear"))

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of z: the size of the image."""
        return height, width

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> UNetNetwork:
        """Return the network with random weights drawn from the generator."""
        return UNetNetwork(in_channels, out_channels, self, generator=generator)


class UNetNetwork(nn.Module):
    """f_θ: (b, in_channels, H, W) -> (b, out_channels, H, W), instance norm, max pooling."""

    def __init__(
        self, in_channels: int, out_channels: int, settings: UNet | None = None, *,
        generator: Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        s = settings or UNet()
        self.start = _two_convs(in_channels, s.widths[0], s, norm=True)
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), _two_convs(wide, deep, s, norm=True))
            for wide, deep in itertools.pairwise(s.widths)
        )
        self.up = nn.ModuleList(
            _enlarge(deep, wide, s) for wide, deep in itertools.pairwise(s.widths)
        )
        self.merge = nn.ModuleList(
            _two_convs(2 * wide, wide, s, norm=False) for wide in s.widths[:-1]
        )
        self.head = nn.Sequential(
            conv(s.widths[0], out_channels, 1, padding=s.padding), activation(s.output)
        )
        # Instance norm needs more than one pixel in the deepest map.
        self.minimum = 2 ** len(s.widths)
        initialize(self, generator)

    def forward(self, z: Tensor) -> Tensor:
        """Return the image (b, out_channels, H, W) of z (b, in_channels, H, W)."""
        size = (z.shape[-2], z.shape[-1])
        maps = [self.start(pad_to(z, minimum=self.minimum))]
        for down in self.down:
            maps.append(down(maps[-1]))
        x = maps[-1]
        for i in reversed(range(len(self.up))):
            beside = maps[i]
            x = crop_to(self.up[i](x), (beside.shape[-2], beside.shape[-1]))
            x = self.merge[i](concatenate(x, beside))
        return crop_to(self.head(x), size)


def _two_convs(in_channels: int, out_channels: int, s: UNet, *, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers.append(conv(channels, out_channels, 3, padding=s.padding))
        if norm:
            layers.append(nn.InstanceNorm2d(out_channels))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def _enlarge(in_channels: int, out_channels: int, s: UNet) -> nn.Module:
    if s.up == "deconv":
        return ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode=s.up),
        conv(in_channels, out_channels, 3, padding=s.padding),
    )
