"""Cartesian lines onto the grid of k-space, each where its header says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import error_at
from untrained.scans.header import Header, Limits

__all__ = ["Grid", "grid_of", "place_lines"]

_REVERSED = 22


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """The grid of k-space that a header says.

    Attributes:
        readout: samples of a whole line as it was received.
        kept: samples of it without oversampling.
        lines: of kspace_encode_step_1.
        partitions: of kspace_encode_step_2; 1 = slices, not a volume.
        spacing: of the image's voxels along readout, lines and partitions in mm; 0 = not said.
        crop: of readout and lines, what the scanner shows.
    """

    readout: int
    kept: int
    lines: int
    partitions: int
    spacing: tuple[float, float, float]
    crop: tuple[int, int]


def grid_of(header: Header) -> Grid:
    """Return the grid of a header: what oversampling is, the two fields of view tell."""
    (readout, lines, partitions), (wide, high, deep) = header.encoded, header.encoded_mm
    kept = readout
    if 0 < header.shown_mm[0] < wide:
        kept = max(1, round(readout * header.shown_mm[0] / wide))
    shown = lines
    if 0 < header.shown_mm[1] < high:
        shown = max(1, round(lines * header.shown_mm[1] / high))
    return Grid(
        readout=readout, kept=kept, lines=lines, partitions=partitions,
        spacing=(wide / readout, high / lines, deep / partitions), crop=(kept, shown),
    )  # fmt: skip


def place_lines(
    path: Path, acquired: Iterable[NDArray[np.complex64]], heads: NDArray[Any],
    place: NDArray[np.intp], count: int, header: Header, positions: tuple[int, ...],
) -> tuple[NDArray[np.complex64], NDArray[np.bool_], tuple[str, ...]]:  # fmt: skip
    """Return the k-space, which of it was measured, and notes.

    A line of n samples, of which number c is the middle of k-space, lies from readout // 2 - c on:
    what a partial echo left out is before it. Of a reversed line, in the order of time, the middle
    is n - c after it was turned around. Lines of the same place are averaged.

    Args:
        path: the file, for messages.
        acquired: the samples of each acquisition, (coils, n).
        heads: its header.
        place: where it goes along the first axis.
        count: length of the first axis.
        header: of the file.
        positions: of a volume, along its readout; each of them becomes a slice.

    Returns:
        (count, coils, readout, lines) and (count, readout, lines); of a volume
        (count · positions, coils, lines, partitions).

    Raises:
        InputError: a line that lies outside of the grid, or is longer than it.
    """
    grid = grid_of(header)
    rows = _rows(path, heads["idx"]["kspace_encode_step_1"], header.lines, grid.lines, "line")
    layers = _rows(
        path, heads["idx"]["kspace_encode_step_2"], header.partitions, grid.partitions, "partition"
    )
    coils, volume = int(heads["active_channels"][0]), grid.partitions > 1
    shape = (grid.lines, grid.partitions) if volume else (grid.kept, grid.lines)
    samples = np.zeros((count * max(1, len(positions)), coils, *shape), np.complex64)
    times = np.zeros((len(samples), *shape), np.uint16)
    notes: tuple[str, ...] = ()
    shortest = grid.readout
    for line, head, at, row, layer in zip(acquired, heads, place, rows, layers, strict=True):
        line, centre = _in_order(path, line, head)
        if line.shape[1] > grid.readout:
            raise error_at(
                path, f"a line of {line.shape[1]} samples in a matrix of {grid.readout}; the "
                "header does not belong to these lines",
            )  # fmt: skip
        first = grid.readout // 2 - centre
        cut = max(0, -first), min(line.shape[1], grid.readout - first)
        if cut[1] - cut[0] < 1:
            raise error_at(path, f"a line whose middle is sample {centre} lies outside the matrix")
        shortest = min(shortest, cut[1] - cut[0])
        whole = np.zeros((coils, grid.readout), np.complex64)
        whole[:, first + cut[0] : first + cut[1]] = line[:, cut[0] : cut[1]]
        kept = _without_oversampling(whole, grid.kept, transform=not volume)
        if volume:
            where = slice(at * len(positions), (at + 1) * len(positions))
            samples[where, :, row, layer] += kept[:, list(positions)].T
            times[where, row, layer] += 1
        else:
            inside = _measured(first + cut[0], first + cut[1], grid)
            samples[at, :, inside, row] += kept[:, inside]
            times[at, inside, row] += 1
    if shortest < grid.readout:
        notes += (f"partial echo: {shortest} of {grid.readout} samples of a line were received",)
    most = int(times.max())
    if most > 1:
        samples /= np.maximum(times, 1)[:, None]
        notes += (f"lines that were measured up to {most} times are averaged",)
    return samples, times > 0, notes


def _in_order(
    path: Path, line: NDArray[np.complex64], head: Any
) -> tuple[NDArray[np.complex64], int]:
    """Return a line from left to right without what is to be discarded, and its middle."""
    before, after = int(head["discard_pre"]), int(head["discard_post"])
    if before + after >= line.shape[1]:
        raise error_at(path, f"{before} + {after} of {line.shape[1]} samples are to be discarded")
    line = line[:, before : line.shape[1] - after]
    centre = int(head["center_sample"]) - before
    if int(head["flags"]) >> (_REVERSED - 1) & 1:
        line, centre = line[:, ::-1], line.shape[1] - centre
    return line, centre


def _rows(
    path: Path, steps: NDArray[Any], limits: Limits | None, size: int, name: str
) -> NDArray[np.intp]:
    """Return where the steps lie: that of the middle at size // 2."""
    centre = size // 2 if limits is None else limits.centre
    rows = steps.astype(np.intp) - centre + size // 2
    if size == 1 and not rows.any():
        return rows
    if rows.min() < 0 or rows.max() >= size:
        raise error_at(
            path, f"{name}s from {steps.min()} to {steps.max()} around {centre} do not fit into a "
            f"matrix of {size}; the header does not belong to these lines",
        )  # fmt: skip
    return rows


def _without_oversampling(
    line: NDArray[np.complex64], kept: int, *, transform: bool
) -> NDArray[np.complex64]:
    """Return a line's central field of view: its k-space, or the profile itself."""
    size = line.shape[1]
    if kept == size and transform:
        return line
    profile = np.fft.ifft(np.fft.ifftshift(line, axes=1), axis=1, norm="ortho")
    start = size // 2 - kept // 2
    profile = np.fft.fftshift(profile, axes=1)[:, start : start + kept]
    if transform:
        profile = np.fft.fft(np.fft.ifftshift(profile, axes=1), axis=1, norm="ortho")
        profile = np.fft.fftshift(profile, axes=1)
    return profile.astype(np.complex64)


def _measured(first: int, end: int, grid: Grid) -> slice:
    """Return which samples without oversampling lie between those that were measured."""
    if (first, end) == (0, grid.readout):
        return slice(0, grid.kept)
    factor = grid.kept / grid.readout
    low = grid.kept // 2 + (first - grid.readout // 2) * factor
    high = grid.kept // 2 + (end - 1 - grid.readout // 2) * factor
    return slice(max(0, int(np.ceil(low))), min(grid.kept, int(np.floor(high)) + 1))
