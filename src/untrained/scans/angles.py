"""Angles of views: radians here, whatever the file has, and how that is known."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from untrained.errors import InputError

__all__ = ["angles_in_radians"]

_UNITS = {"deg": math.pi / 180, "rad": 1.0}
_TURNS = (math.pi, 2 * math.pi)  # what scans usually cover


def angles_in_radians(
    values: ArrayLike, *, said: object = None, unit: Literal["deg", "rad"] | None = None,
    place: str = "angles",
) -> tuple[NDArray[np.float64], str]:  # fmt: skip
    """Return the angles in radians, and a sentence on how their unit was known.

    Args:
        values: (views,).
        said: what the file calls their unit.
        unit: what the user says it is; this is believed more than the file, and no more than the
            range.
        place: the file, for messages.

    Raises:
        InputError: not one finite number a view; a unit that is unknown, or that the range speaks
            against; no unit, and a range that suits neither.
    """
    angles = np.asarray(values)
    if angles.dtype.kind not in "uif" or angles.ndim != 1 or not angles.size:
        raise InputError(f"{place}: angles of shape {angles.shape}; wanted a number for each view")
    angles = angles.astype(np.float64)
    if not np.isfinite(angles).all():
        raise InputError(f"{place}: some angles are no finite numbers; mend them")
    span, steps = _span(angles), len(angles)
    reach = f"angles from {angles.min():g} to {angles.max():g}"
    name, who = _text(said).strip().lower(), "as the file says"
    if unit is not None:
        other = f" (the file says {name})" if name and not name.startswith(unit) else ""
        name, who = unit, f"as was said{other}"
    if name.startswith("deg") or name == "°":
        if _like_turns(span, steps):
            raise InputError(
                f"{place}: {reach}, said to be degrees, are a half or full turn of radians; "
                "say which they are (--unit rad or deg)"
            )
        return angles * _UNITS["deg"], f"{reach} are in degrees, {who}"
    if name.startswith("rad"):
        if span > 4 * math.pi and _like_turns(math.radians(span), steps):
            raise InputError(
                f"{place}: {reach}, said to be radians, are a half or full turn of degrees; "
                "say which they are (--unit deg or rad)"
            )
        return angles, f"{reach} are in radians, {who}"
    if name:
        raise InputError(
            f"{place}: angles in {name!r}, an unknown unit; say which it is (--unit deg or rad)"
        )
    if steps < 2 or span == 0:
        raise InputError(f"{place}: {reach} without a unit; say which it is (--unit deg or rad)")
    if span > 2.2 * math.pi:
        return angles * _UNITS["deg"], f"{reach} have no unit; by their range they are degrees"
    if _like_turns(span, steps) or span < 4:
        return angles, f"{reach} have no unit; by their range they are radians"
    raise InputError(
        f"{place}: {reach} have no unit, and may be of either; say which it is (--unit deg or rad)"
    )


def _span(angles: NDArray[np.float64]) -> float:
    return float(angles.max() - angles.min())


def _like_turns(span: float, views: int) -> bool:
    """Whether so many views over this span, in radians, make a half or a full turn."""
    step = span / max(views - 1, 1)
    return any(abs(span - turn) < 0.02 * turn or abs(span + step - turn) < 1e-3 for turn in _TURNS)


def _text(said: Any) -> str:
    if isinstance(said, bytes):
        return said.decode(errors="replace")
    return "" if said is None else str(said)
