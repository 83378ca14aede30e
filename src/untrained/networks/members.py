"""Several independent networks as one module."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["Members"]


class Members(nn.Module):
    """(n, c, h, w) -> (n, C, H, W): network i maps item i; nothing is shared.

    Batch normalisation would mix the items if one network were given all of them.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, z: Tensor) -> Tensor:
        """Return each network's image of its own z."""
        return torch.cat([network(z[i : i + 1]) for i, network in enumerate(self.networks)])
