"""Which lines of k-space are measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["equispaced_lines", "random_lines"]


def random_lines(
    frames: int, lines: int, count: int, *, middle: int = 8, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Return (frames, lines), true at `count` lines of each frame.

    `middle` lines around line lines//2 are in every frame; the others are drawn for each frame with
    a probability in proportion to (1 - |k|)², k from -1 to 1 over the lines.

    Raises:
        InputError: more lines than there are, or fewer than those in the middle.
    """
    if not 0 <= middle <= count <= lines:
        raise InputError(
            f"{count} of {lines} lines with {middle} in the middle; "
            "wanted the middle to be a part of them, and them of all"
        )
    mask = np.zeros((frames, lines), dtype=bool)
    start = lines // 2 - middle // 2
    mask[:, start : start + middle] = True
    others = np.flatnonzero(~mask[0])
    density = (1 - np.abs(others - lines / 2) / (lines / 2)) ** 2
    if count - middle > np.count_nonzero(density):
        density = density + 1e-9
    for frame in mask:
        drawn = generator.choice(others, count - middle, replace=False, p=density / density.sum())
        frame[drawn] = True
    return mask


def equispaced_lines(lines: int, acceleration: float, *, middle: int) -> NDArray[np.bool_]:
    """Return (lines,), true at one line in `acceleration`, those in the middle counted.

    Of n lines with m in the middle the others are R (m - n) / (m R - n) apart, from the first line
    on: fastMRI's mask of the equispaced fraction (Zbontar et al., arXiv 1811.08839), offset 0.

    Raises:
        InputError: more lines in the middle than that acceleration leaves.
    """
    if not 0 < middle < lines / acceleration:
        raise InputError(
            f"middle is {middle}, of {lines} lines at {acceleration:g} times; "
            f"wanted less than {lines / acceleration:g}"
        )
    step = acceleration * (middle - lines) / (middle * acceleration - lines)
    mask = np.zeros(lines, dtype=bool)
    mask[np.around(np.arange(0, lines - 1, step)).astype(int)] = True
    start = (lines - middle + 1) // 2
    mask[start : start + middle] = True
    return mask
