"""z, the network's input code. Each setting builds a (1, c, h, w) tensor.

A random code is drawn on the CPU so that one seed gives one z on every device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Generator, Tensor

from untrained.errors import InputError

__all__ = ["CodeSettings", "FourierFeatures", "Guide", "Meshgrid", "Noise"]


class CodeSettings(Protocol):
    """Settings of a z."""

    @property
    def channels(self) -> int | None:
        """The channels of z; None = those of the guide."""
        ...

    def build(
        self, height: int, width: int, *, generator: Generator, guide: Tensor | None = None
    ) -> Tensor:
        """Return z of shape (1, channels, height, width); `guide` is the problem's."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """z ~ U(0, scale) or N(0, scale²), fixed during the fit (Ulyanov et al., arXiv 1711.10925).

    Attributes:
        channels: of z.
        scale: the upper end, or the standard deviation.
        distribution: uniform or normal.
    """

    channels: int = 32
    scale: float = 0.1
    distribution: Literal["uniform", "normal"] = "uniform"

    def build(
        self, height: int, width: int, *, generator: Generator, guide: Tensor | None = None
    ) -> Tensor:
        """Return z of shape (1, channels, height, width); the guide is not used."""
        shape = (1, self.channels, height, width)
        draw = torch.rand if self.distribution == "uniform" else torch.randn
        return self.scale * draw(shape, generator=generator)


@dataclass(frozen=True, kw_only=True, slots=True)
class Meshgrid:
    """z = the pixel coordinates (x, y), each in [0, 1]: a smoothness prior for large holes.

    Ulyanov et al., arXiv 1711.10925, section "inpainting".
    """

    channels: int = 2

    def build(
        self, height: int, width: int, *, generator: Generator, guide: Tensor | None = None
    ) -> Tensor:
        """Return z of shape (1, 2, height, width); generator and guide are not used."""
        rows = torch.linspace(0, 1, height).view(1, 1, height, 1).expand(1, 1, height, width)
        columns = torch.linspace(0, 1, width).view(1, 1, 1, width).expand(1, 1, height, width)
        return torch.cat([columns, rows], dim=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class FourierFeatures:
    """z(v) = [cos 2πBv, sin 2πBv], v = the pixel coordinates in [0, 1), B ~ N(0, scale²).

    Lets a network of 1x1 convolutions, which maps each position by itself, learn fine detail.
    Tancik et al., "Fourier features let networks learn high frequency functions in low dimensional
    domains", arXiv 2006.10739, with all amplitudes 1.

    Attributes:
        frequencies: rows of B.
        scale: standard deviation of B, in periods a picture; larger = finer detail, and sooner
            noise. The paper's best for pictures is 10.
    """

    frequencies: int = 256
    scale: float = 10.0

    def __post_init__(self) -> None:
        if self.frequencies < 1 or not self.scale > 0:
            raise InputError(
                f"frequencies is {self.frequencies} and scale {self.scale}; "
                "wanted 1 or more and more than 0"
            )

    @property
    def channels(self) -> int:
        """A cosine and a sine for every frequency."""
        return 2 * self.frequencies

    def build(
        self, height: int, width: int, *, generator: Generator, guide: Tensor | None = None
    ) -> Tensor:
        """Return z of shape (1, 2 · frequencies, height, width); the guide is not used."""
        b = self.scale * torch.randn(self.frequencies, 2, generator=generator)
        down = torch.arange(height).view(1, height, 1) / height
        across = torch.arange(width).view(1, 1, width) / width
        phase = 2 * torch.pi * (b[:, :1, None] * down + b[:, 1:, None] * across)
        return torch.cat([phase.cos(), phase.sin()])[None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Guide:
    """z = another picture of the same scene, `Problem.guide`: the image takes over its structure.

    Ulyanov et al., arXiv 1711.10925, section "flash/no-flash reconstruction".
    """

    @property
    def channels(self) -> None:
        """As many as the guide has."""

    def build(
        self, height: int, width: int, *, generator: Generator, guide: Tensor | None = None
    ) -> Tensor:
        """Return the guide, (1, C, height, width), on the CPU.

        Raises:
            InputError: there is none, or the network wants a z of another size.
        """
        if guide is None:
            raise InputError("z is a guide, and there is none; give one, or use another z")
        if guide.shape[-2:] != (height, width):
            got = "x".join(map(str, guide.shape[-2:]))
            raise InputError(
                f"guide is {got}, the network wants a z of {height}x{width}; "
                "use a network whose z has the size of the image (Skip, UNet, ResNet)"
            )
        return guide.cpu()
