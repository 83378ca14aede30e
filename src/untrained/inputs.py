"""z, the network's input code. Each setting builds a (1, c, h, w) tensor.

A code is drawn on the CPU so that one seed gives one z on every device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Generator, Tensor

__all__ = ["CodeSettings", "Meshgrid", "Noise"]


class CodeSettings(Protocol):
    """Settings of a z."""

    @property
    def channels(self) -> int:
        """The channels of z."""
        ...

    def build(self, height: int, width: int, *, generator: Generator) -> Tensor:
        """Return z of shape (1, channels, height, width)."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """z ~ U(0, scale) or N(0, scale²), fixed during the fit (Ulyanov et al., arXiv 1711.10925)."""

    channels: int = 32
    scale: float = 0.1
    distribution: Literal["uniform", "normal"] = "uniform"

    def build(self, height: int, width: int, *, generator: Generator) -> Tensor:
        """Return z of shape (1, channels, height, width)."""
        shape = (1, self.channels, height, width)
        draw = torch.rand if self.distribution == "uniform" else torch.randn
        return self.scale * draw(shape, generator=generator)


@dataclass(frozen=True, kw_only=True, slots=True)
class Meshgrid:
    """z = the pixel coordinates (x, y), each in [0, 1]: a smoothness prior for large holes.

    Ulyanov et al., arXiv 1711.10925, section "inpainting".
    """

    channels: int = 2

    def build(self, height: int, width: int, *, generator: Generator) -> Tensor:
        """Return z of shape (1, 2, height, width); the generator is not used."""
        rows = torch.linspace(0, 1, height).view(1, 1, height, 1).expand(1, 1, height, width)
        columns = torch.linspace(0, 1, width).view(1, 1, 1, width).expand(1, 1, height, width)
        return torch.cat([columns, rows], dim=1)
