"""Angles of views: their unit, and whether it can be true."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["AngleUnit", "as_radians"]

AngleUnit = Literal["rad", "deg"]

_TURNS = 2.05  # more than that in radians were degrees


def as_radians(angles: Any, views: int, *, unit: AngleUnit) -> NDArray[np.float64]:
    """Return the angles of so many views in radians.

    A unit that cannot be meant is refused: 0 to 180 are no radians, 0 to 3.14 no degrees.

    Raises:
        InputError: no such unit, another number of angles than views, NaN, all the same, or a
            range that tells of the other unit.
    """
    if unit not in get_args(AngleUnit):
        raise InputError(f"unit is {unit!r}; wanted rad or deg")
    values = np.asarray(angles, dtype=np.float64).reshape(-1)
    if len(values) != views:
        raise InputError(
            f"there are {len(values)} angles for {views} views; wanted one a row of the sinogram "
            "(views, detectors), which may have to be transposed"
        )
    if not np.isfinite(values).all():
        raise InputError("some angles are NaN or infinite; wanted finite ones")
    first, last = float(values.min()), float(values.max())
    if views > 1 and first == last:
        raise InputError(f"all {views} angles are {first:g}; wanted those of each view")
    if unit == "rad":
        if last - first > _TURNS * 2 * np.pi:
            raise InputError(
                f"the angles run from {first:g} to {last:g}, {(last - first) / 2 / np.pi:.0f} "
                "turns in radians; degrees? then say unit deg, else take them modulo 2π"
            )
        return values
    if views > 4 and last - first <= 2 * np.pi * 1.01:
        raise InputError(
            f"the angles run from {first:g} to {last:g}, a wedge of {last - first:.2g} degrees; "
            "radians? then say unit rad"
        )
    return np.deg2rad(values)
