"""Haze: the scene behind it and how much of it comes through, two networks fitted together.

Gandelsman, Shocher & Irani, "Double-DIP", CVPR 2019, section "dehazing".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.networks import Noise
from untrained.objectives.base import Iterate, RunNetwork
from untrained.objectives.jittered import JitteredObjective
from untrained.objectives.problem import Problem

__all__ = ["Dehaze", "DehazeObjective", "airlight", "dark_channel"]

_HAZIEST = 0.001  # the share of pixels that the airlight is taken from
_HAZE_TAKEN = 0.95  # ω; a little is left, or far things look near


@dataclass(frozen=True, kw_only=True, slots=True)
class Dehaze:
    """‖t J + (1 - t) A - y‖² + d ‖t - (1 - ω dark(y / A))‖² + s · mean |∇t|².

    (J, t) = f_θ(z) with the network `Layered(num_layers=1)`; A, the colour of the haze, is measured
    once in y. The data alone allow t = 1, J = y. What speaks against it is the dark channel of a
    haze-free picture, which is near zero, so that the one of y / A shows the haze (He, Sun & Tang,
    "Single image haze removal using dark channel prior", TPAMI 2011, equation 12, ω = 0.95), and
    that t follows the depth and is smooth. (The dark channel of J itself as a penalty is no good:
    single pixels of J turn black, one a patch.)

    Attributes:
        z: the input code of both networks.
        jitter: standard deviation of the Gaussian noise added to z, another at every step.
        dark_weight: d.
        smooth_weight: s.
        patch: side in pixels of the patch that the dark channel is the minimum over.
    """

    in_one_piece: ClassVar[bool] = True
    any_range: ClassVar[bool] = False  # haze is what lies above black

    z: Noise = field(default_factory=lambda: Noise(channels=16))
    jitter: float = 0.03
    dark_weight: float = 0.1
    smooth_weight: float = 1.0
    patch: int = 7

    def __post_init__(self) -> None:
        for name in ("jitter", "dark_weight", "smooth_weight"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} is {getattr(self, name)}; wanted 0 or more")
        if self.patch < 1 or self.patch % 2 == 0:
            raise InputError(f"patch is {self.patch}; wanted an odd number of pixels")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of z."""
        return self.z.channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> DehazeObjective:
        """Return the objective with its z drawn and the airlight measured.

        Raises:
            InputError: several members; a stop rule that holds out pixels, which J alone does not
                explain.
        """
        if members > 1:
            raise InputError(f"members is {members}; wanted 1 for a scene and its transmission")
        if problem.held_out is not None:
            raise InputError(
                "the scene cannot be judged by held-out hazy pixels; use --set stopper=FixedSteps"
            )
        return DehazeObjective(problem, self, input_size, seed=seed)


class DehazeObjective(JitteredObjective):
    """The state of a `Dehaze` on one problem."""

    z: Tensor

    def __init__(
        self, problem: Problem, settings: Dehaze, input_size: tuple[int, int], *, seed: int
    ) -> None:
        device = problem.observed.device
        self.problem = problem
        self.settings = settings
        self.generator = Generator(device).manual_seed(seed + 1)
        z = settings.z.build(*input_size, generator=Generator().manual_seed(seed))
        self.take_code(z.to(device), std=settings.jitter)
        self.airlight = airlight(problem.observed, patch=settings.patch, known=problem.known)
        relative = problem.observed / self.airlight.clamp_min(1e-3)
        haziness = dark_channel(relative, patch=settings.patch).clamp(0, 1)
        self.expected = 1 - _HAZE_TAKEN * haziness

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the scene, the hazy picture that it gives, and the loss."""
        s = self.settings
        scene, through = self._parts(network, self.jittered())
        hazy = through * scene + (1 - through) * self.airlight
        smooth = through.diff(dim=-1).square().mean() + through.diff(dim=-2).square().mean()
        loss = self.residual(hazy, self.problem.known) + s.smooth_weight * smooth
        if s.dark_weight:
            off = through - self.expected
            loss = loss + s.dark_weight * off.square().mean()
        return Iterate(estimate=scene, measured=hazy, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the scene J."""
        with torch.no_grad():
            return self._parts(network, self.z)[0]

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the transmission t, (1, 1, H, W), and the airlight A, (1, C, 1, 1)."""
        with torch.no_grad():
            return {
                "transmission": self._parts(network, self.z)[1],
                "airlight": self.airlight,
            }

    def _parts(self, network: RunNetwork, z: Tensor) -> tuple[Tensor, Tensor]:
        channels, height, width = self.problem.image_shape[1:]
        output = network(z)[..., :height, :width]
        assert output.shape[1] == channels + 1, "the network is a Layered of one layer"
        return output[:, :channels], output[:, channels:]


def dark_channel(image: Tensor, *, patch: int) -> Tensor:
    """Return the least value over the channels and a patch around each pixel, (b, 1, H, W)."""
    darkest = image.amin(1, keepdim=True)
    return -F.max_pool2d(-darkest, patch, stride=1, padding=patch // 2)


def airlight(hazy: Tensor, *, patch: int, known: Tensor | None = None) -> Tensor:
    """Return the colour of the haze, (1, C, 1, 1): the mean of y where its dark channel is highest.

    He, Sun & Tang (TPAMI 2011) take the haziest 0.1 % of the pixels; so does this, of those known.
    """
    haziness = dark_channel(hazy, patch=patch)
    if known is not None:
        haziness = torch.where(known > 0, haziness, -1.0)
    count = max(1, round(_HAZIEST * haziness.numel()))
    places = haziness.flatten().topk(count).indices
    return hazy.flatten(2)[:, :, places].mean(2)[..., None, None]
