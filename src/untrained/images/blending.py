"""A weaker restoration, of the brightness and of the colours apart: a blend, no new fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError, check_number

__all__ = ["blended", "check_strength"]


def check_strength(**strengths: float | None) -> None:
    """Refuse a strength outside 0 … 1; None = not given. Raises InputError, naming it."""
    for name, value in strengths.items():
        if value is None:
            continue
        check_number(name, value)
        if not 0 <= value <= 1:
            raise InputError(f"{name} is {value}; wanted 0 (nothing is done) to 1 (all of it)")


def blended(
    before: NDArray[Any], after: NDArray[Any], *, strength: float = 1.0,
    colour_strength: float | None = None, channel_axis: int | None = -1,
) -> NDArray[Any]:  # fmt: skip
    """Return y + s d̄ + c (d - d̄), of y before, x̂ after, d = x̂ - y, d̄ the mean of its colours.

    Args:
        before, after: y and x̂, of one shape and dtype; integers are rounded.
        strength: s, for the brightness.
        colour_strength: c, for what three colours differ by; None = s. Other numbers of channels
            are no colours, and have s alone.
        channel_axis: of three-dimensional arrays.

    Raises:
        InputError: a strength outside 0 … 1.
    """
    check_strength(strength=strength, colour_strength=colour_strength)
    colour = strength if colour_strength is None else colour_strength
    if strength == colour == 1:
        return after
    change = after.astype(np.float64) - before
    mean = np.zeros(1)
    if after.ndim >= 3 and channel_axis is not None and after.shape[channel_axis] == 3:
        mean = change.mean(channel_axis, keepdims=True)
    else:
        colour = strength
    found = before + colour * change + (strength - colour) * mean
    # Where there was nothing to blend with (NaN, a hole that was filled), what was made stands.
    found = np.where(np.isfinite(found), found, after)
    if not np.issubdtype(after.dtype, np.integer):
        return found.astype(after.dtype)
    limits = np.iinfo(after.dtype)
    return np.rint(found).clip(limits.min, limits.max).astype(after.dtype)
