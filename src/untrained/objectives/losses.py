"""Data terms E(A x̂; y) and regularisers R(x̂).

A data term is `(prediction, observed, weight) -> scalar`; `weight` is 1 for measurements that
count, None for all. A regulariser is `(estimate) -> scalar`. Shapes: b c h w.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.metrics import mse

__all__ = ["L1", "DataTerm", "Gaussian", "Huber", "Poisson", "TotalVariation"]


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
    """Mean squared error, the negative log-likelihood of white Gaussian noise: mean (Ax̂ - y)²."""

    def __call__(self, prediction: Tensor, observed: Tensor, weight: Tensor | None) -> Tensor:
        """Return mean (Ax̂ - y)² over the weighted measurements."""
        return mse(prediction, observed, weight)


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
class TotalVariation:
    """Anisotropic total variation, weight · (mean |∂ₕx̂| + mean |∂ᵥx̂|) (Rudin et al. 1992)."""

    weight: float = 1e-3

    def __call__(self, estimate: Tensor) -> Tensor:
        """Return the weighted total variation of (b, c, h, w)."""
        vertical = (estimate[..., 1:, :] - estimate[..., :-1, :]).abs().mean()
        horizontal = (estimate[..., :, 1:] - estimate[..., :, :-1]).abs().mean()
        return self.weight * (vertical + horizontal)
