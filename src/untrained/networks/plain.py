"""Two networks without scales: a few plain convolutions, and 1x1 convolutions of coordinates."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

from torch import Generator, nn

from untrained.networks.layers import activation, check_choice, check_widths, conv, initialize

__all__ = ["Plain", "PlainNetwork", "Pointwise", "PointwiseNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plain:
    """A few 3x3 convolutions and a 1x1 one: ZS-N2N's network of 22 275 parameters for RGB.

    Mansour & Heckel, "Zero-Shot Noise2Noise", CVPR 2023, section 3.

    Attributes:
        width: channels.
        depth: 3x3 convolutions, each followed by LeakyReLU of `slope`.
        silent: whether the last layer starts at zero: what is added to something else.
    """

    width: int = 48
    depth: int = 2
    slope: float = 0.2
    silent: bool = False

    def __post_init__(self) -> None:
        check_widths("width", (self.width,))
        check_widths("depth", (self.depth,))

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of the input: the size of the image."""
        return height, width

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> PlainNetwork:
        """Return the network with random weights drawn from the generator."""
        return PlainNetwork(in_channels, out_channels, self, generator=generator)


class PlainNetwork(nn.Sequential):
    """f_θ: (b, in_channels, h, w) -> (b, out_channels, h, w); each pixel sees 2·depth+1 across."""

    def __init__(
        self, in_channels: int, out_channels: int, settings: Plain, *, generator: Generator
    ) -> None:
        widths = (in_channels, *(settings.width,) * settings.depth)
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [
                conv(a, b, 3, padding="zeros"),
                activation("leaky_relu", slope=settings.slope),
            ]
        last = conv(widths[-1], out_channels, 1, padding="zeros")
        super().__init__(*layers, last)
        initialize(self, generator)
        if settings.silent:
            for parameter in last.parameters():
                nn.init.zeros_(parameter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pointwise:
    """1x1 convolutions: the same small perceptron at every pixel, with z all that it knows.

    With `FourierFeatures` for z, the coordinate network of Tancik et al., arXiv 2006.10739 (their
    picture regression: 4 layers of 256 channels, ReLU, sigmoid).

    Attributes:
        width: channels of the hidden layers.
        depth: convolutions, the last one included.
        output: sigmoid or linear.
    """

    width: int = 256
    depth: int = 4
    output: Literal["sigmoid", "linear"] = "sigmoid"

    def __post_init__(self) -> None:
        check_widths("width", (self.width,))
        check_widths("depth", (self.depth,))
        check_choice("output", self.output, ("sigmoid", "linear"))

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of z: the size of the image."""
        return height, width

    def build(
        self, in_channels: int, out_channels: int, *, generator: Generator
    ) -> PointwiseNetwork:
        """Return the network with random weights drawn from the generator."""
        return PointwiseNetwork(in_channels, out_channels, self, generator=generator)


class PointwiseNetwork(nn.Sequential):
    """f_θ: (b, in_channels, h, w) -> (b, out_channels, h, w), pixel by pixel."""

    def __init__(
        self, in_channels: int, out_channels: int, settings: Pointwise, *, generator: Generator
    ) -> None:
        widths = (in_channels, *(settings.width,) * (settings.depth - 1))
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [conv(a, b, 1, padding="zeros"), activation("relu")]
        head = [conv(widths[-1], out_channels, 1, padding="zeros"), activation(settings.output)]
        super().__init__(*layers, *head)
        initialize(self, generator)
