"""Pixels that are stuck at black or white: salt-and-pepper noise, dead and hot pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["find_impulses"]

_REACH = 2  # neighbours in 5x5
_FEWEST = 0.01  # the share of pixels that makes it noise; highlights and letters give up to .8 %
_SURELY = 4.0  # standard deviations of the neighbours
_SURE_JUMP = 0.2  # photon noise in the dark jumps less
_LONELY = 1  # neighbours of its own colour; letters and edges have more
_JUMP = 0.05  # less is not worth a hole
_RARE = 0.005
_ALONG = 9  # pixels of a line
_HOT = 8.0  # standard deviations, of a single hot pixel among quiet ones …
_HOT_JUMP = 0.3
_LIT = 0.3  # … of which no neighbour has that share
_AT_ONCE = 1_000_000  # pixels, to bound the memory


def find_impulses(observed: Tensor, known: Tensor | None = None) -> Tensor | None:
    """Return where an image (1, C, H, W) holds impulses instead of the picture, (1, 1, H, W).

    An impulse stands at the image's smallest or largest value and far from the median of those of
    its 5x5 neighbours that do not: by four standard deviations (from the median absolute
    deviation) and .2, which Gaussian and photon noise hardly reach, and with no more than one
    neighbour of its own colour. If such pixels are 1 % of the image or more, all its extreme
    pixels that differ from that median by .05 are impulses, but for those among more of their own
    colour than chance would put together, as in a white sky: a pixel too many is guessed from its
    neighbours, one too few stays in the picture. A line of them, as the black border of a scan, is
    none. Of fewer, those are found that stand alone, by eight standard deviations, among neighbours
    that are all alike: hot and dead pixels.

    Args:
        observed: y, in the unit range.
        known: (1, 1, H, W), 0 where a pixel is missing.

    Returns:
        1 where any channel holds an impulse; None if there is no such noise.
    """
    y = observed if known is None else observed.masked_fill(known == 0, math.nan)
    inside = y[~y.isnan()]
    low, high = inside.min(), inside.max()
    extreme = (y == low) | (y == high)
    if low == high:
        return None
    median, spread = _of_neighbours(y.masked_fill(extreme, math.nan), extreme)
    jump = (y[extreme] - median).abs()  # NaN, and never an impulse, without any other neighbour
    alike = torch.where(y == high, _count(y == high), _count(y == low))[extreme]
    surely = (jump > (_SURELY * spread).clamp_min(_SURE_JUMP)) & (alike <= _LONELY)
    share = float(surely.sum() / inside.numel())
    impulses = torch.zeros_like(extreme)
    if share < _FEWEST:
        alone, hot = alike == 0, _are_hot(y, extreme, median, spread)
        for colour in (low, high):
            of = alone & (y[extreme] == colour)
            if 2 * (of & hot).sum() < of.sum():  # noise that is clipped leaves many alone
                hot &= ~of
        impulses[extreme] = alone & hot
        return impulses.any(1, keepdim=True).to(observed) if impulses.any() else None
    in_line = torch.where(y == high, _in_line(y == high), _in_line(y == low))[extreme]
    apart = (alike < _too_many(share, among=8)) & (in_line < _too_many(share, among=_ALONG - 1))
    impulses[extreme] = (jump > _JUMP) & apart
    return impulses.any(1, keepdim=True).to(observed)


def _count(places: Tensor) -> Tensor:
    """Return how many of the eight neighbours are among the places (1, C, H, W)."""
    places = places.float()
    return (9 * F.avg_pool2d(places, 3, 1, 1) - places).round()


def _in_line(places: Tensor) -> Tensor:
    """Return how many of the eight others in a line, down or across, are among the places."""
    places = places.float()
    down, across = (
        (_ALONG * F.avg_pool2d(places, size, 1, (size[0] // 2, size[1] // 2)) - places).round()
        for size in ((_ALONG, 1), (1, _ALONG))
    )
    return torch.maximum(down, across)


def _are_hot(y: Tensor, extreme: Tensor, median: Tensor, spread: Tensor) -> Tensor:
    """Return which of the extreme values stand out from all of their neighbours.

    The neighbours of a star, a highlight or a letter are lit by it, through the lens at least.
    """
    jump = (y[extreme] - median).abs()
    hot = jump > (_HOT * spread).clamp_min(_HOT_JUMP)
    parts = []
    for around, own in zip(_around(y, extreme, 1), torch.split(median, _AT_ONCE), strict=True):
        others = torch.cat([around[:, :4], around[:, 5:]], 1)
        parts.append((others - own[:, None]).abs().nan_to_num(math.inf).amax(1))
    return hot & (torch.cat(parts) < _LIT * jump)  # none beside a missing pixel, or at the edge


def _too_many(share: float, *, among: int) -> int:
    """Return the number of so many neighbours that are hardly ever impulses of one colour."""
    above = [
        sum(
            math.comb(among, n) * share**n * (1 - share) ** (among - n)
            for n in range(least, among + 1)
        )
        for least in range(among + 1)
    ]
    return next((least for least in range(1, among + 1) if above[least] < _RARE), among + 1)


def _of_neighbours(image: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Return median and standard deviation (1.48 · MAD) around the places, NaN left out."""
    medians, spreads = [], []
    for around in _around(image, places, _REACH):
        median = around.nanmedian(1, keepdim=True).values
        medians.append(median.flatten())
        spreads.append(1.4826 * (around - median).abs().nanmedian(1).values)
    return torch.cat(medians), torch.cat(spreads)


def _around(image: Tensor, places: Tensor, reach: int) -> Iterator[Tensor]:
    """Yield what lies around the places, (n, (2 reach + 1)²), NaN beyond the image."""
    padded = F.pad(image, (reach,) * 4, value=math.nan)[0]
    offsets = torch.arange(2 * reach + 1, device=image.device)
    parts = (torch.split(i, _AT_ONCE) for i in places[0].nonzero(as_tuple=True))
    for c, r, x in zip(*parts, strict=True):
        yield padded[
            c[:, None, None], r[:, None, None] + offsets[:, None], x[:, None, None] + offsets
        ].flatten(1)
