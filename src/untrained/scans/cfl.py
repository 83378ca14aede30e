"""BART's .cfl and .hdr: complex numbers, column by column, and a line of up to 16 dimensions.

READ PHS1 PHS2 COIL MAPS TE COEFF COEFF2 ITER CSHIFT TIME TIME2 LEVEL SLICE AVG BATCH.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import error_at
from untrained.reading import open_regular, read_regular
from untrained.scans.grid import to_profile
from untrained.scans.scan import KSpace
from untrained.scans.wanted import Wanted, check_values, damaged_scan, pick_both

__all__ = ["DIMENSIONS", "cfl_pair", "mapped_cfl", "read_cfl"]

DIMENSIONS = (
    "READ", "PHS1", "PHS2", "COIL", "MAPS", "TE", "COEFF", "COEFF2", "ITER", "CSHIFT", "TIME",
    "TIME2", "LEVEL", "SLICE", "AVG", "BATCH",
)  # fmt: skip
_FRAMES = (10, 11, 5, 15)  # TIME, TIME2, TE, BATCH
_MOST_HEADER = 100_000
_BYTES = 8


def cfl_pair(path: Path) -> tuple[Path, Path]:
    """Return the files of the numbers and of the dimensions, of which either was named."""
    return path.with_suffix(".cfl"), path.with_suffix(".hdr")


def mapped_cfl(path: Path) -> NDArray[np.complex64]:
    """Return the array of a .cfl file in all its dimensions, at least 16; nothing is read yet.

    Raises:
        InputError: one of the two files is missing, or they do not belong together.
    """
    numbers, header = cfl_pair(path)
    text = read_regular(header, most=_MOST_HEADER, wanted="the .hdr beside the .cfl")
    lines = [line.strip() for line in text.decode(errors="replace").splitlines()]
    try:
        after = next(i for i, line in enumerate(lines) if line.startswith("# Dimensions"))
        dimensions = [int(word) for word in lines[after + 1].split()]
    except (StopIteration, IndexError, ValueError):
        raise damaged_scan(header, ".hdr") from None
    if not dimensions or min(dimensions) < 1 or len(dimensions) > 32:
        raise error_at(header, f"the dimensions are {dimensions}; wanted up to 16, each 1 or more")
    count = 1
    for side in dimensions:
        count *= side
    with open_regular(numbers, wanted="the .cfl beside the .hdr") as file:
        size = os.fstat(file.fileno()).st_size
    if size != _BYTES * count:
        raise error_at(
            numbers, f"has {size:,} bytes, the header says {_BYTES * count:,}; copy both again"
        )
    dimensions += [1] * (len(DIMENSIONS) - len(dimensions))
    return np.memmap(numbers, np.dtype("<c8"), "r", shape=tuple(dimensions), order="F")


def read_cfl(path: Path, wanted: Wanted) -> KSpace:
    """Return the k-space in a .cfl file: the plane that is encoded, coils, slices or frames.

    Where READ, PHS1 and PHS2 are all encoded it is a volume: each position along READ is a slice,
    of PHS1 and PHS2. Averages are averaged.

    Raises:
        InputError: as `mapped_cfl`; sets of maps or coefficients, which are no k-space; several
            slices and several frames, and neither chosen.
    """
    array = mapped_cfl(path)
    plane, volume, frames = _layout(path, array.shape)
    slices = array.shape[0] if volume else array.shape[13]
    count = array.shape[frames]
    of_slices, of_frames = pick_both(path, slices, count, wanted)
    averages = array.shape[14]
    index: list[Any] = [0] * array.ndim
    index[frames] = slice(of_frames[0], of_frames[-1] + 1)
    index[0] = slice(None) if volume else 0
    if not volume:
        index[13] = slice(of_slices[0], of_slices[-1] + 1)
    for axis in (*plane, 3, 14):
        index[axis] = slice(None)
    size = tuple(array.shape[axis] for axis in plane)
    read = (array.shape[0] if volume else len(of_slices), len(of_frames), averages, array.shape[3])
    check_values(path, (*read, *size), wanted)
    part = array[tuple(index)]
    # What is left of the dimensions, brought to (slices, frames, averages, coils, down, across).
    left = [axis for axis in range(array.ndim) if isinstance(index[axis], slice)]
    order = (0 if volume else 13, frames, 14, 3, *plane)
    part = part.transpose([left.index(axis) for axis in order])
    notes: tuple[str, ...] = ()
    if volume:
        part = to_profile(part, axis=0)[list(of_slices)]
        notes = ("of a volume: each position along READ is a slice, PHS1 x PHS2",)
    if array.shape[0] == 1:
        notes += (
            "READ is 1: taken for a grid of PHS1 x PHS2; spokes need their trajectory "
            "(--trajectory)",
        )
    if averages > 1:
        times = np.count_nonzero(part, axis=2, keepdims=True)
        part = part.sum(axis=2, keepdims=True) / np.maximum(times, 1)
        notes += (f"{averages} averages are averaged",)
    samples = np.array(part[:, :, 0], np.complex64, order="C")
    samples = samples.reshape(-1, *samples.shape[2:])
    axis_name: Literal["slice", "frame", "echo"] = "slice"
    if len(of_frames) > 1:
        axis_name = "echo" if frames == 5 else "frame"
    return KSpace(
        samples=samples, axis=axis_name,
        indices=of_frames if len(of_frames) > 1 else of_slices,
        in_file={"slices": slices, "frames": count, "coils": array.shape[3]},
        source=str(path), notes=notes,
    )  # fmt: skip


def _layout(path: Path, shape: tuple[int, ...]) -> tuple[tuple[int, int], bool, int]:
    """Return the two encoded dimensions, down and across, whether it is a volume, and the frames'.

    Raises:
        InputError: dimensions that k-space has not, or frames along several.
    """
    used = {i for i, side in enumerate(shape) if side > 1}
    other = used - {0, 1, 2, 3, 13, 14, *_FRAMES}
    if other:
        names = ", ".join(DIMENSIONS[i] if i < len(DIMENSIONS) else str(i) for i in sorted(other))
        raise error_at(path, f"has a dimension of {names}; wanted k-space of coils, slices, frames")
    series = [i for i in _FRAMES if i in used]
    if len(series) > 1:
        names = " and ".join(DIMENSIONS[i] for i in series)
        raise error_at(path, f"has frames along {names}; write one of them to a file")
    frames = series[0] if series else _FRAMES[0]
    encoded = [axis for axis in (0, 1, 2) if axis in used]
    if len(encoded) == 3:
        if 13 in used:
            raise error_at(path, "has slices of volumes; write one volume to a file")
        return (1, 2), True, frames
    if len(encoded) != 2:
        raise error_at(path, "is not of two dimensions of READ, PHS1 and PHS2; wanted k-space")
    return (encoded[0], encoded[1]), False, frames
