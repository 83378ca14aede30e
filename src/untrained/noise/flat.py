"""Noise that neighbours share, read where the picture is flat."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.noise.model import NoiseModel
from untrained.noise.opponent import to_opponent

__all__ = ["GRAIN_IN_COLOURS", "GRAIN_IN_GRAY", "REACH", "SHARED", "WHITE", "Flat", "read_flat"]

REACH = 12
"""Pixels between two that may still share their noise: JPEG and demosaicking reach no further."""

GRAIN_IN_COLOURS = 2.5 / 255
"""σ of a clean picture's colours that may pass for noise."""
GRAIN_IN_GRAY = 3.8 / 255
"""The same of a gray picture."""
SHARED = 0.15
"""Correlation of neighbours in flat places; of less the noise is white."""
WHITE = 0.1
"""Correlation of neighbours of what is white for sure; of grain and texture it is .2 and more."""

_WINDOW = 16  # pixels a side
_STRIDE = 4
_LEAST_SIDE = 64
_STRIPS, _STRIP = 8, 256  # pixels of a large picture that are read, each way
_SLOPE = 6.0  # pixels: what is smoother than a blur of this counts as picture, not as noise
_QUIETEST = 0.02  # the share of the windows in which there can be little but noise
_FEWEST = 8  # windows
_MOST_CLIPPED = 0.3
_SHARE = 0.3  # the variance of a fit's image in a flat window, as a share of y's …
_STRUCTURE = 0.7  # … and in units of the noise variance
_MOST_GROWTH = 4.0  # σ with a fit's image over σ without, at another brightness …
_SAME_LEVEL = 1.1  # … and at the same, and as much again as …
_ROUNDED_OFF = 2 / 255  # … JPEG may have rounded off where it was quietest
_LOUD = 2.0  # times the median of like brightness: there is more than noise in it
_SCALES = (0.8, 2.0)  # pixels: blurs between which the outliers are looked for
_RANGES = 6
_FEWEST_IN_RANGE = 24  # windows
_AS_STRONG = 1.4  # times the σ of the other colour
_PALE = 0.5  # of the σ of the brightness
_GAUSSIAN = 4.0  # the most kurtosis: of noise it is 3
_MOST_BY_LEVEL = 2.0  # σ of one brightness over that of all


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """What the flat places of a picture say.

    Attributes:
        model: σ by brightness, and the correlation.
        channels: (C,): σ of each opponent channel.
        neighbours: the correlation of neighbouring pixels, of each opponent channel.
        outliers: the kurtosis of the brightness there, 3 if Gaussian: the larger of two scales.
    """

    model: NoiseModel
    channels: Tensor
    neighbours: tuple[float, ...]
    outliers: float

    @property
    def has_white_colours(self) -> bool:
        """Whether the colours hold white noise: what neighbours share is texture then."""
        if len(self.channels) != 3 or float(self.channels[1:].min()) < GRAIN_IN_COLOURS:
            return False
        alike = float(self.channels[1:].max()) <= _AS_STRONG * float(self.channels[1:].min())
        return alike and max(map(abs, self.neighbours[1:])) < SHARED

    @property
    def is_white_and_gray(self) -> bool:
        """Whether white noise, stronger than grain, lies in the brightness more than in colours.

        As a film has it, and what was made gray before it was stored in colour.
        """
        brightness = float(self.channels[0])
        if len(self.channels) != 3 or float(self.channels[1:].max()) > _PALE * brightness:
            return False
        strong = brightness >= 3**0.5 * GRAIN_IN_GRAY
        return strong and abs(self.neighbours[0]) < WHITE and self.outliers < _GAUSSIAN


def read_flat(
    observed: Tensor,
    known: Tensor | None = None,
    *,
    smooth: Tensor | None = None,
    before: NoiseModel | None = None,
) -> Flat | None:
    """Return the noise in the flat places of an image (1, C, H, W); None = there are too few.

    Without a smooth image, the 2 % of the windows (16x16) whose brightness varies least are taken
    for flat: wherever there is noise, no place is quieter than it, so that this is rather too
    little than too much. With the image of a fit, and what was thought of the noise `before`, those
    windows are flat in which the fit shows less structure than noise; they are more, of every
    brightness, and not chosen by their own noise.

    There, the autocovariance of each opponent channel is the mean product of pixels at each
    distance, after a blur of 6 pixels over the flat places is taken off; that it is y, never what
    a fit leaves of y, matters: a fit keeps a part of such noise.

    Args:
        observed: y.
        known: (1, 1, H, W), 0 where a pixel is missing.
        smooth: the image of a fit.
        before: the noise that it was fitted with.
    """
    if min(observed.shape[-2:]) < _LEAST_SIDE:
        return None
    observed = _sampled(observed)
    known, smooth = (x if x is None else _sampled(x) for x in (known, smooth))
    usable = torch.ones_like(observed[:, :1]) if known is None else known
    if known is not None:
        observed = torch.where(known > 0, observed, _blurred(observed, _SLOPE, known))
    turned = to_opponent(observed)
    clipped = ((observed <= 0) | (observed >= observed.max())).float().amin(1, keepdim=True)
    open_ = _means(clipped.maximum(1 - usable)) <= _MOST_CLIPPED
    if int(open_.sum()) < _FEWEST:
        return None
    level = _means(observed.mean(1, keepdim=True))
    loudness = _variances(_brightness(turned - _blurred(turned, _SLOPE, usable)))
    if smooth is None or before is None:
        flat = _lowest(loudness, open_, _QUIETEST)
    else:
        shown = to_opponent(smooth)
        structure = _variances(_brightness(shown - _blurred(shown, _SLOPE, usable)))
        share = structure / loudness.clamp_min(1e-12)
        sigma, unit = before.at(level), _brightness_share(before)
        least = unit * (sigma.square() + _ROUNDED_OFF**2)
        flat = open_ & (share <= _SHARE) & (structure <= _STRUCTURE * least)
        flat &= loudness <= unit * (_MOST_GROWTH * sigma).square()
        flat |= _lowest(share, open_, _QUIETEST)
        flat = _without_loud(flat, loudness, level)
    place = _pixels_of(flat, observed.shape[-2:]) * usable
    rest = (turned - _blurred(turned, _SLOPE, place)) * place
    covariance = _autocovariance(rest, place)
    power = covariance[:, REACH, REACH].mean().clamp_min(1e-16)
    levels, sigmas = level[flat].mean().view(1), power.sqrt().view(1)
    if before is not None:
        levels, sigmas = _by_level(level[flat], loudness[flat], power.sqrt())
    model = NoiseModel(levels=levels, sigmas=sigmas, correlation=covariance / power, estimated=True)
    if before is not None:
        most = ((_SAME_LEVEL * before.sigmas).square() + _ROUNDED_OFF**2).sqrt()
        model = replace(model, sigmas=sigmas * (most / model.at(before.levels)).mean().clamp(max=1))
    return _described(model, covariance, rest, place)


def _sampled(image: Tensor) -> Tensor:
    """Return the image, of a side beyond 2048 eight strips of 256 pixels, evenly spread.

    So that time and memory are bounded; windows across a seam are loud, and no place is flat there.
    """
    for axis in (-2, -1):
        length, most = image.shape[axis], _STRIPS * _STRIP
        if length > most:
            starts = [round(i * (length - _STRIP) / (_STRIPS - 1)) for i in range(_STRIPS)]
            image = torch.cat([image.narrow(axis, start, _STRIP) for start in starts], axis)
    return image


def _described(model: NoiseModel, covariance: Tensor, rest: Tensor, place: Tensor) -> Flat:
    """Return the model with what tells noise from texture and grain."""
    variances = covariance[:, REACH, REACH].clamp_min(1e-16)
    beside = (covariance[:, REACH, REACH + 1] + covariance[:, REACH + 1, REACH]) / 2
    once, twice = (_blurred(_brightness(rest), width, place) for width in _SCALES)
    scales = (_brightness(rest) - once, once - twice)
    return Flat(
        model=model,
        channels=variances.sqrt(),
        neighbours=tuple((beside / variances).tolist()),
        outliers=max(_kurtosis(x[place > 0]) for x in scales),
    )


def _brightness(turned: Tensor) -> Tensor:
    """Return (1, 1, H, W): the brightness of three colours, else the mean of the channels."""
    return turned[:, :1] if turned.shape[1] == 3 else turned.mean(1, keepdim=True)


def _brightness_share(model: NoiseModel) -> float:
    """Return the variance of the brightness, in units of σ²."""
    assert model.correlation is not None
    zero = model.correlation[:, REACH, REACH]
    return float(zero[0] if len(zero) == 3 else zero.mean() / len(zero))


def _by_level(levels: Tensor, loudness: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean brightness and σ of up to six ranges with equal numbers of windows."""
    count = max(1, min(_RANGES, len(levels) // _FEWEST_IN_RANGE))
    parts = levels.argsort().tensor_split(count)
    whole = loudness.mean().clamp_min(1e-16)
    share = torch.stack([(loudness[part].mean() / whole).sqrt() for part in parts])
    share = share.clamp(1 / _MOST_BY_LEVEL, _MOST_BY_LEVEL)
    return torch.stack([levels[part].mean() for part in parts]), sigma * share


def _without_loud(flat: Tensor, loudness: Tensor, level: Tensor) -> Tensor:
    """Return the flat windows without those that are louder than others of their brightness."""
    places = flat.flatten().nonzero().flatten()
    places = places[level.flatten()[places].argsort()]
    kept = torch.zeros_like(flat)
    for part in places.tensor_split(max(1, min(_RANGES, len(places) // _FEWEST_IN_RANGE))):
        loud = loudness.flatten()[part]
        kept.view(-1)[part[loud <= _LOUD * loud.median()]] = True
    return kept


def _means(image: Tensor) -> Tensor:
    return F.avg_pool2d(image, _WINDOW, _STRIDE)


def _variances(image: Tensor) -> Tensor:
    return (_means(image.square()) - _means(image).square()).clamp_min(0)


def _lowest(values: Tensor, among: Tensor, share: float) -> Tensor:
    """Return which windows have the lowest values, that share of those among which to look."""
    values = torch.where(among, values, float("inf"))
    count = max(_FEWEST, round(share * int(among.sum())))
    return values <= values.flatten().kthvalue(min(count, values.numel())).values


def _pixels_of(windows: Tensor, size: torch.Size) -> Tensor:
    """Return (1, 1, H, W), 1 where a pixel lies in one of the windows."""
    kernel = torch.ones(1, 1, _WINDOW, _WINDOW, device=windows.device)
    covered = (F.conv_transpose2d(windows.float(), kernel, stride=_STRIDE) > 0).float()
    return F.pad(covered, (0, size[1] - covered.shape[-1], 0, size[0] - covered.shape[-2]))


def _blurred(image: Tensor, sigma: float, weight: Tensor) -> Tensor:
    """Return the Gaussian-weighted mean of the pixels with a weight."""
    reach = round(3 * sigma)
    taps = torch.exp(-torch.arange(-reach, reach + 1.0).square() / (2 * sigma**2)).to(image)

    def blur(x: Tensor) -> Tensor:
        c = x.shape[1]
        for kernel, pad in ((taps[None], (0, reach)), (taps[:, None], (reach, 0))):
            x = F.conv2d(x, kernel.expand(c, 1, -1, -1), padding=pad, groups=c)
        return x

    return blur(image * weight) / blur(weight).clamp_min(1e-6)


def _kurtosis(values: Tensor) -> float:
    """Return the fourth central moment over the squared variance."""
    squares = (values - values.mean()).square()
    return float(squares.square().mean() / squares.mean().square().clamp_min(1e-16))


def _autocovariance(rest: Tensor, place: Tensor) -> Tensor:
    """Return (C, 2L+1, 2L+1), L = `REACH`: the mean product of places at each distance."""
    height, width = rest.shape[-2:]
    size = (height + REACH, width + REACH)

    def products(x: Tensor) -> Tensor:
        power = torch.fft.rfft2(x[0], s=size).abs().square()
        around = torch.fft.irfft2(power, s=size).roll((REACH, REACH), (-2, -1))
        found: Tensor = around[:, : 2 * REACH + 1, : 2 * REACH + 1]
        return found

    covariance: Tensor = products(rest) / products(place).clamp_min(1)
    return covariance
