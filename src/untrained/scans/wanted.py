"""What of a file is wanted, and what the file does not say itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images.picture import error_at
from untrained.memory import check_room

__all__ = ["Axes", "Kind", "Wanted", "check_values", "damaged_scan", "pick", "pick_both"]

Axes: TypeAlias = Literal["coils", "slices", "frames", "views"]
"""What the first axis of a three-dimensional array counts."""
Kind: TypeAlias = Literal["kspace", "images", "sinogram", "counts", "measurements"]
"""What bare numbers are; images = of coils or a series, made into k-space."""
Unit: TypeAlias = Literal["deg", "rad"]

# Bytes a value at the peak of reading: read, reordered, complex64 or float32 and its checks.
_COPIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What of a scan is to be read.

    Attributes:
        kind: what bare numbers are; None = what the format or the values say.
        slice: index of one, or the middle one; None = all.
        frame: index of one frame, repetition or echo; None = all.
        axes: what the first axis of a bare array of three axes counts.
        angles: of the views, where the file has none, in `unit`.
        unit: of any angles; None = as the file says, or by their range.
        max_values: more than these are refused before reading.
    """

    kind: Kind | None = None
    slice: int | Literal["middle"] | None = None
    frame: int | None = None
    axes: Axes | None = None
    angles: NDArray[np.float64] | None = None
    unit: Unit | None = None
    max_values: int = 1_000_000_000


def pick(
    path: Path, count: int, asked: int | Literal["middle"] | None, what: str
) -> tuple[int, ...]:
    """Return the indices of what is asked for, out of `count` slices or frames.

    Raises:
        InputError: there is no such one.
    """
    if asked is None:
        return tuple(range(count))
    index = count // 2 if asked == "middle" else asked
    if not 0 <= index < count:
        there = f"0 to {count - 1}" if count > 1 else "0 only"
        raise error_at(path, f"has no {what} {index}; wanted {there}")
    return (index,)


def pick_both(
    path: Path, slices: int, frames: int, wanted: Wanted
) -> tuple[tuple[int, ...], tuple[int, ...]]:  # fmt: skip
    """Return the indices of the slices and of the frames that are wanted: one of either at least.

    Raises:
        InputError: there is no such one; several of both, and neither was chosen.
    """
    if slices > 1 and frames > 1 and wanted.slice is None and wanted.frame is None:
        raise error_at(
            path, f"has {slices} slices and {frames} frames; choose one slice (--slice 0 to "
            f"{slices - 1}) or one frame (--frame 0 to {frames - 1})",
        )  # fmt: skip
    return pick(path, slices, wanted.slice, "slice"), pick(path, frames, wanted.frame, "frame")


def check_values(path: Path, shape: Sequence[int], wanted: Wanted, *, itemsize: int = 8) -> None:
    """Refuse more values than are allowed, or than there is memory for, before they are read.

    Raises:
        InputError: that is so; or there are none.
    """
    count = 1
    for side in shape:  # of any size: the numbers of a file are not trusted
        count *= int(side)
    size = " x ".join(str(int(side)) for side in shape)
    if count <= 0:
        raise error_at(path, f"the scan is empty ({size}); wanted some values")
    if count > wanted.max_values:
        raise error_at(
            path, f"{size} is more than the {wanted.max_values:,} values allowed; "
            "choose one slice or frame",
        )  # fmt: skip
    check_room(path, _COPIES * itemsize * count, f"a scan of {size}")


def damaged_scan(path: Path, kind: str) -> InputError:
    """Return the error about a file that cannot be read to its end."""
    return error_at(path, f"the {kind} file is damaged or cut short; copy it again from its source")
