"""Collaborative filtering: groups of like patches of y, filtered by what a guide shows of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError
from untrained.noise import NoiseModel, from_opponent, local_mean, to_opponent
from untrained.objectives import Problem
from untrained.operators import Identity
from untrained.refinement.groups import Sums, bands, find_groups, patches

__all__ = ["Collaborative", "Refinement"]

_BAND = 192  # rows of reference corners at once: bounds the memory
_AT_ONCE = 512  # groups
_FLAT = 0.05  # of the noise variance: where the picture varies less, R is left out
_LEAST_POWER = 0.01  # of an eigenvalue of V, whose mean is 1
_GRID = 0.15  # of σ: the most that is taken for the pattern of a network
_NO_NOISE = 1e-4  # a tenth of the step of 10 bits


class Refinement(Protocol):
    """Settings of what is done to the estimate after a fit."""

    def refine(self, problem: Problem, estimate: Tensor) -> Tensor:
        """Return a better estimate, (1, C, H, W), before `Problem.finish`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Collaborative:
    """Two collaborative filters of y, guided by the network's image f: ½ W(W(f)) + ½ R(W(f)).

    W is the empirical Wiener filter of groups of k like patches (the second step of Dabov et al.,
    "Image denoising by sparse 3-D transform-domain collaborative filtering", TIP 2007, with the
    group's own principal components for a transform): with X, Y (k, n) the patches of guide and
    observation, μ the mean row of X, X̃ = X - μ, v the noise variance of the group,
    Ŷ = μ + (Y - μ) X̃ᵀ (X̃ X̃ᵀ + k v I)⁻¹ X̃. R is the ridge of Herbreteau & Kervrann, "Towards a
    unified view of unsupervised non-local methods for image denoising: the NL-Ridge approach",
    2022, in each opponent channel: Ŷ = Θᵀ Y, with Θ the weights of patches that sum to one and have
    the least risk for X. v follows the brightness. A group that keeps little noise weighs more.

    Where neighbours share their noise, the patches are whitened by its covariance, in opponent
    channels; the colours are W(f), and so is the brightness where it is flat, and ½ W(f) + ½ R(f)
    where it is not: R averages like patches, which in flat places lie side by side and share noise.

    Works on the image itself (A = I); else the estimate is handed on as it is. Missing pixels are
    those of the guide. Where there is no noise, y stands.

    Attributes:
        patch: side of a patch in pixels.
        group: k.
        stride: pixels between two reference patches.
        reach: how far away like patches are looked for, in pixels.
        caution: factor on v in W: the guide has errors of its own, and smoothing them costs more.
    """

    patch: int = 7
    group: int = 48
    stride: int = 6
    reach: int = 12
    caution: float = 0.8

    def __post_init__(self) -> None:
        for name, least in (("patch", 2), ("group", 2), ("stride", 1), ("reach", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; wanted {least} or more")
        if not 0 < self.caution <= 2:
            raise InputError(f"caution is {self.caution}; wanted more than 0, up to 2")

    def refine(self, problem: Problem, estimate: Tensor) -> Tensor:
        """Return the filtered observation, or the estimate where the filters do not apply."""
        noise, y = problem.noise, problem.observed
        direct = isinstance(problem.operator, Identity) and min(y.shape[-2:]) >= 2 * self.patch
        if noise is None or not direct:
            return estimate
        if noise.channels is not None:
            evened = replace(problem, observed=noise.evened(y), noise=noise.of_evened())
            refined = noise.uneven(self.refine(evened, noise.evened(estimate)))
            return torch.where(noise.at(estimate) < _NO_NOISE, y, refined)
        if problem.known is not None:
            y = torch.where(problem.known > 0, y, estimate)
        with torch.no_grad(), _deterministic():
            estimate = _without_grid(estimate, noise.at(estimate))
            if noise.correlation is not None:
                return self._of_shared(y, estimate, noise)
            variance = noise.at(estimate).square()
            once = self._filtered(y, estimate, variance, self._grouped(estimate))
            groups, sigma = self._grouped(once), noise.at(once)
            variance = sigma.square()
            twice = self._filtered(y, once, variance, groups)
            mixed = variance.mean(1, keepdim=True)  # of channels that mix all colours
            turned, shown = to_opponent(y), to_opponent(once)
            ridged = [
                self._filtered(turned[:, [c]], shown[:, [c]], mixed, groups, ridge=True)
                for c in range(y.shape[1])
            ]
            refined = (twice + from_opponent(torch.cat(ridged, 1))) / 2
            return torch.where(sigma < _NO_NOISE, y, refined)

    def _of_shared(self, y: Tensor, estimate: Tensor, noise: NoiseModel) -> Tensor:
        """Return y filtered where neighbours share their noise.

        The noise of a patch has the covariance v V; X V^(-1/2) and Y V^(-1/2) have white noise.
        """
        assert noise.correlation is not None
        sigma = noise.at(estimate)
        variance = sigma.square().mean(1, keepdim=True)
        whitening = _Whitening(noise.correlation.to(y), self.patch)
        groups = self._grouped(estimate)
        turned, shown = to_opponent(y), to_opponent(estimate)
        # The guide holds a part of the noise itself here, so that caution would keep it.
        plain = replace(self, caution=1.0)
        filtered = plain._filtered(turned, shown, variance, groups, whitening=whitening)
        for channel in range(1 if y.shape[1] == 3 else y.shape[1]):  # not of the colours
            alone = filtered[:, [channel]]
            ridged = self._filtered(
                turned[:, [channel]], shown[:, [channel]], variance, groups,
                whitening=whitening.only(channel), ridge=True,
            )  # fmt: skip
            busy = (local_mean(alone.square()) - local_mean(alone).square()).clamp_min(0)
            filtered[:, [channel]] += busy / (busy + _FLAT * variance) / 2 * (ridged - alone)
        return torch.where(sigma < _NO_NOISE, y, from_opponent(filtered))

    def _grouped(self, guide: Tensor) -> list[tuple[slice, Tensor]]:
        """Return the groups of like patches, band by band: the rows of the band, its groups."""
        looks, found = guide.mean(1, keepdim=True), []
        height = guide.shape[-2]
        for first, last in bands(height - self.patch + 1, _BAND):
            top = max(0, first - self.reach)
            # the references of a band lie on the grid of the whole image
            top -= top % self.stride
            rows = slice(top, min(height, last + self.reach + self.patch))
            groups = find_groups(
                looks[..., rows, :], side=self.patch, count=self.group, reach=self.reach,
                stride=self.stride, rows=(first - top, last - top),
            )  # fmt: skip
            found.append((rows, groups))
        return found

    def _filtered(
        self, y: Tensor, guide: Tensor, variance: Tensor, grouped: list[tuple[slice, Tensor]], *,
        ridge: bool = False, whitening: _Whitening | None = None,
    ) -> Tensor:  # fmt: skip
        """Return W of y, all channels of a patch together, or R of its one channel."""
        filter_ = self._ridge if ridge else self._wiener
        total, weight = torch.zeros_like(y), torch.zeros_like(y)
        for rows, groups in grouped:
            band = y[..., rows, :]
            observed, shown = patches(band, self.patch), patches(guide[..., rows, :], self.patch)
            if whitening is not None:
                observed, shown = whitening(observed), whitening(shown)
            noise = patches(variance[..., rows, :], self.patch).mean(1)
            sums = Sums(observed)
            for first in range(0, len(groups), _AT_ONCE):
                group = groups[first : first + _AT_ONCE]
                sums.add(group, *filter_(observed[group], shown[group], noise[group]))
            if whitening is not None:
                sums.values = whitening(sums.values, back=True)
            summed, weighed = sums.images((band.shape[-2], band.shape[-1]), self.patch)
            total[..., rows, :] += summed
            weight[..., rows, :] += weighed
        return total / weight.clamp_min(1e-12)

    def _wiener(self, y: Tensor, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return Ŷ (g, k, n) and its weights (g, k, 1), from Y, X (g, k, n) and v (g, k)."""
        count = y.shape[1]
        mean = x.mean(1, keepdim=True)
        centred = x - mean
        level = self.caution * v.mean(1).clamp_min(_NO_NOISE**2)
        products = centred @ centred.transpose(1, 2)
        factor = torch.linalg.cholesky(_with_diagonal(products, count * level[:, None]))
        shares = (y - mean) @ centred.transpose(1, 2)
        filtered = torch.cholesky_solve(shares.transpose(1, 2), factor).transpose(1, 2) @ centred
        kept = torch.cholesky_solve(products, factor).diagonal(dim1=1, dim2=2).sum(-1)
        weight = 1 / ((1 + kept) * level)
        return mean + filtered, weight[:, None, None].expand(-1, count, 1)

    def _ridge(self, y: Tensor, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return the same of R, of one channel: D = n v, A = X Xᵀ + D, Θ as in the paper."""
        count, n = y.shape[1:]
        level = n * v.clamp_min(_NO_NOISE**2)
        # rows of Θ sum to one, so that this changes nothing but rounding
        x = x - x.mean((1, 2), keepdim=True)
        damped = _with_diagonal(x @ x.transpose(1, 2), level)
        one = torch.eye(count, device=y.device, dtype=y.dtype).expand(len(y), -1, -1)
        inverse = torch.cholesky_solve(one, torch.linalg.cholesky(damped))
        sums = inverse.sum(-1, keepdim=True)
        rest = inverse - sums @ sums.transpose(1, 2) / sums.sum(-2, keepdim=True)
        theta = (one - rest * level[:, None, :]).transpose(1, 2)  # rows: of each new patch
        weight = 1 / theta.square().sum(-1, keepdim=True).clamp(1 / count, 1)
        return theta @ y, weight


def _with_diagonal(products: Tensor, added: Tensor) -> Tensor:
    """Return X Xᵀ + diag(added), (g, k, k), with what rounding needs to be positive definite."""
    diagonal = products.diagonal(dim1=1, dim2=2)
    least = 1e-5 * diagonal.sum(1, keepdim=True)
    return products + torch.diag_embed(torch.maximum(added.expand_as(diagonal), least))


class _Whitening:
    """The map of patches (N, n) to ones whose noise is white, V^(-1/2), and back."""

    def __init__(self, correlation: Tensor, side: int) -> None:
        """`correlation`: as in `NoiseModel`, of at least `side` - 1 pixels' reach."""
        reach = correlation.shape[-1] // 2
        place = torch.cartesian_prod(torch.arange(side), torch.arange(side)).to(correlation.device)
        apart = reach + place[:, None] - place  # (side², side², 2)
        covariance = correlation[:, apart[..., 0], apart[..., 1]].double()
        values, vectors = torch.linalg.eigh((covariance + covariance.mT) / 2)
        # An estimate may have directions without noise, or with less than none.
        values = values.clamp_min(_LEAST_POWER)
        self.there = ((vectors / values.sqrt()[:, None]) @ vectors.mT).to(correlation)
        self.back = ((vectors * values.sqrt()[:, None]) @ vectors.mT).to(correlation)

    def only(self, channel: int) -> _Whitening:
        """Return that of one channel."""
        alone = copy.copy(self)
        alone.there, alone.back = self.there[[channel]], self.back[[channel]]
        return alone

    def __call__(self, x: Tensor, *, back: bool = False) -> Tensor:
        matrix = self.back if back else self.there
        channels, n = matrix.shape[:2]
        return torch.einsum("kcn,cnm->kcm", x.view(-1, channels, n), matrix).flatten(1)


def _without_grid(guide: Tensor, sigma: Tensor) -> Tensor:
    """Return the guide without the faint pattern of two pixels of a half-resolution network.

    Of each wave of two pixels, down, across and both, the mean over 9x9 pixels is taken off, up to
    `_GRID` σ: a pattern of the picture's own that is as faint is put back by y.
    """
    height, width = guide.shape[-2:]
    down, across = (
        1 - 2 * (torch.arange(n, device=guide.device) % 2).to(guide) for n in (height, width)
    )
    one = guide.new_tensor([0.25, 0.5, 0.25])
    smooth = F.pad(guide, (1,) * 4, mode="replicate").flatten(0, 1)[:, None]
    smooth = F.conv2d(smooth, (one[:, None] * one)[None, None]).view_as(guide)
    for wave in (down[:, None].expand(height, width), across.expand(height, width),
                 down[:, None] * across):  # fmt: skip
        share = local_mean((guide - smooth) * wave)
        guide = guide - wave * share.clamp(-_GRID * sigma, _GRID * sigma)
    return guide


@contextmanager
def _deterministic() -> Iterator[None]:
    """Let a GPU add the patches up in one order, and leave torch's setting as it was."""
    before = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warns)
