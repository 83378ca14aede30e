"""Dropout that stays on, from random numbers of its own."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

__all__ = ["Dropout", "seed_dropouts"]


class Dropout(nn.Module):
    """x ← x m / (1 - rate), m ~ Bernoulli(1 - rate) for every value, drawn anew at every call.

    Unlike torch's it is never off, takes nothing from the global random numbers, and counts its
    calls in the network's state, so that a resumed fit draws the same masks. Calls without gradient
    look at the image and do not count: the masks of the next step are those of a fit unwatched.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.seed = 0
        self.calls = 0
        self.looks = 0  # calls without gradient since the last one with

    def forward(self, x: Tensor) -> Tensor:
        """Return x with some values set to zero and the others enlarged."""
        if x.device.type == "meta":  # shapes only: `summarize`
            return x * torch.empty_like(x)
        if torch.is_grad_enabled():
            seed = self.seed + self.calls
            self.calls, self.looks = self.calls + 1, 0
        else:
            seed = self.seed + self.calls + self.looks
            self.looks += 1
        generator = Generator(x.device).manual_seed(seed)
        kept = torch.empty_like(x).bernoulli_(1 - self.rate, generator=generator)
        return x * kept / (1 - self.rate)

    def get_extra_state(self) -> Tensor:
        """Return the seed and the number of calls so far."""
        return torch.tensor([self.seed, self.calls])

    def set_extra_state(self, state: Tensor) -> None:
        """Take over a state."""
        self.seed, self.calls = state.tolist()


def seed_dropouts(network: nn.Module, generator: Generator) -> None:
    """Draw a seed for every dropout of a network; nothing is drawn if there is none."""
    for module in network.modules():
        if isinstance(module, Dropout):
            module.seed = int(torch.randint(2**40, (), generator=generator, device="cpu"))
