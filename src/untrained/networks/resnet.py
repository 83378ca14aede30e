"""The plain residual network of the DIP paper's comparison of architectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Generator, Tensor, nn

from untrained.networks.layers import (
    Padding,
    activation,
    batch_norm,
    check_choice,
    check_widths,
    conv,
    initialize,
    pad_to,
)

__all__ = ["ResNet", "ResNetNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResNet:
    """Settings of the residual network (Ulyanov et al., arXiv 1711.10925, large holes)."""

    num_blocks: int = 8
    width: int = 32
    padding: Padding = "reflect"
    slope: float = 0.2
    output: Literal["sigmoid", "linear"] = "sigmoid"

    def __post_init__(self) -> None:
        check_widths("num_blocks", (self.num_blocks,), least=0)
        check_widths("width", (self.width,))
        check_choice("padding", self.padding, get_args(Padding))
        check_choice("output", self.output, ("sigmoid", "linear"))

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
        s = settings or ResNet()
        self.start = nn.Sequential(
            conv(in_channels, s.width, 3, padding=s.padding),
            activation("leaky_relu", slope=s.slope),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                conv(s.width, s.width, 3, padding="zeros", bias=False),
                batch_norm(s.width),
                activation("leaky_relu", slope=s.slope),
                conv(s.width, s.width, 3, padding="zeros", bias=False),
                batch_norm(s.width),
            )
            for _ in range(s.num_blocks)
        )
        self.head = nn.Sequential(
            conv(s.width, s.width, 3, padding="zeros"),
            batch_norm(s.width),
            conv(s.width, out_channels, 3, padding=s.padding),
            activation(s.output),
        )
        initialize(self, generator)

    def forward(self, z: Tensor) -> Tensor:
        """Return the image (b, out_channels, H, W) of z (b, in_channels, H, W)."""
        x = self.start(pad_to(z, minimum=2))
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)[..., : z.shape[-2], : z.shape[-1]]  # type: ignore[no-any-return]
