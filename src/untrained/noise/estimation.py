"""How noisy an image is, at each brightness, from the image alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.noise.doubt import doubt_of_shared, doubt_of_white
from untrained.noise.flat import GRAIN_IN_COLOURS, SHARED, Flat, read_flat
from untrained.noise.model import NoiseModel, clipped_gaussian, is_piled_up, white
from untrained.noise.opponent import to_opponent

__all__ = ["estimate_noise"]

_BLOCK = 8  # pixels a side
_COEFFICIENTS = (_BLOCK // 2) ** 2
_FEWEST = 4  # coefficients of a block
_FEWEST_BLOCKS = 16
_RANGE = 64  # blocks in a range of brightness
# A blur of .45 pixels gives a ratio of the scales of 1.7 and a correlation of -.09.
_CORRELATED = 1.6  # ratio; white noise under texture reaches 5, but …
_ALIKE = 0.09  # … its correlation is seldom that far from 0
_EMPTIED = 10.0  # ratio; above, processing emptied the fine scale, and may have left only zeros
_MOST_PILED_UP = 0.5  # the share of pixels of a block; clipping changes the noise
_QUIET = 0.25  # the share of the ranges of brightness that may be quieter than white noise is read
_ON_IT = 0.06  # of σ: how near to its curve a range lies that is of it, …
_UNDER_IT = 0.08  # … the most that one may lie below, …
_APART = 0.33  # of the whole range of brightness: how far those on it reach, …
_SAME_KIND = 0.15  # … and the most, either way, where all are
_ROUNDS = 8  # to find σ
_FREE = 0.8  # of σ: what clipping leaves of it where it hardly clips
_COLOURS_LESS = 0.95  # of σ: texture weighs more than the 2 or 3 % that unclipped blocks lack
_SCATTER = 1.1  # of σ between places
_NOTHING = 0.6 / 255  # twice what rounding to 8 bits leaves
_EVEN = 0.5  # of χ²₁₆ it is .61; fur has places of every strength
_KEPT = 0.9  # the share of pure noise blocks that the truncation keeps
_DARK = 0.8  # the share of the ranges, from the darkest up, that tell whether noise is of light
_FEWEST_LEVELS = 4
_OFF_THE_LINE = 0.2  # of the variance: the most that one of these may lie from a line
_RISE = 1.3  # of the variance among them: noise that rises less may be alike everywhere
_MOST_OF_LIGHT = 1.5  # times the σ that was read


def estimate_noise(
    observed: Tensor,
    known: Tensor | None = None,
    *,
    smooth: Tensor | None = None,
    before: NoiseModel | None = None,
    apart: bool = False,
) -> NoiseModel | None:
    """Return the noise of an image (1, C, H, W) by brightness, from the image alone.

    The diagonal detail of 2x2 pixels, (a - b - c + d) / 2, has the variance of white noise and
    little of the picture. Its mean square over 8x8 blocks follows σ² χ²₁₆ / 16 where the picture
    is flat; blocks with texture lie above and are cut off, with the mean corrected for the cut.
    Done for up to ten ranges of brightness with equal numbers of blocks, all channels together.
    White noise is known by its curve and has one σ; in the opponent colours, too, which hold less
    of the texture: of the two readings the lower one is taken.

    In the picture shrunk to half its size by averaging, white noise has a quarter of the variance,
    correlated noise more; but so has texture. What texture hardly reaches is the full-size detail
    of flat blocks. There, neighbouring details of white noise are uncorrelated; those of blurred
    noise have opposite signs, and those that JPEG leaves have the same, or nothing is left. If both
    the ratio of the variances and this correlation (or a very large ratio alone) say so, the noise
    is correlated: σ and the correlation are those of the flat places (`read_flat`).

    Args:
        observed: y.
        known: (1, 1, H, W), 0 where a pixel is missing; 2x2 pixels with one are left out, and
            blocks with fewer than four complete ones.
        smooth: an estimate of the clean image; its detail is taken off before the blocks are read,
            or its flat places are, where the noise is correlated.
        before: what the noise was taken for when `smooth` was fitted.
        apart: whether the channels have little in common, each a noise of its own strength.

    Returns:
        the model, that of white noise, clipped or not, where the curve fits; `doubtful` where it
        may be no noise; None if fewer than 16 blocks are left.
    """
    if bool((observed == observed.flatten()[0]).all()):
        return replace(white(0), estimated=True, doubtful="grain")  # an empty page
    channels = None if before is None else before.channels
    channels = _strengths(observed, known) if apart else channels
    if channels is not None:
        one = replace(white(0), channels=channels)
        found = estimate_noise(
            one.evened(observed), known, smooth=None if smooth is None else one.evened(smooth),
            before=before and before.of_evened(),
        )  # fmt: skip
        return found and replace(found, channels=channels, clean=None)
    if smooth is not None and before is not None and before.correlation is not None:
        flat = read_flat(observed, known, smooth=smooth, before=before)
        return before if flat is None else flat.model
    noise = observed if smooth is None else observed - smooth
    fine = _blocks(noise, observed, known)
    if fine is None:
        return None
    flat = read_flat(observed, known)
    at_half = math.inf
    if smooth is None and flat is not None:  # what is left by a fit says little of this
        coarse = _blocks(F.avg_pool2d(noise, 2), F.avg_pool2d(observed, 2), _halved(known))
        if coarse is not None:
            at_half, correlation = _evidence(coarse.unclipped(), fine.unclipped())
            shared = flat.neighbours[0] > SHARED and not flat.has_white_colours
            if shared and _is_shared(fine, at_half, correlation):
                return replace(flat.model, doubtful=doubt_of_shared(flat))
        if flat.is_white_and_gray:
            return flat.model
    if len(fine.level) < 2 * _RANGE:
        fine = fine.unclipped()  # in the one range, clipped blocks would pass for flat ones
    levels, sigmas = _curve(fine)
    seen = observed if known is None else observed[known.expand_as(observed) > 0]
    piled_up = is_piled_up(seen)
    if flat is not None and not piled_up:  # clipping makes flat places quieter than the noise
        sigmas = sigmas / _texture_in(NoiseModel(levels=levels, sigmas=sigmas), flat)
    model = _as_white(levels, sigmas, clipped=piled_up)
    if model is None:
        model = NoiseModel(levels=levels, sigmas=sigmas, estimated=True)
        model = model if smooth is None else _as_light(model)
    colours = _colours(noise, observed, known) if observed.shape[1] == 3 else None
    if colours is not None:
        even = _as_white(*_curve(colours), clipped=piled_up)
        if even is not None and even.sigma < _COLOURS_LESS * model.sigma:
            model = even
    if smooth is not None:
        return model
    at_half = at_half if _is_even(fine) else math.inf
    return replace(model, doubtful=doubt_of_white(model, flat, at_half=at_half))


def _strengths(observed: Tensor, known: Tensor | None) -> Tensor | None:
    """Return how strong the noise of each channel is, the largest 1; None if that is not known."""
    sigmas = []
    for channel in torch.split(observed, 1, 1):
        blocks = _blocks(channel, channel, known)
        if blocks is None:
            return None
        sigmas.append(_flat_variance(blocks.variance, blocks.count).clamp_min(0).sqrt())
    strengths = torch.stack(sigmas)
    return strengths / strengths.max() if strengths.max() > 0 else None


def _texture_in(model: NoiseModel, flat: Flat) -> float:
    """Return how many times stronger white noise was read than any place or colour shows it.

    White noise is alike in every opponent channel, of which the colours hold least of the picture.
    """
    shown = float(model.at(flat.model.levels).mean())
    return max(1.0, shown / (_SCATTER * float(flat.channels.min().clamp_min(1e-6))))


def _curve(blocks: _Blocks) -> tuple[Tensor, Tensor]:
    """Return σ of up to ten ranges of brightness with equal numbers of blocks, and these."""
    parts = blocks.level.argsort().tensor_split(max(1, min(10, len(blocks.level) // _RANGE)))
    levels = torch.stack([blocks.level[part].mean() for part in parts])
    flat = [_flat_variance(blocks.variance[part], blocks.count) for part in parts]
    return levels, torch.stack(flat).sqrt()


def _colours(noise: Tensor, observed: Tensor, known: Tensor | None) -> _Blocks | None:
    """Return the blocks of both opponent colours in which nothing is clipped.

    White noise is as strong there as in any channel, and little of a picture's texture is coloured.
    None = they are few, or less than half, chosen by their noise then; or they are as quiet as a
    clean picture's and cannot witness.
    """
    clipped = ((observed <= 0) | (observed >= 1)).any(1, keepdim=True)
    level = torch.where(clipped, 0, observed.mean(1, keepdim=True)).expand(-1, 2, -1, -1)
    blocks = _blocks(to_opponent(noise)[:, 1:], level, known)
    if blocks is None:
        return None
    free = blocks.piled_up == 0
    if int(free.sum()) < max(_RANGE, len(free) / 2):
        return None
    blocks = blocks.where(free)
    quiet = float(_flat_variance(blocks.variance, blocks.count)) < GRAIN_IN_COLOURS**2
    return None if quiet else blocks


def _as_white(levels: Tensor, sigmas: Tensor, *, clipped: bool) -> NoiseModel | None:
    """Return white noise, clipped or not, if the curve is of that kind.

    Texture adds to what is read at some brightness, and takes away nowhere: half of the ranges have
    to lie on the curve of white noise, not all at one brightness, and none under it; those above it
    hold texture. A known kind of noise has one number to estimate instead of ten; and clipped noise
    a bias that is known.
    """
    kind = clipped_gaussian if clipped else white
    sigma = _clipped_under(levels, sigmas) if clipped else float(sigmas.quantile(_QUIET))
    if sigma == 0:
        return None
    sigma *= _share(sigmas, kind(sigma).at(levels))
    model = replace(kind(sigma), estimated=True)
    ratio = sigmas / model.at(levels).clamp_min(1e-9)
    near = (ratio - 1).abs()
    on = levels[near <= _ON_IT]
    holds = len(on) >= len(levels) / 2 and float(ratio.min()) >= 1 - _UNDER_IT
    if holds and float(on.max() - on.min()) >= _APART * float(levels.max() - levels.min()):
        return model
    return model if clipped and (near <= _SAME_KIND).all() else None


def _share(sigmas: Tensor, curve: Tensor) -> float:
    """Return by what to multiply a curve so that it is the mean of the ranges that lie on it."""
    ratio, share = sigmas / curve.clamp_min(1e-9), 1.0
    for _ in range(_ROUNDS):
        on = (ratio / share - 1).abs() <= _ON_IT
        if not on.any():
            return share
        share = float(ratio[on].mean())
    return share


def _clipped_under(levels: Tensor, sigmas: Tensor) -> float:
    """Return σ of the clipped white noise of which a fourth of the curve is below; 0 = unknown."""
    middle = sigmas[(levels > 0.2) & (levels < 0.8)]
    if len(middle) == 0:
        return 0.0
    sigma = float(middle.quantile(_QUIET))
    for _ in range(_ROUNDS):
        expected = clipped_gaussian(sigma).at(levels)
        free = expected > _FREE * sigma
        if sigma == 0 or not free.any():
            break
        sigma *= float((sigmas / expected)[free].quantile(_QUIET))
    return sigma


def _as_light(model: NoiseModel) -> NoiseModel:
    """Return noise with no less in bright places than light has, if the dark ones are of light.

    The variance of photon noise is a line in the brightness. What a fit leaves holds too little of
    the noise where the picture is busy, which in a microscope's is where it is bright: there σ is
    that of the line (Theil-Sen) through the dark four fifths of the ranges, if they lie on one that
    rises, and at most half as much again as was read. Where white clips it, it is what was read.
    """
    levels, variances = model.levels, model.sigmas.square()
    count = int(_DARK * len(levels))
    if count < _FEWEST_LEVELS:
        return model
    dark, low = levels[:count], variances[:count]
    first, second = torch.triu_indices(count, count, 1)
    apart = (dark[second] - dark[first]).clamp_min(1e-9)
    slope = ((low[second] - low[first]) / apart).median()
    line = slope * levels + (low - slope * dark).median()
    off = ((line[:count] - low) / low.clamp_min(1e-12)).abs().max()
    if off > _OFF_THE_LINE or line[count - 1] < _RISE * line[0]:
        return model
    most = variances * _MOST_OF_LIGHT**2
    found = variances.maximum(line.minimum(most))
    clipped = levels + 2 * line.clamp_min(0).sqrt() > 1
    return replace(model, sigmas=torch.where(clipped, variances, found).sqrt())


def _halved(known: Tensor | None) -> Tensor | None:
    return None if known is None else -F.max_pool2d(-known, 2)


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """The diagonal detail of blocks of 8x8 pixels; every tensor has one value for a block."""

    variance: Tensor  # mean square
    covariance: Tensor  # mean product of neighbours, two pixels apart along rows and columns
    level: Tensor  # brightness
    piled_up: Tensor  # share of pixels at black or white
    count: int  # coefficients in a block: 16, or the mean where pixels are missing

    def where(self, keep: Tensor) -> _Blocks:
        """Return some of the blocks."""
        variance, covariance = self.variance[keep], self.covariance[keep]
        return _Blocks(variance, covariance, self.level[keep], self.piled_up[keep], self.count)

    def unclipped(self) -> _Blocks:
        """Return those with little black and white, or all if these are too few."""
        keep = self.piled_up <= _MOST_PILED_UP
        return self.where(keep) if int(keep.sum()) >= _FEWEST_BLOCKS else self


def _blocks(noise: Tensor, image: Tensor, known: Tensor | None) -> _Blocks | None:
    """Return the blocks of an image that have enough complete coefficients; None if too few."""
    height, width = (side - side % _BLOCK for side in image.shape[-2:])
    if height == 0 or width == 0:
        return None
    noise, image = (x[..., :height, :width].transpose(0, 1) for x in (noise, image))
    known = torch.ones_like(image[:1]) if known is None else known[..., :height, :width]
    kernel = noise.new_tensor([[1.0, -1.0], [-1.0, 1.0]]).view(1, 1, 2, 2) / 2
    complete = _in_blocks(-F.max_pool2d(-known, 2))
    detail = _in_blocks(F.conv2d(noise, kernel, stride=2)) * complete
    amount = complete.sum((1, 2))
    variance = detail.square().sum((1, 2)) / amount.clamp_min(1)
    covariance = _neighbours(detail) / _neighbours(complete).clamp_min(1)
    seen = F.avg_pool2d(known, _BLOCK).clamp_min(1e-6)
    level = F.avg_pool2d(image * known, _BLOCK) / seen
    piled_up = F.avg_pool2d(((image <= 0) | (image >= 1)) * known, _BLOCK) / seen
    keep = amount[0] >= _FEWEST
    if keep.sum() * len(image) < _FEWEST_BLOCKS:
        return None
    count = round(float(amount[:, keep].mean()))
    every = keep.expand(len(image), -1, -1)
    level, piled_up = level[:, 0][every], piled_up[:, 0][every]
    return _Blocks(variance[every], covariance[every], level, piled_up, count)


def _in_blocks(coefficients: Tensor) -> Tensor:
    """Return (C, 4, 4, h, w), the coefficients (C, 1, 4h, 4w) of every block."""
    side = _BLOCK // 2
    blocks = F.pixel_unshuffle(coefficients, side)
    return blocks.view(len(blocks), side, side, *blocks.shape[-2:])


def _neighbours(x: Tensor) -> Tensor:
    """Return the sum of the products of neighbours along rows and columns, inside each block."""
    down, right = x[:, 1:] * x[:, :-1], x[:, :, 1:] * x[:, :, :-1]
    return down.sum((1, 2)) + right.sum((1, 2))


def _is_even(fine: _Blocks) -> bool:
    """Whether the quietest tenth of the blocks are no quieter than those of white noise."""
    return bool(fine.variance.quantile(0.1) >= _EVEN * fine.variance.median())


def _is_shared(fine: _Blocks, ratio: float, correlation: float) -> bool:
    """Whether neighbouring pixels share their noise, from the detail at half and at full size."""
    fine = fine.unclipped()
    if float(_flat_variance(fine.variance, fine.count)) < _NOTHING**2:
        return True
    return ratio >= _CORRELATED and (abs(correlation) >= _ALIKE or ratio >= _EMPTIED)


def _evidence(coarse: _Blocks, fine: _Blocks) -> tuple[float, float]:
    """Return by how much the coarse variance exceeds that of white noise, and the correlation.

    That is the correlation of neighbouring details in the blocks without texture, at full size.
    """
    variance = float(_flat_variance(fine.variance, fine.count))
    ratio = 4 * float(_flat_variance(coarse.variance, coarse.count)) / max(variance, 1e-12)
    cut = variance * _chi_square_quantile(_KEPT, fine.count) / fine.count
    flat = fine.where(fine.variance <= cut)
    return ratio, float(flat.covariance.sum() / flat.variance.sum().clamp_min(1e-12))


def _flat_variance(variance: Tensor, n: int = _COEFFICIENTS) -> Tensor:
    """Return σ² of the blocks without texture, whose mean squares follow σ² χ²ₙ / n."""
    cut = _chi_square_quantile(_KEPT, n)
    # E[χ²ₙ; χ²ₙ < c] = n P(χ²ₙ₊₂ < c)
    shrink = _chi_square_below(cut, n + 2) / _KEPT
    value = variance.median() * n / _chi_square_quantile(0.5, n)
    for _ in range(20):
        inside = variance[variance <= value * cut / n]
        if len(inside) < 4:
            break
        value = inside.mean() / shrink
    return value


def _chi_square_below(value: float, n: int) -> float:
    """Return P(χ²ₙ < value)."""
    half = torch.tensor([n / 2, value / 2], dtype=torch.float64)
    return float(torch.special.gammainc(half[0], half[1]))


def _chi_square_quantile(share: float, n: int) -> float:
    low, high = 0.0, 10.0 * n
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _chi_square_below(middle, n) < share else (low, middle)
    return (low + high) / 2
