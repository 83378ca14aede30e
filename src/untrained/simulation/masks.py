"""Which columns of k-space an accelerated scan measures."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["Pattern", "accelerated_lines"]

Pattern = Literal["equispaced", "random"]


def accelerated_lines(
    lines: int, acceleration: float, *, middle: int | None = None,
    pattern: Pattern = "equispaced", generator: np.random.Generator,
) -> NDArray[np.bool_]:  # fmt: skip
    """Return (lines,), true at lines / acceleration of them, the middle ones among these.

    As fastMRI (Zbontar et al., arXiv:1811.08839) the lines in the middle count: of the others so
    many are measured that the whole scan is as much faster as was asked for. Equispaced ones start
    at a random line; random ones are drawn without preference, and there are always as many.

    Args:
        lines: of the full scan.
        acceleration: how many times fewer.
        middle: lines in the middle that are all measured, around lines // 2; None = 8 % of them at
            4 times and 4 % at 8 times, as fastMRI has it, and at least 8.
        pattern: of the others.
        generator: of the start, or of the lines.

    Raises:
        InputError: an acceleration below 1, or more lines in the middle than are measured.
    """
    if pattern not in get_args(Pattern):
        raise InputError(f"pattern is {pattern!r}; wanted one of {', '.join(get_args(Pattern))}")
    if not 1 <= acceleration <= lines:
        raise InputError(f"acceleration is {acceleration}; wanted 1 to {lines}")
    count = round(lines / acceleration)
    if middle is None:
        middle = min(count, max(8, round(0.32 * lines / acceleration)))
    if not 0 <= middle <= count:
        raise InputError(
            f"{middle} lines in the middle of {count} that are measured (acceleration "
            f"{acceleration:g} of {lines}); wanted no more than those"
        )
    mask = np.zeros(lines, dtype=bool)
    start = lines // 2 - middle // 2
    mask[start : start + middle] = True
    others = np.flatnonzero(~mask)
    left = count - middle
    if pattern == "random":
        mask[generator.choice(others, left, replace=False)] = True
    elif left:
        # evenly among the others, so that their number is right for any acceleration
        shift = generator.random()
        mask[others[((np.arange(left) + shift) * len(others) / left).astype(int)]] = True
    return mask
