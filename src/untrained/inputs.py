"""z, the network's input code. Each setting builds a (1, c, h, w) tensor.

A random code is drawn on the CPU so that one seed gives one z on every device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Generator, Tensor

from untrained.errors import InputError

__all__ = ["CodeSettings", "Guide", "Meshgrid", "Noise"]


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
    """z ~ U(0, scale) or N(0, scale²), fixed during the fit (Ulyanov et al., arXiv 1711.10925)."""

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
