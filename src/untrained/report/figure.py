"""A run as a figure for a publication: pictures, a detail of each, curves."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.report.drawing import KEPT, STYLE, draw_psnr, pyplot, read_run, show
from untrained.report.model import ViewRun, summary_of_page
from untrained.report.pictures import Pixels
from untrained.report.scans import open_run

__all__ = ["busiest", "write_figure"]

_SUFFIXES = (".png", ".pdf", ".svg")
_TALLEST = 2**15  # pixels; matplotlib draws no more than twice that
# in inches; the width is that of two columns of a journal
_WIDTH, _GAP, _TITLE, _CURVES, _LABELS, _LEGEND = 7.1, 0.07, 0.22, 1.8, 0.42, 2.0


def write_figure(
    folder: Path,
    target: Path,
    *,
    page: int = 1,
    crop: tuple[int, int, int] | None = None,
    dpi: int = 300,
) -> None:
    """Draw observed picture, estimate and truth, the same detail of each, and the curves.

    Args:
        folder: the run's.
        target: .png, .pdf or .svg.
        page: of a stack, from 1.
        crop: left, top and side of the detail in the estimate's pixels; None = where most happens.
        dpi: of a PNG, 10 to 1200; the pictures of a PDF keep their own pixels.

    Raises:
        InputError: no run, no picture yet, another suffix, a detail beyond the picture, no
            matplotlib.
    """
    if target.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{target}: wanted a figure as {', '.join(_SUFFIXES)}")
    if not 10 <= dpi <= 1200:
        raise InputError(f"dpi is {dpi}; wanted 10 to 1200")
    plt = pyplot()
    run, found = read_run(folder, page)
    names: tuple[str, ...] = ("observed", "estimate", "truth")
    pictures = {name: found[name].pixels() for name in names if name in found}
    if "estimate" not in pictures:
        raise InputError(f"{folder}: has no picture yet; wait for the run, or resume it")
    height, width = pictures["estimate"].shape[:2]
    left, top, side = crop or busiest(pictures["estimate"])
    if not (0 <= left < left + side <= width and 0 <= top < top + side <= height):
        raise InputError(
            f"crop is {left},{top},{side}; wanted LEFT,TOP,SIDE within {width}x{height} pixels"
        )
    summary = summary_of_page(open_run(folder, page=page)) or {}
    titles = _titles(summary.get("score"))
    if "observed" in run["layers"]:
        seen = run["layers"]["observed"]["label"]
        titles["observed"] = titles["observed"].replace("observed", seen, 1)
    with plt.rc_context(STYLE):
        figure = _drawn(plt, pictures, titles, (left, top, side), run)
        tall = round(figure.get_figheight() * dpi)
        if tall > _TALLEST:
            plt.close(figure)
            raise InputError(f"the figure would be {tall} pixels high; wanted a smaller --dpi")
        buffer = io.BytesIO()
        figure.savefig(buffer, format=target.suffix.lower().lstrip("."), dpi=dpi)
        plt.close(figure)
    write_atomically(target, lambda file: file.write(buffer.getvalue()))


def busiest(pixels: Pixels) -> tuple[int, int, int]:
    """Return left, top and side of the square, a quarter of the picture wide, that varies most."""
    gray = pixels.astype(np.float64)
    gray = gray.mean(axis=-1) if gray.ndim == 3 else gray
    side = max(8, min(gray.shape) // 4)
    change = np.zeros_like(gray)
    change[:-1] += abs(np.diff(gray, axis=0))
    change[:, :-1] += abs(np.diff(gray, axis=1))
    # capped, so that one hard edge counts less than a texture
    sums = np.pad(np.minimum(change, 30).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    windows = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(int(windows.argmax()), windows.shape)
    return int(left), int(top), side


def _drawn(
    plt: Any,
    pictures: Mapping[str, Pixels],
    titles: Mapping[str, str],
    crop: tuple[int, int, int],
    run: ViewRun,
) -> Any:
    """Return the figure: a column a picture, the details below, the curves at the bottom."""
    height, width = pictures["estimate"].shape[:2]
    left, top, side = crop
    column = (_WIDTH + _GAP) / max(2, len(pictures)) - _GAP
    tall = column * height / width
    total = _TITLE + tall + _GAP + column + 2 * _GAP + _CURVES + _LABELS
    figure = plt.figure(figsize=(_WIDTH, total))

    def place(x: float, y: float, wide: float, high: float) -> Any:
        """Return axes at inches from the left and from the top."""
        return figure.add_axes((x / _WIDTH, 1 - (y + high) / total, wide / _WIDTH, high / total))

    for i, (name, pixels) in enumerate(pictures.items()):
        x = i * (column + _GAP)
        whole = place(x, _TITLE, column, tall)
        show(whole, pixels, (width, height))
        whole.set_title(titles[name], pad=3)
        if name == "estimate" and "pixel_mm" in run:
            _draw_scale_bar(plt, whole, run["pixel_mm"][1], (width, height))
        whole.add_patch(
            plt.Rectangle((left - 0.5, top - 0.5), side, side, fill=False, ec=KEPT, lw=0.8)
        )
        detail = place(x, _TITLE + tall + _GAP, column, column)
        show(detail, pixels, (width, height))
        detail.set_xlim(left - 0.5, left + side - 0.5)
        detail.set_ylim(top + side - 0.5, top - 0.5)
    curves = place(_LABELS, total - _LABELS - _CURVES, _WIDTH - _LABELS - _LEGEND, _CURVES)
    draw_psnr(curves, run)
    curves.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _draw_scale_bar(plt: Any, axes: Any, millimetres: float, size: tuple[int, int]) -> None:
    """Draw a bar of a round length, about a fifth of the picture wide; `millimetres` a pixel."""
    width, height = size
    room = width * millimetres / 5
    power = 10.0 ** math.floor(math.log10(room))
    length = next(digit * power for digit in (5, 2, 1) if digit * power <= room)
    left, top, wide = 0.05 * width, 0.94 * height, length / millimetres
    bar = plt.Rectangle((left, top), wide, 0.012 * height, facecolor="white", ec="black", lw=0.3)
    axes.add_patch(bar)
    text = f"{length:g} mm" if length >= 0.1 else f"{1000 * length:g} µm"
    axes.text(left + wide / 2, top - 0.01 * height, text, color="white", ha="center", va="bottom")


def _titles(score: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the pictures' names with their PSNR to the truth, as the run's record has it."""
    titles = {name: name for name in ("observed", "estimate", "truth")}
    for name, key in (("observed", "psnr_degraded"), ("estimate", "psnr")):
        value = None if score is None else score[key]
        if value is not None:
            titles[name] += f", {value:.2f} dB"
    return titles
