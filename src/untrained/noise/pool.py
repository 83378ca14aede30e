"""Fresh Gaussian noise at every step for the price of reading it."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.noise.opponent import from_opponent

__all__ = ["NoisePool"]

_MARGIN = 64  # pixels: 65² windows


class NoisePool:
    """N(0, 1) noise of a shape (b, c, h, w), drawn once with a margin, seen through windows.

    Drawing the jitter of a 16-channel code anew took a fifth of a step on a CPU. A window at
    another place shows other noise at every pixel: two windows are as independent as two draws,
    unless they are the same, which happens once in 4225 draws.
    """

    def __init__(
        self, shape: tuple[int, int, int, int], *, generator: Generator,
        correlation: Tensor | None = None,
    ) -> None:  # fmt: skip
        """`correlation`: as in `NoiseModel`; the mean variance of the channels stays 1."""
        b, c, h, w = shape
        self.size = (h, w)
        self.field = torch.empty(b, c, h + _MARGIN, w + _MARGIN, device=generator.device)
        self.field.normal_(generator=generator)
        if correlation is not None:
            self.field = from_opponent(_filtered(self.field, correlation.to(self.field)))
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


def _filtered(white: Tensor, correlation: Tensor) -> Tensor:
    """Return noise of this correlation, of white noise (b, c, h, w).

    Its spectrum is multiplied by the root of that of the correlation, which is faded out towards
    its end: an estimate is rough there.
    """
    height, width = white.shape[-2:]
    reach = correlation.shape[-1] // 2
    fade = torch.cos(torch.arange(-reach, reach + 1.0) * math.pi / (2 * reach + 2)).square()
    faded = correlation * (fade[:, None] * fade).to(correlation)
    padded = F.pad(faded, (0, width - 2 * reach - 1, 0, height - 2 * reach - 1))
    power = torch.fft.rfft2(padded.roll((-reach, -reach), (-2, -1))).real.clamp_min(0)
    total = torch.fft.irfft2(power, s=(height, width))[:, :1, :1].clamp_min(1e-12)
    power *= faded[:, reach, reach, None, None] / total  # negative powers were cut off
    filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(white) * power.sqrt(), s=(height, width))
    return filtered
