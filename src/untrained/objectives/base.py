"""What every objective is: network -> estimate and loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Generator, Tensor, nn

from untrained.errors import InputError
from untrained.metrics import mse
from untrained.objectives.problem import Problem
from untrained.operators import Identity

__all__ = ["Iterate", "Objective", "ObjectiveSettings", "RunNetwork", "spread_over_members"]

RunNetwork = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Iterate:
    """One evaluation: the estimate x̂ (1, C, H, W), its measurement A x̂, the loss to descend."""

    estimate: Tensor
    measured: Tensor
    loss: Tensor


class Objective(ABC):
    """(network) -> estimate and loss. Owns z, the random numbers of the fit, and the problem.

    Attributes:
        z: the network's input code, (members, c, h, w); None = the network is fed something else.
        guide_channels: of a guide that the network is fed beside what `in_channels` counts.
        fed_channels: of what the network is fed, where neither z nor the image says it.
        drawn_channels: of what the network draws, where that is a part of the image (a frame of a
            series); None = the image's.
        draws_code: whether z is a code, in whose place another can be fed.
    """

    problem: Problem
    generator: Generator
    z: Tensor | None = None
    guide_channels: int = 0
    fed_channels: int | None = None
    drawn_channels: int | None = None
    draws_code: ClassVar[bool] = True

    def feed(self, z: Tensor) -> None:
        """Take another code in place of the one that was drawn.

        Raises:
            InputError: a network that is shown the picture, or a code of another shape.
        """
        if self.z is None or not self.draws_code:
            raise InputError(
                f"{type(self).__name__} shows the network the picture itself, not a z; "
                "leave z out, or use the DataFit objective"
            )
        if z.shape != self.z.shape:
            got, wanted = ("x".join(map(str, code.shape)) for code in (z, self.z))
            raise InputError(f"z is {got}; wanted {wanted}")
        if isinstance(self.z, nn.Parameter):
            with torch.no_grad():
                self.z.copy_(z)
        else:
            self.z = z.to(self.z)

    def watch(self, network: nn.Module) -> None:  # noqa: B027 - most need no more than its images
        """Take note of the network itself, once, before the first step."""

    @abstractmethod
    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the next iterate, with a graph behind its loss."""

    @abstractmethod
    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the image of the network as it is now, without jitter or masking."""

    def finish(self, estimate: Tensor) -> Tensor:
        """Return the final image that an estimate worth keeping gives."""
        return self.problem.finish(estimate)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return what the fit has found beside the image, by a short name, each (1, c, h, w).

        Asked once, after the last step, without gradient: a blur kernel, a second layer, a map of
        the uncertainty.
        """
        return {}

    def parameters(self) -> list[nn.Parameter]:
        """Return what is fitted beside the network's weights; the state holds their values."""
        return []

    def residual(self, measured: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean squared distance to y over the weighted measurements, on the device."""
        return mse(measured, self.problem.observed, weight)

    def state_dict(self) -> dict[str, Any]:
        """Return what the next iterates depend on: the state of the random numbers."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.generator.set_state(state["generator"])


def spread_over_members(images: Tensor, problem: Problem | None = None) -> dict[str, Tensor]:
    """Return the extra "spread": the standard deviation over (members, C, H, W), if several.

    Of a problem with an operator also "measured_spread", that of their measurements, which
    `solve` calibrates the spread with.
    """
    if len(images) < 2:
        return {}
    found = {"spread": images.std(0, keepdim=True)}
    if problem is not None and not isinstance(problem.operator, Identity):
        found["measured_spread"] = problem.operator(images).std(0, keepdim=True)
    return found


class ObjectiveSettings(Protocol):
    """Frozen settings of an objective; `build` makes it for one problem.

    With several members, independent networks are fitted side by side: the network that the
    objective is called with maps (members, c, h, w) to (members, C, H, W), each with its own
    weights; each is shown its own random numbers, the loss is their mean and the estimate is the
    mean of their images.

    Settings with a true `in_one_piece` are of objectives that explain a picture as a whole: it is
    never cut into tiles, each of which would be explained differently. Those with a true `prepares`
    compute as long before the first step as the steps take, so that a few steps tell no pace.
    """

    def in_channels(self, image_channels: int) -> int:
        """Return how many channels the network is fed for an image of so many."""
        ...

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> Objective:
        """Return the objective; `input_size` is the height and width of the network's input."""
        ...
