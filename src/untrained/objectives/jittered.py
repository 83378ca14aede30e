"""A code z with other noise on it at every step."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from untrained.noise import NoisePool
from untrained.objectives.base import Objective

__all__ = ["JitteredObjective"]


class JitteredObjective(Objective):
    """An objective whose network is shown z + std · n, n standard normal and another every step.

    Its `__init__` sets `problem` and `generator`, then calls `take_code`.
    """

    z: Tensor

    def take_code(self, z: Tensor, *, std: float) -> None:
        """Keep z (members, c, h, w); the noise is drawn from `generator`."""
        self.z = z
        self.std = std
        members, channels, height, width = z.shape
        shape = (members, channels, height, width)
        self.jitter = NoisePool(shape, generator=self.generator) if std else None

    def jittered(self, z: Tensor | None = None) -> Tensor:
        """Return the code of the next step: z, or another in its place, with noise on it."""
        z = self.z if z is None else z
        return z if self.jitter is None else z.add(self.jitter.draw(), alpha=self.std)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers."""
        return {**super().state_dict(), "jitter": self.jitter and self.jitter.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        if self.jitter is not None:
            self.jitter.load_state_dict(state["jitter"])
