"""Zero-Shot Noise2Noise: two half-size pictures of one noisy one, each the other's target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.problem import Problem
from untrained.operators import Identity

__all__ = ["NoiseToNoise", "NoiseToNoiseObjective"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NoiseToNoise:
    """½(‖D₁x̂ - D₂y‖² + ‖D₂x̂ - D₁y‖²) + w/2 (‖D₁x̂ - D₁x̂'‖² + ‖D₂x̂ - D₂x̂'‖²), means of squares.

    D₁ and D₂ halve a picture, each by the mean of one diagonal of every 2x2 pixels: two pictures of
    nearly the same scene with independent noise. The network predicts noise; with D₁x̂ short for
    D₁y - f_θ(D₁y) and x̂' for the full-size y - f_θ(y), the first term is Noise2Noise, the second
    asks that denoising and halving commute. Mansour & Heckel, "Zero-Shot Noise2Noise", CVPR 2023,
    section 3. For whole images; noise that neighbours share is taken for the picture.

    Attributes:
        consistency: w; the paper has 1.
    """

    consistency: float = 1.0

    def __post_init__(self) -> None:
        if not self.consistency >= 0:
            raise InputError(f"consistency is {self.consistency}; wanted 0 or more")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> NoiseToNoiseObjective:
        """Return the objective.

        Raises:
            InputError: an operator that is not the identity, missing pixels, pixels kept from the
                fit, or a network with its own input size.
        """
        if not isinstance(problem.operator, Identity) or problem.fitted is not None:
            raise InputError(
                "noise-to-noise is for whole noisy images, all of whose pixels are fitted; "
                "use another objective, or the stop rule FixedSteps"
            )
        if input_size != tuple(problem.observed.shape[-2:]):
            raise InputError("noise-to-noise needs a network that maps an image to an image")
        return NoiseToNoiseObjective(problem, self, seed=seed, members=members)


class NoiseToNoiseObjective(Objective):
    """The state of a `NoiseToNoise` on one problem; it draws no random numbers."""

    def __init__(
        self, problem: Problem, settings: NoiseToNoise, *, seed: int, members: int = 1
    ) -> None:
        self.problem = problem
        self.settings = settings
        self.generator = Generator(problem.observed.device).manual_seed(seed + 1)
        self.size = problem.observed.shape[-2:]
        odd = [side % 2 for side in self.size]
        noisy = F.pad(problem.observed, (0, odd[1], 0, odd[0]), mode="replicate")
        self.noisy = noisy.expand(members, -1, -1, -1)
        self.one, self.two = _halves(self.noisy)

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the estimate at full size and the two losses."""
        one, two = self.one - network(self.one), self.two - network(self.two)
        estimate = self.noisy - network(self.noisy)
        loss = (_mse(one, self.two) + _mse(two, self.one)) / 2
        if self.settings.consistency:
            small_one, small_two = _halves(estimate)
            both = _mse(one, small_one) + _mse(two, small_two)
            loss = loss + self.settings.consistency / 2 * both
        mean = self._cropped(estimate).mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=mean, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return y - f_θ(y)."""
        with torch.no_grad():
            return self._cropped(self.noisy - network(self.noisy)).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members."""
        return spread_over_members(self._cropped(self.noisy - network(self.noisy)))

    def _cropped(self, image: Tensor) -> Tensor:
        return image[..., : self.size[0], : self.size[1]]


def _halves(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return D₁ and D₂ of (b, c, 2h, 2w), each (b, c, h, w)."""
    a, b = image[..., ::2, ::2], image[..., ::2, 1::2]
    c, d = image[..., 1::2, ::2], image[..., 1::2, 1::2]
    return (b + c) / 2, (a + d) / 2


def _mse(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean()
