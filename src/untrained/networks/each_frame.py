"""One network for every frame of a series."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Generator, Tensor, nn

from untrained.networks.layers import NetworkSettings
from untrained.networks.plain import Plain

__all__ = ["EachFrame", "EachFrameNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EachFrame:
    """(b, F c, H, W) -> (b, F C, H, W): the same weights map the c channels of each of F frames.

    A frame's channels may be those of its neighbours too, so that it sees time go by. However many
    frames there are, the weights are as many, and every frame teaches them.

    Attributes:
        inner: the network, c channels in, C out.
    """

    inner: NetworkSettings = field(default_factory=lambda: Plain(width=24, depth=2))

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return what the inner network wants."""
        return self.inner.input_size(height, width)

    def build(
        self, in_channels: int, out_channels: int, *, generator: Generator
    ) -> EachFrameNetwork:
        """Return the network with random weights drawn from the generator; channels of a frame."""
        inner = self.inner.build(in_channels, out_channels, generator=generator)
        return EachFrameNetwork(inner, in_channels)


class EachFrameNetwork(nn.Module):
    """Frames as a batch through one network."""

    def __init__(self, inner: nn.Module, in_channels: int) -> None:
        super().__init__()
        self.inner = inner
        self.in_channels = in_channels

    def forward(self, frames: Tensor) -> Tensor:
        """Return (b, F C, H, W) of frames (b, F c, H, W)."""
        b, _, height, width = frames.shape
        images = self.inner(frames.reshape(-1, self.in_channels, height, width))
        return images.reshape(b, -1, *images.shape[-2:])  # type: ignore[no-any-return]
