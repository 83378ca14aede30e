"""Several networks side by side that explain one picture as layers and a mask.

Gandelsman, Shocher & Irani, "Double-DIP: unsupervised image decomposition via coupled
deep-image-priors", CVPR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.networks.layers import NetworkSettings
from untrained.networks.skip import Skip

__all__ = ["Layered", "LayeredNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layered:
    """Settings: `num_layers` networks for pictures and one for a mask, all fed the same z.

    Attributes:
        layer: the network of each layer; C channels out.
        mask: the network of the mask; one channel out, so its output ought to be a sigmoid.
        num_layers: 2 to take a picture apart, 1 where the other layer is known (dehazing).
    """

    layer: NetworkSettings = field(default_factory=Skip)
    mask: NetworkSettings = field(default_factory=Skip)
    num_layers: int = 2

    def __post_init__(self) -> None:
        if self.num_layers < 1:
            raise InputError(f"num_layers is {self.num_layers}; wanted 1 or more")

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of z.

        Raises:
            InputError: the networks want z of different sizes.
        """
        sizes = {s.input_size(height, width) for s in (self.layer, self.mask)}
        if len(sizes) > 1:
            raise InputError(
                "the networks of layers and mask want different sizes of z; "
                "use networks of one kind for both"
            )
        return sizes.pop()

    def build(self, in_channels: int, out_channels: int, *, generator: Generator) -> LayeredNetwork:
        """Return the networks with random weights drawn from the generator."""
        layers = [
            self.layer.build(in_channels, out_channels, generator=generator)
            for _ in range(self.num_layers)
        ]
        return LayeredNetwork(layers, self.mask.build(in_channels, 1, generator=generator))


class LayeredNetwork(nn.Module):
    """z (b, c, h, w) -> (b, num_layers · C + 1, H, W): the layers, then the mask."""

    def __init__(self, layers: list[nn.Module], mask: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.mask = mask

    def forward(self, z: Tensor) -> Tensor:
        """Return the layers and the mask, one after the other in the channels."""
        return torch.cat([*(layer(z) for layer in self.layers), self.mask(z)], dim=1)
