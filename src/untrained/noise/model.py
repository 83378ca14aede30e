"""What noise is: its standard deviation at each brightness, and how far neighbours share it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "Doubt",
    "NoiseModel",
    "clipped_gaussian",
    "clipped_poisson",
    "gaussian_taps",
    "is_piled_up",
    "local_mean",
    "white",
]

Doubt = Literal["", "grain", "texture"]

_QUIET = 0.02  # a channel with a smaller part of the noise counts as clean

_PILED_UP = 1e-3  # the share of values at black or white …
_FEWEST_PILED = 8  # … and their number …
_BESIDE = 0.02  # … and more than lie so near: that means clipping, and not just the extremes


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NoiseModel:
    """Noise whose standard deviation depends on the brightness.

    Photon noise grows with the signal, and clipping shrinks the noise near black and white; one
    σ describes neither. Between the levels the standard deviation is interpolated linearly.
    Noise that went through demosaicking, resizing or JPEG is also alike in neighbouring pixels,
    and weaker in the colours than in the brightness.

    Attributes:
        levels: (k,), rising: mean brightness of the observation, in the unit range.
        sigmas: (k,): the standard deviation there.
        correlation: (C, 2L+1, 2L+1): the covariance of two pixels at each distance, in units of
            σ², in every opponent channel (`to_opponent`); the mean at distance 0 is 1. None =
            independent between pixels and channels.
        estimated: from the image itself, so that a better image allows a better estimate.
        doubtful: what of the picture itself it may be: "grain" or "texture"; "" = it is noise.
        clean: (k,): the clean brightness at each level, where clipping moves the mean; None = the
            level itself.
        channels: (C,), the largest 1: how strong the noise of each channel is beside the others',
            where they have little in common; levels, sigmas and correlation are then those of
            `evened(y)`. None = alike.
    """

    levels: Tensor
    sigmas: Tensor
    correlation: Tensor | None = None
    estimated: bool = False
    doubtful: Doubt = ""
    clean: Tensor | None = None
    channels: Tensor | None = None

    @property
    def sigma(self) -> float:
        """One number for all: the root mean square over the levels, without the clipped ones."""
        values = self.sigmas if self.clean is None else self.sigmas.max()
        share = 1.0 if self.channels is None else float(self.channels.square().mean().sqrt())
        return float(values.square().mean().sqrt()) * share

    def of_sigma(self, sigma: float) -> NoiseModel:
        """Return noise of this kind with another standard deviation, which is known."""
        sigmas = self.sigmas * (sigma / max(self.sigma, 1e-12))
        return replace(self, sigmas=sigmas, estimated=False, doubtful="")

    def at(self, brightness: Tensor) -> Tensor:
        """Return the standard deviation where the observation has this mean brightness."""
        if self.channels is None:
            return _interpolated(brightness, self.levels, self.sigmas)
        sigmas = _interpolated(self.evened(brightness), self.levels, self.sigmas)
        return sigmas * self.channels.to(sigmas).view(1, -1, 1, 1)

    def evened(self, image: Tensor) -> Tensor:
        """Return an image (1, C, H, W) divided so that the noise of all channels is as strong."""
        return image if self.channels is None else image / self._divisors(image)

    def uneven(self, image: Tensor) -> Tensor:
        """Undo `evened`."""
        return image if self.channels is None else image * self._divisors(image)

    def _divisors(self, image: Tensor) -> Tensor:
        assert self.channels is not None
        return self.channels.to(image).clamp_min(_QUIET).view(1, -1, 1, 1)

    def of_evened(self) -> NoiseModel:
        """Return the noise of an evened image."""
        return replace(self, channels=None)

    def around(self, image: Tensor) -> Tensor:
        """Return the standard deviation at every pixel, by the brightness of the 5x5 around it."""
        return self.at(local_mean(image, 5))

    def unbiased(self, image: Tensor) -> Tensor:
        """Return the clean image whose noisy mean this is: clipped noise brightens black."""
        if self.clean is None:
            return image
        assert self.channels is None, "channels that have little in common are not clipped alike"
        return _interpolated(image, self.levels, self.clean)


def is_piled_up(values: Tensor, *, top: float = 1.0) -> bool:
    """Whether values pile up at 0 or at `top`: noise has been clipped there."""
    low, high = (values <= 0).sum(), (values >= top).sum()
    if low + high < max(_FEWEST_PILED, _PILED_UP * values.numel()):
        return False
    beside = ((values > 0) & (values <= _BESIDE)).sum()
    below = ((values < top) & (values >= top - _BESIDE)).sum()
    return bool((low > beside) | (high > below))


def local_mean(image: Tensor, side: int = 9) -> Tensor:
    """Return the mean over side x side pixels, (b, c, h, w); the edge goes on beyond itself."""
    return F.avg_pool2d(F.pad(image, (side // 2,) * 4, mode="replicate"), side, 1)


def _interpolated(x: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Return the values at x, linear between the rising places, constant beyond them."""
    places, values = places.to(x), values.to(x)
    if len(places) == 1:
        return values.expand_as(x)
    right = torch.searchsorted(places, x.contiguous()).clamp(1, len(places) - 1)
    low, high = places[right - 1], places[right]
    share = ((x - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)
    return torch.lerp(values[right - 1], values[right], share)


def white(sigma: float) -> NoiseModel:
    """Return the model of noise with one standard deviation everywhere."""
    return NoiseModel(levels=torch.zeros(1), sigmas=torch.tensor([float(sigma)]))


def clipped_gaussian(sigma: float, *, top: float = 1.0) -> NoiseModel:
    """Return the model of y = clip(x + N(0, σ²), 0, t), for x from 0 to 1; t = `top`, 1 or more.

    With φ, Φ of the standard normal, a = -x/σ, b = (t-x)/σ:
    E[y] = x (Φ(b) - Φ(a)) + σ (φ(a) - φ(b)) + t (1 - Φ(b)), and so on for E[y²].
    """
    if sigma == 0:
        return white(0)
    x = torch.linspace(0, 1, 65, dtype=torch.float64)
    a, b = -x / sigma, (top - x) / sigma
    inside = torch.special.ndtr(b) - torch.special.ndtr(a)
    left, right = (torch.exp(-t.square() / 2) / math.sqrt(2 * math.pi) for t in (a, b))
    above = 1 - torch.special.ndtr(b)
    mean = x * inside + sigma * (left - right) + top * above
    square = (x.square() + sigma**2) * inside + top**2 * above
    square += 2 * x * sigma * (left - right) + sigma**2 * (a * left - b * right)
    return NoiseModel(
        levels=mean.float(),
        sigmas=(square - mean.square()).clamp_min(0).sqrt().float(),
        clean=x.float(),
    )


def clipped_poisson(photons: float, *, black: float = 0.0, white: float = 1.0) -> NoiseModel:
    """Return the model of y = min(k / n, 1), k ~ Poisson(n x), n = photons at white.

    E[y] = 1 - Σ (1 - k/n) p(k) over the counts k below n, and so on for E[y²]. Of a picture that
    is stretched to the unit range, that range is a part of 0 … 1, and `black` and `white` are
    where 0 and 1 lie in its units.
    """
    unit = torch.linspace(0, 1, 65, dtype=torch.float64)
    x = (unit[:, None] - black) / (white - black)
    k = torch.arange(math.ceil(photons), dtype=torch.float64)
    share = torch.exp(torch.xlogy(k, photons * x) - photons * x - torch.lgamma(k + 1))
    below = k / photons
    mean = 1 - (share * (1 - below)).sum(1)
    square = 1 - (share * (1 - below.square())).sum(1)
    sigmas = (square - mean.square()).clamp_min(0).sqrt()
    return NoiseModel(
        levels=(black + (white - black) * mean).float(),
        sigmas=((white - black) * sigmas).float(),
        clean=unit.float(),
    )


def gaussian_taps(blur: float) -> Tensor:
    """Return the 1-D taps of a Gaussian filter, scaled so that white noise keeps its variance."""
    if blur == 0:
        return torch.ones(1)
    reach = torch.arange(-4, 5, dtype=torch.float64)
    taps = torch.exp(-reach.square() / (2 * blur**2))
    normed: Tensor = taps / taps.norm()
    return normed.float()
