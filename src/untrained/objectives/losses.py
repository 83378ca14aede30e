"""Data terms E(A x̂; y) and regularisers R(x̂).

A data term is `(prediction, observed, weight) -> scalar`; `weight` is 1 for measurements that
count, None for all. A regulariser is `(estimate) -> scalar`. Shapes: b c h w.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError
from untrained.metrics import mse
from untrained.operators.filtered import Window, apodization

__all__ = [
    "L1",
    "DataTerm",
    "Gaussian",
    "Huber",
    "Poisson",
    "Ramp",
    "TotalVariation",
    "Transmission",
    "ZeroFilled",
]


class DataTerm(Protocol):
    """How badly a predicted measurement explains the observed one."""

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return a scalar that is smallest where the prediction explains the observation."""
        ...


def _weighted_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return values.mean()
    weight = weight.expand_as(values)
    return (values * weight).sum() / weight.sum()


@dataclass(frozen=True, kw_only=True, slots=True)
class Gaussian:
    """Mean squared error, the negative log-likelihood of white Gaussian noise: mean (Ax̂ - y)².

    Attributes:
        relative: over mean y², so that what stands beside it weighs the same in any unit of y and
            of the operator.
    """

    relative: bool = False

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return mean (Ax̂ - y)² over the weighted measurements."""
        error = mse(prediction, observed, weight)
        if not self.relative:
            return error
        power = _weighted_mean(observed.square(), weight)
        return error / power.clamp_min(torch.finfo(power.dtype).tiny)


@dataclass(frozen=True, kw_only=True, slots=True)
class ZeroFilled:
    """Mean w (Ax̂ - y)² over all entries of y, those of weight 0 among them: ConvDecoder's loss.

    `Gaussian` by a constant factor, the share of the entries that count.
    """

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return the mean over all entries."""
        squares = (prediction - observed).square()
        return (squares if weight is None else squares * weight).mean()


@dataclass(frozen=True, kw_only=True, slots=True)
class Poisson:
    """Negative log-likelihood of photon counts, mean (λ - k log λ) / gain.

    λ = gain · Ax̂ and k = gain · y. Constant terms are dropped, so the value may be negative.

    Attributes:
        gain: counts per unit of the image.
        floor: in the unit of the image; keeps log λ finite.
    """

    gain: float = 1.0
    floor: float = 1e-4

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return mean (Ax̂ - y log(gain · Ax̂)) over the weighted measurements."""
        rate = prediction.clamp_min(self.floor)
        return _weighted_mean(rate - observed * torch.log(self.gain * rate), weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class L1:
    """Mean absolute error, for impulse noise and outliers: mean |Ax̂ - y|."""

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return mean |Ax̂ - y| over the weighted measurements."""
        return _weighted_mean((prediction - observed).abs(), weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class Huber:
    """Huber's loss: r²/2 up to `delta`, delta (|r| - delta/2) beyond.

    Attributes:
        delta: in the unit of the image.
    """

    delta: float = 0.1

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return the mean Huber loss of Ax̂ - y over the weighted measurements."""
        values = F.huber_loss(prediction, observed, reduction="none", delta=self.delta)
        return _weighted_mean(values, weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ramp:
    """Squared error of projections, weighted by the frequency: Σ |f| |F(Ax̂ - y)|² / Σ y².

    A*A of a tomograph blurs by 1/|f|, so that a plain squared error fits what is coarse first and
    what is fine hundreds of steps later. A* |f| A is nearly the identity, which is why filtered
    back-projection works, and all of the image is fitted at one pace. Noise counts as in the image.
    Of no unit; f per detector pixel, up to 1/2.

    Attributes:
        window: what is left of the highest frequencies, as in filtered back-projection.
    """

    window: Window = "ramp"

    def __post_init__(self) -> None:
        apodization(torch.zeros(1), self.window)

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return the loss over the weighted measurements; rows (views) that are whole, best."""
        residual = prediction - observed
        residual = residual if weight is None else residual * weight
        room = 2 * residual.shape[-1]
        spectrum = torch.view_as_real(torch.fft.rfft(residual, room)).square().sum(-1)
        f = torch.fft.rfftfreq(room, device=spectrum.device, dtype=spectrum.dtype)
        energy = (2 * f * apodization(f, self.window) * spectrum).sum() / room / len(prediction)
        power = (observed if weight is None else observed * weight).square().sum()
        loss: Tensor = energy / power.clamp_min(torch.finfo(power.dtype).tiny)
        return loss


@dataclass(frozen=True, kw_only=True, slots=True)
class Transmission:
    """Negative log-likelihood of photon counts behind an object, of y = -log(n / N₀).

    mean (e^(-p) + e^(-y) p), p = Ax̂: with n = N₀ e^(-y) counts expected to be N₀ e^(-p), the
    Poisson likelihood over N₀ but for constants. Rays that let little through weigh little. As for
    DIP with TV in computed tomography (Baguer, Leuschner & Schmidt, Inverse Problems 36, 2020).

    Attributes:
        photons: N₀; n is at least .1, so that y beyond log(10 N₀) counts as that.
        unit: what 1 in y and Ax̂ stands for, if they were divided by a scale; an operator's
            `nepers`, where it has one, multiplies it.
    """

    photons: float = 4096.0
    unit: float = 1.0

    def __post_init__(self) -> None:
        for name in ("photons", "unit"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; wanted a number above 0")

    def for_operator(self, operator: object) -> Transmission:
        """Return the loss in the unit of an operator's measurements."""
        return replace(self, unit=self.unit * float(getattr(operator, "nepers", 1.0)))

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return the mean over the weighted measurements."""
        p = self.unit * prediction
        arrived = torch.exp(-self.unit * observed).clamp_min(0.1 / self.photons)
        # e^(-p) soars for the wildly negative p of a first step: tangent there
        low = p.clamp_max(-1.0)
        rate = torch.exp(-p.clamp_min(-1.0)) + math.e * (-1.0 - low)
        return _weighted_mean(rate + arrived * p, weight)


@dataclass(frozen=True, kw_only=True, slots=True)
class TotalVariation:
    """Total variation, weight · (mean |∂ₕx̂| + mean |∂ᵥx̂|) (Rudin et al. 1992).

    Attributes:
        weight: of the term.
        isotropic: mean of √(∂ₕ² + ∂ᵥ²) instead, which favours no direction; differences across the
            last row and column are 0.
    """

    weight: float = 1e-3
    isotropic: bool = False

    def __call__(self, estimate: Tensor) -> Tensor:
        """Return the weighted total variation of (b, c, h, w)."""
        down = estimate[..., 1:, :] - estimate[..., :-1, :]
        across = estimate[..., :, 1:] - estimate[..., :, :-1]
        if not self.isotropic:
            return self.weight * (down.abs().mean() + across.abs().mean())
        squared = F.pad(down, (0, 0, 0, 1)).square() + F.pad(across, (0, 1)).square()
        # the root has no derivative at 0
        return self.weight * (squared + 1e-12).sqrt().mean()
