"""Predict hidden pixels from the others; needs no clean image and no z."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.noise import NoiseModel, NoisePool, estimate_noise
from untrained.objectives.base import Iterate, Objective, RunNetwork, spread_over_members
from untrained.objectives.filling import mean_of_neighbours
from untrained.objectives.losses import DataTerm, Gaussian
from untrained.objectives.problem import Problem
from untrained.objectives.turns import turned, turned_back

__all__ = ["MaskedPrediction", "MaskedPredictionObjective"]

_LEARNT = ("levels", "sigmas", "correlation", "clean")  # of a noise model, during a fit


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedPrediction:
    """Predict a random part of the pixels from the others: Σ m (f_θ(y_m) - y)² / Σ m.

    y_m is the observation with the pixels m replaced by the mean of their known neighbours. The
    noise of a hidden pixel cannot be predicted, so the loss is the error plus the noise power and
    the network cannot learn the noise itself. Needs noise that is independent between pixels.
    (Batson & Royer, "Noise2Self", arXiv 1901.11365, proposition 1; Quan et al., "Self2Self",
    CVPR 2020.) The operator must be the identity; unknown pixels stay hidden throughout. A guide,
    another picture of the scene (`Problem.guide`), is shown whole beside y_m: its noise is its own.

    Hidden pixels alone teach nothing about how far to trust a pixel's own value, and the network
    drifts towards copying it. With `recorrupt` α > 0 and a known noise level σ, the visible pixels
    carry more noise, y + ασn, and are compared with y - σn/α, whose noise is independent of it
    (Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021); they weigh 1 / (1 + 1/α²), the inverse
    of their larger variance. σ follows the brightness (`NoiseModel`); 10 % too much or too little
    costs .3 dB and more, so an estimate from the noisy image, where texture counts as noise, is
    made again at the steps `refine_noise` with the fit's own image taken off first. Noise that
    neighbours share (`NoiseModel.correlation`) is drawn alike, and then no pixel is hidden.

    Attributes:
        mask_rate: the share of pixels hidden at each step; 0 = none, recorruption alone.
        recorrupt: α; 0 = only hidden pixels enter the loss.
        refine_noise: after how many steps an estimated noise model is estimated again.
        flips: show the image in its eight flips and turns, one a step: eight times the pictures
            to learn from, and much later overfitting.
        num_predictions: the image is the mean of so many predictions, each from another mask (and
            another dropout, where the network has one; Self2Self); 0 = one, with nothing hidden.
            An average of the iterates is the image instead, where there is one.
        data_term: the distance on the hidden pixels.
    """

    mask_rate: float = 0.3
    recorrupt: float = 0.0
    refine_noise: tuple[int, ...] = ()
    flips: bool = False
    num_predictions: int = 0
    data_term: DataTerm = field(default_factory=Gaussian)

    def __post_init__(self) -> None:
        if self.recorrupt < 0:
            raise InputError(f"recorrupt is {self.recorrupt}; wanted 0 or more")
        if self.num_predictions < 0:
            raise InputError(f"num_predictions is {self.num_predictions}; wanted 0 or more")
        if not 0 <= self.mask_rate < 1 or (self.mask_rate == 0 and self.recorrupt == 0):
            raise InputError(
                f"mask_rate is {self.mask_rate}; wanted a number between 0 and 1, "
                "0 only with recorrupt"
            )

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image, to which those of a guide are added."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> MaskedPredictionObjective:
        """Return the objective.

        Raises:
            InputError: an operator that is not the identity, or a network with its own input size.
        """
        problem.check_direct("masked prediction", input_size)
        return MaskedPredictionObjective(problem, self, seed=seed, members=members)


class MaskedPredictionObjective(Objective):
    """The state of a `MaskedPrediction` on one problem."""

    def __init__(
        self, problem: Problem, settings: MaskedPrediction, *, seed: int, members: int = 1
    ) -> None:
        self.problem = problem
        self.members = members
        self.settings = settings
        self.generator = Generator(problem.observed.device).manual_seed(seed + 1)
        self.turn = 0
        self.step = 0
        self.fitted = problem.fitted
        known = torch.ones_like(problem.observed[:, :1]) if self.fitted is None else self.fitted
        self.neighbours = mean_of_neighbours(problem.observed, known)
        # What the fit may not see is replaced once and for all.
        self.visible = torch.where(known > 0, problem.observed, self.neighbours)
        self.sigma = self._sigma()
        self.first = problem.noise  # what is estimated later is measured against it
        self.pool = self._pool(self.generator)
        self.guide_channels = 0 if problem.guide is None else problem.guide.shape[1]

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the prediction from a freshly masked observation."""
        noise = self.problem.noise
        if self.step in self.settings.refine_noise and noise is not None and noise.estimated:
            self._refine(network)
        self.step += 1
        shown, target, weight = self._draw()
        estimate = self._predict(network, shown)
        weight = weight if self.fitted is None else weight * self.fitted
        loss = self.settings.data_term(estimate, target, weight)
        mean = estimate.mean(0, keepdim=True)
        return Iterate(estimate=mean, measured=mean, loss=loss)

    def _draw(self, generator: Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the network is shown, what it is compared with, and the weights."""
        rate, alpha = self.settings.mask_rate, self.settings.recorrupt
        shape = (self.members, 1, *self.visible.shape[-2:])
        drawn = torch.rand(shape, generator=generator or self.generator, device=self.visible.device)
        # Where neighbours share their noise, a hidden pixel's can be predicted from them.
        shared = self.problem.noise is not None and self.problem.noise.correlation is not None
        hidden = drawn < (0.0 if shared and self.sigma is not None else rate)
        if self.sigma is None:
            shown = torch.where(hidden, self.neighbours, self.visible)
            return shown, self.problem.observed, hidden.to(self.visible.dtype)
        noise = self.sigma * self.pool.draw()
        shown = torch.where(hidden, self.neighbours, self.visible + alpha * noise)
        target = self.problem.observed - torch.where(hidden, 0.0, noise / alpha)
        return shown, target, torch.where(hidden, 1.0, 1 / (1 + alpha**-2))

    def _predict(self, network: RunNetwork, shown: Tensor) -> Tensor:
        """Return the network's image from the next of the eight sides."""
        estimate = turned_back(network(turned(self._guided(shown), self.turn)), self.turn)
        self.turn = (self.turn + 1) % 8 if self.settings.flips else 0
        return estimate

    def _guided(self, shown: Tensor) -> Tensor:
        """Return what is shown with the guide beside it, if there is one."""
        guide = self.problem.guide
        if guide is None:
            return shown
        return torch.cat([shown, guide.expand(len(shown), -1, -1, -1)], dim=1)

    def _sigma(self) -> Tensor | None:
        """Return σ at every pixel; None = only hidden pixels are compared."""
        noise = self.problem.noise
        if not self.settings.recorrupt or noise is None:
            if self.settings.mask_rate == 0:
                raise InputError(
                    "mask_rate 0 needs the noise level, which is not known; give sigma"
                )
            return None
        return noise.around(self.visible)

    def _refine(self, network: RunNetwork) -> None:
        """Estimate the noise again, from what the present image leaves of the observation."""
        with torch.no_grad():
            images = [self._predict(network, self._draw()[0]) for _ in range(8)]
        smooth = torch.cat(images).mean(0, keepdim=True)
        noise = estimate_noise(
            self.problem.observed, self.problem.known, smooth=smooth, before=self.first
        )
        if noise is not None:
            self._take(noise)

    def _take(self, noise: NoiseModel) -> None:
        """Go on with another model of the noise."""
        self.problem = replace(self.problem, noise=noise)
        self.sigma = self._sigma()
        if noise.correlation is not None:
            places = self.pool.state_dict()
            seed = self.generator.initial_seed()
            self.pool = self._pool(Generator(self.visible.device).manual_seed(seed))
            self.pool.load_state_dict(places)

    def _pool(self, generator: Generator) -> NoisePool:
        """Return the noise to draw from; of one seed, filtered as the model now says."""
        noise, shape = self.problem.noise, (self.members, *self.visible.shape[1:])
        correlation = None if self.sigma is None or noise is None else noise.correlation
        return NoisePool(shape, generator=generator, correlation=correlation)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the prediction from the observation with nothing hidden, or the mean of many."""
        with torch.no_grad():
            return self._images(network).mean(0, keepdim=True)

    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        """Return the spread over the members."""
        return spread_over_members(self._images(network))

    def _images(self, network: RunNetwork) -> Tensor:
        """Return the image of each member, (members, C, H, W)."""
        count = self.settings.num_predictions
        if not count:
            return network(self._guided(self.visible.expand(self.members, -1, -1, -1)))
        # Random numbers of its own: how often one looks at the image must not change the fit.
        generator = Generator(self.visible.device).manual_seed(self.generator.initial_seed() + 1)
        places = self.pool.state_dict()
        images = [network(self._guided(self._draw(generator)[0])) for _ in range(count)]
        self.pool.load_state_dict(places)
        return torch.stack(images).mean(0)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers, the next turn and the noise as now known."""
        noise = self.problem.noise
        return {
            **super().state_dict(),
            "turn": self.turn,
            "step": self.step,
            "pool": self.pool.state_dict(),
            "noise": noise and {n: getattr(noise, n) for n in _LEARNT},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.turn, self.step = state["turn"], state["step"]
        self.pool.load_state_dict(state["pool"])
        if self.problem.noise is not None:
            self._take(replace(self.problem.noise, **state["noise"]))
