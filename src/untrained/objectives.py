"""What is minimised: a problem, and the ways of fitting a network to it.

Shapes: the estimate is b C H W, measurements are b c h w.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.inputs import CodeSettings, Noise
from untrained.losses import DataTerm, Gaussian, TotalVariation
from untrained.metrics import mse
from untrained.operators import Identity, LinearOperator

__all__ = [
    "DataFit",
    "DataFitObjective",
    "Iterate",
    "MaskedPrediction",
    "MaskedPredictionObjective",
    "Objective",
    "ObjectiveSettings",
    "Problem",
]

RunNetwork = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Problem:
    """y = A x + noise, with all that is known about it.

    Attributes:
        observed: y, (1, c, h, w).
        operator: A; any differentiable callable.
        known: (1, 1, h, w), 1 where y was measured; None = everywhere.
        held_out: (1, 1, h, w), 1 where y is kept from the fit, for a stop rule; a part of known.
        sigma: standard deviation of the noise in the unit range, if known or estimated.
        peak: what PSNR takes as full scale, in the unit range.
        exact_known: whether the known pixels of y stand in the final image as they are.
        clip: whether the final image is clipped to the unit range.
    """

    observed: Tensor
    operator: Callable[[Tensor], Tensor] = field(default_factory=Identity)
    known: Tensor | None = None
    held_out: Tensor | None = None
    sigma: float | None = None
    peak: float = 1.0
    exact_known: bool = False
    clip: bool = False

    @property
    def fitted(self) -> Tensor | None:
        """1 where y enters the fit: known and not held out; None = everywhere."""
        if self.held_out is None:
            return self.known
        known = torch.ones_like(self.held_out) if self.known is None else self.known
        return known * (1 - self.held_out)

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        """(1, C, H, W) of the estimate."""
        b, c, h, w = self.observed.shape
        if isinstance(self.operator, LinearOperator):
            return self.operator.image_shape((b, c, h, w))
        return b, c, h, w

    def finish(self, estimate: Tensor) -> Tensor:
        """Return the final image that an estimate gives: known pixels put back, clipped."""
        if self.exact_known and isinstance(self.operator, Identity):
            known = torch.ones_like(self.observed[:, :1]) if self.known is None else self.known
            estimate = torch.where(known > 0, self.observed, estimate)
        return estimate.clamp(0, 1) if self.clip else estimate

    def hold_out(self, fraction: float, *, generator: Generator) -> Problem:
        """Return the problem with a random fraction of its known pixels held out."""
        size = self.observed.shape[-2:]
        known = torch.ones(1, 1, *size) if self.known is None else self.known.cpu()
        places = known.flatten().nonzero().flatten()
        count = max(1, round(fraction * len(places)))
        if count >= len(places):
            raise InputError(
                f"cannot hold out {fraction:.0%} of {len(places)} known pixels; "
                "use another stop rule"
            )
        held_out = torch.zeros(known.numel())
        held_out[places[torch.randperm(len(places), generator=generator)[:count]]] = 1
        held_out = held_out.view(1, 1, *size).to(self.observed)
        return replace(self, held_out=held_out)

    def to(self, device: torch.device) -> Problem:
        """Return the problem on another device."""
        operator = self.operator
        return replace(
            self,
            observed=self.observed.to(device),
            operator=operator.to(device) if isinstance(operator, torch.nn.Module) else operator,
            known=None if self.known is None else self.known.to(device),
            held_out=None if self.held_out is None else self.held_out.to(device),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Iterate:
    """One evaluation: the estimate x̂, its measurement A x̂, and the loss to descend."""

    estimate: Tensor
    measured: Tensor
    loss: Tensor


class Objective(ABC):
    """(network) -> estimate and loss. Owns z, the random numbers of the fit, and the problem."""

    problem: Problem
    generator: Generator

    @abstractmethod
    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the next iterate, with a graph behind its loss."""

    @abstractmethod
    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the image of the network as it is now, without jitter or masking."""

    def residual(self, measured: Tensor, weight: Tensor | None = None) -> Tensor:
        """Return the mean squared distance to y over the weighted measurements, on the device."""
        return mse(measured, self.problem.observed, weight)

    def state_dict(self) -> dict[str, Any]:
        """Return what the next iterates depend on: the state of the random numbers."""
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.generator.set_state(state["generator"])


class ObjectiveSettings(Protocol):
    """Frozen settings of an objective; `build` makes it for one problem."""

    def in_channels(self, image_channels: int) -> int:
        """Return how many channels the network is fed for an image of so many."""
        ...

    def build(self, problem: Problem, input_size: tuple[int, int], *, seed: int) -> Objective:
        """Return the objective; `input_size` is the height and width of the network's input."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFit:
    """The Deep Image Prior: E(A f_θ(z + jitter); y) + R(f_θ(z + jitter)).

    Ulyanov et al., "Deep Image Prior", arXiv 1711.10925, equation 2.

    Attributes:
        z: the network's input code.
        jitter: standard deviation of the fresh Gaussian noise added to z at every step.
        data_term: E.
        total_variation: R; None = the network is the only prior.
    """

    z: CodeSettings = field(default_factory=Noise)
    jitter: float = 0.0
    data_term: DataTerm = field(default_factory=Gaussian)
    total_variation: TotalVariation | None = None

    def __post_init__(self) -> None:
        if self.jitter < 0:
            raise InputError(f"jitter is {self.jitter}; wanted 0 or more")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of z."""
        return self.z.channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int
    ) -> DataFitObjective:
        """Return the objective with its z drawn."""
        return DataFitObjective(problem, self, input_size, seed=seed)


class DataFitObjective(Objective):
    """The state of a `DataFit` on one problem."""

    def __init__(
        self, problem: Problem, settings: DataFit, input_size: tuple[int, int], *, seed: int
    ) -> None:
        device = problem.observed.device
        self.problem = problem
        self.settings = settings
        self.generator = Generator(device).manual_seed(seed + 1)
        self.z = settings.z.build(*input_size, generator=Generator().manual_seed(seed)).to(device)
        self.weight = problem.fitted

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the iterate at a freshly jittered z."""
        s = self.settings
        z = self.z
        if s.jitter:
            # randn_like takes no generator
            noise = torch.randn(z.shape, generator=self.generator, device=z.device, dtype=z.dtype)
            z = z + s.jitter * noise
        estimate = self._image(network, z)
        measured = self.problem.operator(estimate)
        loss = s.data_term(measured, self.problem.observed, self.weight)
        if s.total_variation is not None:
            loss = loss + s.total_variation(estimate)
        return Iterate(estimate=estimate, measured=measured, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return f_θ(z), cropped to the image."""
        with torch.no_grad():
            return self._image(network, self.z)

    def _image(self, network: RunNetwork, z: Tensor) -> Tensor:
        height, width = self.problem.image_shape[-2:]
        return network(z)[..., :height, :width]


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedPrediction:
    """Predict a random part of the pixels from the others: Σ m (f_θ(y_m) - y)² / Σ m.

    y_m is the observation with the pixels m replaced by the mean of their known neighbours. The
    noise of a hidden pixel cannot be predicted, so the loss is the error plus the noise power and
    the network cannot learn the noise itself. Needs noise that is independent between pixels.
    (Batson & Royer, "Noise2Self", arXiv 1901.11365, proposition 1; Quan et al., "Self2Self",
    CVPR 2020.) The operator must be the identity; unknown pixels stay hidden throughout.

    Hidden pixels alone teach nothing about how far to trust a pixel's own value, and the network
    drifts towards copying it. With `recorrupt` α > 0 and a known noise level σ, the visible pixels
    carry more noise, y + ασn, and are compared with y - σn/α, whose noise is independent of it
    (Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021); they weigh 1 / (1 + 1/α²), the inverse
    of their larger variance.

    Attributes:
        mask_rate: the share of pixels hidden at each step.
        recorrupt: α; 0 = only hidden pixels enter the loss.
        flips: show the image in its eight flips and turns, one a step: eight times the pictures
            to learn from, and much later overfitting.
        data_term: the distance on the hidden pixels.
    """

    mask_rate: float = 0.3
    recorrupt: float = 0.0
    flips: bool = False
    data_term: DataTerm = field(default_factory=Gaussian)

    def __post_init__(self) -> None:
        if not 0 < self.mask_rate < 1:
            raise InputError(f"mask_rate is {self.mask_rate}; wanted a number between 0 and 1")
        if self.recorrupt < 0:
            raise InputError(f"recorrupt is {self.recorrupt}; wanted 0 or more")

    def in_channels(self, image_channels: int) -> int:
        """Return the channels of the image."""
        return image_channels

    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int
    ) -> MaskedPredictionObjective:
        """Return the objective.

        Raises:
            InputError: an operator that is not the identity, or a network with its own input size.
        """
        if not isinstance(problem.operator, Identity):
            raise InputError(
                f"masked prediction works on the image itself, not through "
                f"{type(problem.operator).__name__}; use the DataFit objective"
            )
        if input_size != tuple(problem.observed.shape[-2:]):
            raise InputError("masked prediction needs a network that maps an image to an image")
        return MaskedPredictionObjective(problem, self, seed=seed)


class MaskedPredictionObjective(Objective):
    """The state of a `MaskedPrediction` on one problem."""

    def __init__(self, problem: Problem, settings: MaskedPrediction, *, seed: int) -> None:
        self.problem = problem
        self.settings = settings
        self.generator = Generator(problem.observed.device).manual_seed(seed + 1)
        self.turn = 0
        self.fitted = problem.fitted
        known = torch.ones_like(problem.observed[:, :1]) if self.fitted is None else self.fitted
        self.neighbours = _mean_of_neighbours(problem.observed, known)
        # What the fit may not see is replaced once and for all.
        self.visible = torch.where(known > 0, problem.observed, self.neighbours)

    def __call__(self, network: RunNetwork) -> Iterate:
        """Return the prediction from a freshly masked observation."""
        shape = (1, 1, *self.visible.shape[-2:])
        drawn = torch.rand(shape, generator=self.generator, device=self.visible.device)
        hidden = drawn < self.settings.mask_rate
        weight = hidden.to(self.visible.dtype)
        seen, target = self.visible, self.problem.observed
        alpha, sigma = self.settings.recorrupt, self.problem.sigma
        if alpha and sigma:
            noise = torch.randn(seen.shape, generator=self.generator, device=seen.device)
            seen = seen + alpha * sigma * noise
            target = torch.where(hidden, target, target - sigma / alpha * noise)
            weight = torch.where(hidden, 1.0, 1 / (1 + alpha**-2))
        masked = torch.where(hidden, self.neighbours, seen)
        estimate = _turned_back(network(_turned(masked, self.turn)), self.turn)
        self.turn = (self.turn + 1) % 8 if self.settings.flips else 0
        weight = weight if self.fitted is None else weight * self.fitted
        loss = self.settings.data_term(estimate, target, weight)
        return Iterate(estimate=estimate, measured=estimate, loss=loss)

    def estimate(self, network: RunNetwork) -> Tensor:
        """Return the prediction from the observation with nothing hidden."""
        with torch.no_grad():
            return network(self.visible)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the random numbers and the next turn."""
        return {**super().state_dict(), "turn": self.turn}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        super().load_state_dict(state)
        self.turn = state["turn"]


def _turned(image: Tensor, turn: int) -> Tensor:
    """Return one of the eight flips and quarter turns of (b, c, h, w); 0 = as it is."""
    image = image.flip(-1) if turn & 1 else image
    image = image.flip(-2) if turn & 2 else image
    return image.transpose(-1, -2) if turn & 4 else image


def _turned_back(image: Tensor, turn: int) -> Tensor:
    """Undo `_turned`."""
    image = image.transpose(-1, -2) if turn & 4 else image
    image = image.flip(-2) if turn & 2 else image
    return image.flip(-1) if turn & 1 else image


def _mean_of_neighbours(image: Tensor, known: Tensor) -> Tensor:
    """Return for each pixel the mean of its known neighbours in the smallest ring that has some.

    image (1, c, h, w), known (1, 1, h, w).
    """
    result = image.new_zeros(image.shape)
    missing = torch.ones_like(known, dtype=torch.bool)
    radius = 1
    while missing.any():
        if radius > 2 * max(image.shape[-2:]):
            raise InputError("no pixel is known; wanted some to predict the others from")
        size = 2 * radius + 1
        count = F.avg_pool2d(known, size, 1, radius) * size**2 - known
        total = F.avg_pool2d(image * known, size, 1, radius) * size**2 - image * known
        found = missing & (count > 0.5)
        result = torch.where(found, total / count.clamp_min(1), result)
        missing &= ~found
        radius *= 2
    return result
