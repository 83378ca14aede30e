"""Deep Decoder: a decoder of 1x1 convolutions, too small to fit noise.

Heckel & Hand, "Deep Decoder: Concise image representations from untrained non-convolutional
networks", arXiv 1810.03982.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Generator, Tensor, nn

from untrained.networks.layers import (
    UpMode,
    activation,
    batch_norm,
    check_choice,
    check_widths,
    conv,
    initialize,
    upsample,
)

__all__ = ["DeepDecoder", "DeepDecoderNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepDecoder:
    """Settings of the Deep Decoder; the defaults give the paper's 100 224 parameters for RGB.

    Attributes:
        width: channels k of every layer and of z.
        num_up: upsamplings; z has the image's size divided by 2^num_up, rounded up.
        up: bilinear (the paper's) or nearest.
        output: sigmoid or linear.
    """

    width: int = 128
    num_up: int = 5
    up: UpMode = "bilinear"
    output: Literal["sigmoid", "linear"] = "sigmoid"

    def __post_init__(self) -> None:
        check_widths("width", (self.width,))
        check_widths("num_up", (self.num_up,), least=0)
        check_choice("up", self.up, get_args(UpMode))
        check_choice("output", self.output, ("sigmoid", "linear"))

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of z; at least 2x2 so that there is something to normalise."""
        return tuple(max(2, -(-side // 2**self.num_up)) for side in (height, width))

    def build(
        self, in_channels: int, out_channels: int, *, generator: Generator
    ) -> DeepDecoderNetwork:
        """Return the network with random weights drawn from the generator."""
        return DeepDecoderNetwork(in_channels, out_channels, self, generator=generator)


class DeepDecoderNetwork(nn.Module):
    """f_θ: (b, in_channels, h, w) -> (b, out_channels, 2^n h, 2^n w).

    B_{i+1} = norm(relu(upsample(C_i B_i))), x = sigmoid(C_out B_n) (equation 1 of the paper).
    """

    def __init__(
        self, in_channels: int, out_channels: int, settings: DeepDecoder | None = None, *,
        generator: Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        s = self.settings = settings or DeepDecoder()
        widths = (in_channels, *(s.width,) * (s.num_up + 1))
        self.mix = nn.ModuleList(
            conv(a, b, 1, padding="zeros", bias=False) for a, b in itertools.pairwise(widths)
        )
        self.norm = nn.ModuleList(
            nn.Sequential(nn.ReLU(), batch_norm(s.width)) for _ in range(s.num_up + 1)
        )
        self.head = nn.Sequential(
            conv(s.width, out_channels, 1, padding="zeros", bias=False), activation(s.output)
        )
        initialize(self, generator)

    def forward(self, z: Tensor) -> Tensor:
        """Return the image that grows from z."""
        x = z
        for i, (mix, norm) in enumerate(zip(self.mix, self.norm, strict=True)):
            x = mix(x)
            if i < self.settings.num_up:
                x = upsample(x, self.settings.up)
            x = norm(x)
        return self.head(x)  # type: ignore[no-any-return]
