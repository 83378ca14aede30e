"""Fresh Gaussian noise at every step for the price of reading it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.noise.model import gaussian_taps

__all__ = ["NoisePool"]

_MARGIN = 64  # pixels: 65² windows


class NoisePool:
    """N(0, 1) noise of a shape (b, c, h, w), drawn once with a margin, seen through windows.

    Drawing the jitter of a 16-channel code anew took a fifth of a step on a CPU. A window at
    another place shows other noise at every pixel: two windows are as independent as two draws,
    unless they are the same, which happens once in 4225 draws.
    """

    def __init__(
        self, shape: tuple[int, int, int, int], *, generator: Generator, blur: float = 0.0
    ) -> None:
        """`blur`: as in `NoiseModel`; the variance stays 1."""
        b, c, h, w = shape
        self.size = (h, w)
        self.field = torch.empty(b, c, h + _MARGIN, w + _MARGIN, device=generator.device)
        self.field.normal_(generator=generator)
        if blur:
            taps = gaussian_taps(blur).to(self.field)
            for kernel in (taps.view(1, 1, 1, -1), taps.view(1, 1, -1, 1)):
                self.field = F.conv2d(
                    self.field, kernel.expand(c, 1, -1, -1), padding="same", groups=c
                )
        # The place is needed by the loop, not by the device, which is never waited for.
        self.places = Generator().manual_seed(generator.initial_seed())

    def draw(self) -> Tensor:
        """Return a view of the noise, (b, c, h, w); not to be changed in place."""
        top, left = torch.randint(_MARGIN + 1, (2,), generator=self.places).tolist()
        h, w = self.size
        return self.field[..., top : top + h, left : left + w]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the places; the field follows from the seed."""
        return {"places": self.places.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.places.set_state(state["places"])
