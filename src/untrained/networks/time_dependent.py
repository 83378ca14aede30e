"""A network that draws each frame of a series from the frame's place on a curve.

Yoo, Jin, Gupta, Yerly, Stuber & Unser, "Time-dependent deep image prior for dynamic MRI", IEEE
Transactions on Medical Imaging 40(12), 2021.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks.layers import batch_norm, check_widths, conv, initialize

__all__ = ["Helix", "TimeDependent", "TimeDependentNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Helix:
    """The code of each frame: (cos φ, sin φ, s) with φ from 0 to 2π `cycles` and s from 0 to 1.

    Frames one cycle apart are neighbours (a heart that beats), and s tells them apart.

    Attributes:
        cycles: turns over the whole series; 0 = a straight line.
    """

    cycles: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.cycles < math.inf:
            raise InputError(f"cycles is {self.cycles}; wanted 0 or more")

    def build(self, frames: int) -> Tensor:
        """Return the codes, (frames, 3, 1, 1); both ends of the curve are frames."""
        s = torch.linspace(0, 1, frames, dtype=torch.float64)
        angle = 2 * torch.pi * self.cycles * s
        return torch.stack([angle.cos(), angle.sin(), s], dim=1)[..., None, None].float()


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeDependent:
    """A perceptron of a frame's code, folded to a small map, then enlarged by convolutions.

    Attributes:
        hidden: units of the perceptron's one hidden layer.
        size: height and width of the map that it ends in; of one channel.
        width: channels of the convolutions.
        num_up: doublings; the image is size · 2^num_up, of which the top left part is taken.
        num_extra: convolutions after the first of each size.
        bias: whether the convolutions have one.
    """

    hidden: int = 512
    size: tuple[int, int] = (8, 8)
    width: int = 128
    num_up: int = 4
    num_extra: int = 1
    bias: bool = False

    def __post_init__(self) -> None:
        check_widths("hidden", (self.hidden,))
        check_widths("width", (self.width,))
        check_widths("num_up, num_extra", (self.num_up, self.num_extra), least=0)
        if len(self.size) != 2 or min(self.size) < 1:
            raise InputError(f"size is {self.size}; wanted a height and a width of 1 or more")

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return (1, 1): a frame has one code. Raises InputError: a larger image than it draws."""
        largest = [n << self.num_up for n in self.size]
        if height > largest[0] or width > largest[1]:
            wanted = ",".join(str(math.ceil(n / 2**self.num_up)) for n in (height, width))
            raise InputError(
                f"the image is {height}x{width}, the network draws {largest[0]}x{largest[1]}; "
                f"set network.size={wanted}"
            )
        return 1, 1

    def build(
        self, in_channels: int, out_channels: int, *, generator: Generator
    ) -> TimeDependentNetwork:
        """Return the network with random weights drawn from the generator."""
        return TimeDependentNetwork(in_channels, out_channels, self, generator=generator)


class TimeDependentNetwork(nn.Module):
    """f_θ: codes (b, in_channels, 1, 1) -> frames (b, out_channels, H, W).

    Batch normalisation is over the frames given at once: of one frame, its own statistics.
    """

    def __init__(
        self, in_channels: int, out_channels: int, settings: TimeDependent | None = None, *,
        generator: Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        s = self.settings = settings or TimeDependent()
        self.mapping = nn.Sequential(
            conv(in_channels, s.hidden, 1, padding="zeros"),
            nn.ReLU(),
            conv(s.hidden, s.size[0] * s.size[1], 1, padding="zeros"),
        )
        layers = _layer(1, s)
        for _ in range(s.num_extra):
            layers += _layer(s.width, s)
        for _ in range(s.num_up):
            layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
            for _ in range(1 + s.num_extra):
                layers += _layer(s.width, s)
        layers.append(conv(s.width, out_channels, 3, padding="zeros", bias=s.bias))
        self.draw = nn.Sequential(*layers)
        initialize(self, generator)

    def forward(self, z: Tensor) -> Tensor:
        """Return the frames of codes (b, in_channels, 1, 1)."""
        small = self.mapping(z).reshape(len(z), 1, *self.settings.size)
        return self.draw(small)  # type: ignore[no-any-return]


def _layer(in_channels: int, s: TimeDependent) -> list[nn.Module]:
    return [
        conv(in_channels, s.width, 3, padding="zeros", bias=s.bias),
        batch_norm(s.width),
        nn.ReLU(inplace=True),
    ]
