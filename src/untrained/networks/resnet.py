"""Residual networks at one resolution: the DIP paper's, and the one that sharpens a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch.nn.functional as F
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks.layers import (
    Padding,
    activation,
    batch_norm,
    check_choice,
    check_widths,
    conv,
    crop_to,
    initialize,
    pad_to,
)

__all__ = ["ResNet", "ResNetNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResNet:
    """Settings of the residual network (Ulyanov et al., arXiv 1711.10925, large holes).

    Attributes:
        num_blocks, width: the residual blocks and their channels.
        padding: reflect, zeros or replicate; of the first and last convolution.
        slope: LeakyReLU's below zero.
        output: sigmoid or linear.
        norm: batch normalisation; without it every block starts as the identity.
        add_input: the image is the input plus what the network says, which starts at zero (needs
            as many channels in as out); a whole-picture shortcut as in super-resolution networks.
        shuffle: pixels folded into channels, as in `Skip`.
    """

    num_blocks: int = 8
    width: int = 32
    padding: Padding = "reflect"
    slope: float = 0.2
    output: Literal["sigmoid", "linear"] = "sigmoid"
    norm: bool = True
    add_input: bool = False
    shuffle: int = 1

    def __post_init__(self) -> None:
        check_widths("num_blocks", (self.num_blocks,), least=0)
        check_widths("width", (self.width,))
        check_choice("padding", self.padding, get_args(Padding))
        check_choice("output", self.output, ("sigmoid", "linear"))
        if self.shuffle < 1:
            raise InputError(f"shuffle is {self.shuffle}; wanted 1 or more")

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of z: the size of the image."""
        return height, width

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> ResNetNetwork:
        """Return the network with random weights drawn from the generator."""
        return ResNetNetwork(in_channels, out_channels, self, generator=generator)


class ResNetNetwork(nn.Module):
    """f_θ: (b, in_channels, H, W) -> (b, out_channels, H, W) at one resolution throughout."""

    def __init__(
        self, in_channels: int, out_channels: int, settings: ResNet | None = None, *,
        generator: Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        s = self.settings = settings or ResNet()
        if s.add_input and in_channels != out_channels:
            raise InputError(
                f"add_input needs as many channels in as out, got {in_channels} and {out_channels}"
            )
        fold = s.shuffle**2
        self.start = nn.Sequential(
            conv(in_channels * fold, s.width, 3, padding=s.padding),
            activation("leaky_relu", slope=s.slope),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                conv(s.width, s.width, 3, padding="zeros", bias=not s.norm),
                *([batch_norm(s.width)] if s.norm else []),
                activation("leaky_relu", slope=s.slope),
                conv(s.width, s.width, 3, padding="zeros", bias=not s.norm),
                *([batch_norm(s.width)] if s.norm else []),
            )
            for _ in range(s.num_blocks)
        )
        self.head = nn.Sequential(
            conv(s.width, s.width, 3, padding="zeros"),
            *([batch_norm(s.width)] if s.norm else []),
            conv(s.width, out_channels * fold, 3, padding=s.padding),
            activation(s.output),
        )
        initialize(self, generator)
        silent: list[nn.Module] = [self.head[-2]] if s.add_input else []
        silent += [] if s.norm else [list(block.children())[-1] for block in self.blocks]
        for layer in silent:
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def forward(self, z: Tensor) -> Tensor:
        """Return the image (b, out_channels, H, W) of z (b, in_channels, H, W)."""
        s = self.settings
        whole = pad_to(z, minimum=2 * s.shuffle, multiple=s.shuffle)
        x = self.start(F.pixel_unshuffle(whole, s.shuffle) if s.shuffle > 1 else whole)
        for block in self.blocks:
            x = x + block(x)
        x = self.head(x)
        x = F.pixel_shuffle(x, s.shuffle) if s.shuffle > 1 else x
        x = whole + x if s.add_input else x
        return crop_to(x, (z.shape[-2], z.shape[-1]))
