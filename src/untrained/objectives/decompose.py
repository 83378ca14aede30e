"""One picture as two layers, one lying transparently over the other: networks fitted together.

Gandelsman, Shocher & Irani, "Double-DIP: unsupervised image decomposition via coupled
deep-image-priors", CVPR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.inputs import Noise
from untrained.objectives.base import Iterate, RunNetwork
from untrained.objectives.jittered import JitteredObjective
from untrained.objectives.problem import Problem

__all__ = ["Decompose", "DecomposeObjective", "exclusion"]

_SCALES = 3  # of the gradients that the layers must not share


@dataclass(frozen=True, kw_only=True, slots=True)
class Decompose:
    """‖m a + (1 - m) b - y‖² + e · exclusion(a, b), m the same at every pixel.

    (a, b, m) = f_θ(z) with the network `Layered`; m is the mean of its mask. A network fits a
    picture of one kind sooner than a mixture, so two of them share the work where the picture
    itself has two parts. That leaves much open: a and b may change places, a constant may move
    from one to the other, and layers that look alike stay together.

    Attributes:
        z: the input code of all networks.
        jitter: standard deviation of the Gaussian noise added to z, another at every step.
        exclusion: e; keeps an edge from being in both layers. At 0.1 one layer came out empty in
            the picture that it was tried on, hence 0.
    """

    in_one_piece: ClassVar[bool] = True

    z: Noise = field(default_factory=lambda: Noise(channels=16))
    jitter: float = 0.03
    exclusion: float = 0.0

    def __post_init__(self) -> None:
        for name in ("jitter", "exclusion"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}; wanted 0 or more")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of z."""
        return self.z.channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> DecomposeObjective:
        """Return the objective with its z drawn.

        Raises:
            InputError: several members, whose layers would not match; a stop rule that holds out
                pixels, which the first layer alone does not explain.
        """
        if members > 1:
            raise InputError(
                f"members is {members}; the layers of several networks do not match, wanted 1"
            )
        if problem.held_out is not None:
            raise InputError(
                "a layer cannot be judged by held-out pixels; use --set stopper=FixedSteps"
            )
        return DecomposeObjective(problem, self, input_size, seed=seed)


class DecomposeObjective(JitteredObjective):
    """The state of a `Decompose` on one problem."""

    z: Tensor

    def __init__(
        self, problem: Problem, settings: Decompose, input_size: tuple[int, int], *, seed: int
    ) -> None:
        device = problem.observed.device
        self.problem = problem
        self.settings = settings
        self.generator = Generator(device).manual_seed(seed + 1)
        z = settings.z.build(*input_size, generator=Generator().manual_seed(seed))
        self.take_code(z.to(device), std=settings.jitter)

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the first layer, the picture put together again, and the loss."""
        s = self.settings
        first, second, mask = self._parts(network, self.jittered())
        together = mask * first + (1 - mask) * second
        loss = self.residual(together, self.problem.known)
        if s.exclusion:
            loss = loss + s.exclusion * exclusion(first, second)
        return Iterate(estimate=first, measured=together, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the first layer."""
        with torch.no_grad():
            return self._parts(network, self.z)[0]

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the second layer and the mask m, how much of the first shows, (1, 1, H, W)."""
        with torch.no_grad():
            _, second, mask = self._parts(network, self.z)
        return {"second": second, "mask": mask}

    def _parts(self, network: RunNetwork, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the layers (1, C, H, W) and the mask (1, 1, H, W)."""
        channels, height, width = self.problem.image_shape[1:]
        output = network(z)[..., :height, :width]
        assert output.shape[1] == 2 * channels + 1, "the network of a decomposition is a Layered"
        first, second = output[:, :channels], output[:, channels:-1]
        mask = output[:, -1:].mean((2, 3), keepdim=True).expand(-1, -1, height, width)
        return first, second, mask


def exclusion(first: Tensor, second: Tensor) -> Tensor:
    """Return how much the edges of two pictures (b, C, H, W) coincide: mean |∂a| |∂b|, normalised.

    The mean over scales and directions of tanh(|∂a|/s) tanh(|∂b|/s) with s the mean of |∂a| + |∂b|
    (Zhang, Ng & Chen, "Single image reflection separation with perceptual losses", CVPR 2018).
    """
    total = first.new_zeros(())
    for scale in range(_SCALES):
        if scale:
            if min(first.shape[-2:]) < 4:
                break
            first, second = F.avg_pool2d(first, 2), F.avg_pool2d(second, 2)
        for dim in (-1, -2):
            edges = [x.diff(dim=dim).abs() for x in (first, second)]
            size = (edges[0] + edges[1]).mean().detach() + 1e-6
            total = total + (torch.tanh(edges[0] / size) * torch.tanh(edges[1] / size)).mean()
    return total / (2 * _SCALES)
