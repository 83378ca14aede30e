"""Which pages of a stack are restored by one fit, as the channels of one image.

A long stack goes in windows of at most eight pages that overlap: of 14 pages 0-5, 4-10 and 9-13, of
which 0-4, 5-9 and 10-13 are kept. The page on either side is shown to the network, and its image is
dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError
from untrained.fitting import Result
from untrained.fitting.result import Score
from untrained.images import Picture, to_unit
from untrained.metrics import psnr, ssim

__all__ = ["MOST_TOGETHER", "Window", "cut_into_windows", "each_alone", "windows_along"]

MOST_TOGETHER = 8
"""Pages of a fit."""

_BESIDE = 1  # page shown on either side of those that are kept …
_FROM = 4  # … in windows of at least so many


@dataclass(frozen=True, slots=True)
class Window:
    """Pages of one fit, from 0: those whose images are kept, and those that are shown as well."""

    kept: tuple[int, ...]
    beside: tuple[int, ...] = ()

    @property
    def shown(self) -> tuple[int, ...]:
        """All pages of the fit, in the order of its channels: the kept ones first."""
        return self.kept + self.beside


def each_alone(count: int) -> list[Window]:
    """Return a window for every page."""
    return [Window((page,)) for page in range(count)]


def cut_into_windows(pages: Sequence[int], most: int = MOST_TOGETHER) -> list[Window]:
    """Return windows of at most so many of neighbouring pages, which keep every page once."""
    pages = [int(page) for page in pages]
    if len(pages) <= most:
        return [Window(tuple(pages))]
    beside = _BESIDE if most >= _FROM else 0
    parts = np.array_split(np.arange(len(pages)), -(-len(pages) // (most - 2 * beside)))
    windows = []
    for part in parts:
        first, end = int(part[0]), int(part[-1]) + 1
        around = pages[max(0, first - beside) : first] + pages[end : end + beside]
        windows.append(Window(tuple(pages[first:end]), tuple(around)))
    return windows


def windows_along(picture: Picture, axis: str) -> tuple[list[Window], str]:
    """Return the windows of a stack along an axis that its file names, and a note; "" = none.

    Where the file names no axis (a plain TIFF, a GIF, an array), z and t both mean its pages.

    Args:
        picture: of several pages.
        axis: z, t or c (channels that are stored as pages).

    Raises:
        InputError: no such axis, one page, or pages that lack different pixels.
    """
    count = len(picture.pixels)
    if count < 2:
        raise InputError(f"--joint {axis}: there is one page; wanted a stack, or leave --joint out")
    lead = tuple(picture.lead) or (count,)
    names = _names_of(picture)
    named = [name for name in names if name in "ztc"]
    note = ""
    if axis in named:
        place = names.index(axis)
    elif not named and len(lead) == 1 and axis in "zt":
        place, note = 0, f"the file names no axis; its {count} pages were taken for {axis}"
    else:
        raise InputError(_no_such_axis(axis, names, lead))
    if lead[place] < 2:
        raise InputError(f"--joint {axis}: has the length 1; wanted several, or leave --joint out")
    order = np.moveaxis(np.arange(count).reshape(lead), place, -1).reshape(-1, lead[place])
    gray = picture.pixels.shape[-1] == 1
    windows = [window for row in order for window in _cut(row.tolist(), gray=gray)]
    for window in windows:
        _check_alike(picture, window)
    return windows, note


def _cut(pages: list[int], *, gray: bool) -> list[Window]:
    """Return the windows of pages; three gray ones would be taken for red, green and blue."""
    if gray and len(pages) == 3:
        return [Window(tuple(pages[:2])), Window(tuple(pages[2:]), (pages[1],))]
    return cut_into_windows(pages)


def _names_of(picture: Picture) -> str:
    """Return a letter for each axis of pages: t, z, c; ? = unnamed."""
    lead, tiff = picture.lead, picture.metadata.tiff
    axes = "" if tiff is None else "".join(a for a in tiff.axes if a not in "YXS")
    if len(axes) != len(lead):
        return "?" * len(lead)
    return "".join(a.lower() if a in "TZC" else "?" for a in axes)


def _no_such_axis(axis: str, names: str, lead: Sequence[int]) -> str:
    named = [f"{a} ({n} pages)" for a, n in zip(names, lead, strict=True) if a != "?"]
    if named:
        has = f"its axes are {' and '.join(named)}; wanted one of these"
    elif axis == "c":
        has = "the file names no axis of channels (those of a page are always restored together)"
    else:
        has = f"its {len(lead)} axes of pages ({' x '.join(map(str, lead))}) have no names"
    return f"--joint {axis}: {has}; or leave --joint out"


def _check_alike(picture: Picture, window: Window) -> None:
    """Raise InputError where pages of a window lack different pixels: NaN, nodata, transparent."""
    may_lack = picture.pixels.dtype.kind == "f" or picture.nodata is not None
    if not may_lack and picture.alpha is None:
        return
    first = _lacking(picture, window.shown[0])
    for page in window.shown[1:]:
        if not np.array_equal(_lacking(picture, page), first):
            raise InputError(
                f"pages {window.shown[0] + 1} and {page + 1} lack different pixels (NaN, nodata or "
                "transparent); leave --joint out"
            )


def _lacking(picture: Picture, page: int) -> NDArray[np.bool_]:
    """Return where a page has no value, (H, W)."""
    pixels = picture.pixels[page]
    lacking: NDArray[np.bool_] = ~np.isfinite(pixels).all(axis=-1)
    if picture.nodata is not None:
        lacking |= (pixels == picture.nodata).all(axis=-1)
    if picture.alpha is not None:
        lacking |= picture.alpha[page] == 0
    return lacking


def joined(pages: NDArray[Any], window: Window) -> NDArray[Any]:
    """Return pages (P, H, W, C) of a window as one image (H, W, N C), page after page."""
    stack = np.moveaxis(pages[list(window.shown)], 0, 2)  # (H, W, N, C)
    return stack.reshape(*stack.shape[:2], -1)


def joined_picture(picture: Picture, window: Window) -> Picture:
    """Return the pages of a window as a picture of one page and many channels."""
    alpha = None if picture.alpha is None else picture.alpha[window.shown[0]][None]
    pixels = joined(picture.pixels, window)[None]
    return Picture(pixels=pixels, alpha=alpha, nodata=picture.nodata)


def parted(
    image: NDArray[Any], result: Result, window: Window, given: Picture, truth: Picture | None
) -> list[tuple[NDArray[Any], Result]]:
    """Return each kept page's image (H, W, C) and result, of those of a window, (H, W, N C).

    PSNR and SSIM to the truth are then the page's own; the curves are of the whole window.
    """
    channels = image.shape[-1] // len(window.shown)
    found = []
    for i, page in enumerate(window.kept):
        own = slice(i * channels, (i + 1) * channels)
        mine = np.ascontiguousarray(image[..., own])
        score = result.score
        if score is not None and truth is not None:
            score = _own_score(score, mine, given.pixels[page], truth.pixels[page])
        details = {
            **result.details,
            "together": [other + 1 for other in sorted(window.shown)],
            "fit_of": window.kept[0] + 1,
        }
        one = replace(
            result, image=mine, score=score, details=details,
            estimate=_own(result.estimate, own, image),
            observed=None if result.observed is None else _own(result.observed, own, image),
            extras={name: _own(value, own, image) for name, value in result.extras.items()},
        )  # fmt: skip
        found.append((mine, one))
    return found


def _own_score(
    score: Score, image: NDArray[Any], observed: NDArray[Any], truth: NDArray[Any]
) -> Score:
    """Return the score of a window with the numbers of one page."""
    unit_range = to_unit(observed)[2]
    mine, before, clean = (
        to_unit(one, value_range=unit_range)[0] for one in (image, observed, truth)
    )
    peak = unit_range.peak
    return replace(
        score, psnr_kept=psnr(mine, clean, peak=peak), ssim_kept=ssim(mine, clean, peak=peak),
        psnr_degraded=psnr(before, clean, peak=peak),
    )  # fmt: skip


def _own(values: Tensor, own: slice, image: NDArray[Any]) -> Tensor:
    """Return a page's channels of (1, N C, h, w); of another number of channels, all."""
    return values[:, own] if values.shape[1] == image.shape[-1] else values
