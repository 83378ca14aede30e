"""One picture as two layers, one lying transparently over the other: networks fitted together.

Gandelsman, Shocher & Irani, "Double-DIP: unsupervised image decomposition via coupled
deep-image-priors", CVPR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.networks import Noise
from untrained.objectives.base import Iterate, RunNetwork
from untrained.objectives.jittered import JitteredObjective
from untrained.objectives.losses import DataTerm, Gaussian
from untrained.objectives.problem import Problem

__all__ = ["Decompose", "DecomposeObjective", "exclusion"]

Mask = Literal["constant", "pixels"]

_SCALES = 3  # of the gradients that the layers must not share


@dataclass(frozen=True, kw_only=True, slots=True)
class Decompose:
    """E(m a + (1 - m) b; y) + e · exclusion(a, b) + r · mean 4 m (1 - m).

    (a, b, m) = f_θ(z) with the network `Layered`. A network fits a picture of one kind sooner than
    a mixture, so two of them share the work where the picture itself has two parts. That leaves
    much open: a and b may change places, a constant may move from one to the other, and layers
    that look alike stay together.

    A hint (`Problem.guide`, above ½ = may be marked) settles the places of a mark, such as text
    laid over a picture: m = 1 outside of it, so a is the picture, and there y itself is given back.

    Attributes:
        z: the input code of all networks.
        jitter: standard deviation of the Gaussian noise added to z, another at every step.
        data_term: E.
        mask: m is one "constant", the mean of its network's output, or a picture: all its "pixels".
        exclusion: e; keeps an edge from being in both layers. At 0.1 one layer came out empty in
            the picture that it was tried on, hence 0.
        binary: r; pushes a mask of pixels to 0 or 1, for layers that hide each other.
        alone: so many first steps fit only a, only outside of the hint, so that what lies there is
            continued into it before a mark is looked for.
    """

    in_one_piece: ClassVar[bool] = True
    any_range: ClassVar[bool] = False  # both layers lie between black and white

    z: Noise = field(default_factory=lambda: Noise(channels=16))
    jitter: float = 0.03
    data_term: DataTerm = field(default_factory=Gaussian)
    mask: Mask = "constant"
    exclusion: float = 0.0
    binary: float = 0.0
    alone: int = 0

    def __post_init__(self) -> None:
        for name in ("jitter", "exclusion", "binary", "alone"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}; wanted 0 or more")
        if self.mask not in get_args(Mask):
            raise InputError(f"mask is {self.mask!r}; wanted one of {', '.join(get_args(Mask))}")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of z."""
        return self.z.channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> DecomposeObjective:
        """Return the objective with its z drawn.

        Raises:
            InputError: several members, whose layers would not match; a stop rule that holds out
                pixels, which the first layer alone does not explain; a hint for a constant mask,
                or none for steps alone.
        """
        if members > 1:
            raise InputError(
                f"members is {members}; the layers of several networks do not match, wanted 1"
            )
        if problem.held_out is not None:
            raise InputError(
                "a layer cannot be judged by held-out pixels; use --set stopper=FixedSteps"
            )
        if problem.guide is not None and self.mask == "constant":
            raise InputError(
                "a hint goes with a mask at every pixel, this recipe's is constant; "
                "use --recipe watermark"
            )
        if problem.guide is None and self.alone:
            raise InputError(
                f"alone is {self.alone} steps outside of a hint, and there is no hint; "
                "pass --hint FILE, white where the mark may be, or --set alone=0"
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
        self.step = 0
        hint = problem.guide
        self.hint: Tensor | None = None
        self.outside: Tensor | None = None
        if hint is not None:
            self.hint = (hint.mean(1, keepdim=True) > 0.5).to(problem.observed.dtype)
            self.outside = (1 - self.hint) * (1 if problem.known is None else problem.known)
        # A part of a picture, of which the time is taken, may be marked all over.
        somewhere = self.outside is not None and bool(self.outside.any())
        self.alone = settings.alone if somewhere else 0

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the first layer, the picture put together again, and the loss."""
        s, y = self.settings, self.problem.observed
        first, second, mask = self._parts(network, self.jittered())
        together = mask * first + (1 - mask) * second
        if self.step < self.alone:
            loss = s.data_term(first, y, self.outside)
        else:
            loss = s.data_term(together, y, self.problem.known)
            if s.exclusion:
                loss = loss + s.exclusion * exclusion(first, second)
            if s.binary:
                loss = loss + s.binary * (4 * mask * (1 - mask)).mean()
        self.step += 1
        return Iterate(estimate=self._picture(first), measured=together, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the first layer; with a hint, y outside of it."""
        with torch.no_grad():
            return self._picture(self._parts(network, self.z)[0])

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
        mask = output[:, -1:]
        if self.settings.mask == "constant":
            mask = mask.mean((2, 3), keepdim=True).expand(-1, -1, height, width)
        return first, second, mask if self.hint is None else 1 - self.hint * (1 - mask)

    def _picture(self, first: Tensor) -> Tensor:
        """Return the first layer with y in its place where the hint excludes a mark."""
        if self.outside is None:
            return first
        return torch.where(self.outside > 0, self.problem.observed, first)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers, and the step."""
        return {**super().state_dict(), "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.step = state["step"]


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
