"""Acquisitions off the grid: spokes, arms, with their trajectory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import error_at
from untrained.scans.header import Header

__all__ = ["NEAR", "place_spokes"]

NEAR = 0.55
"""Of a trajectory in cycles per pixel |k| is at most 0.5."""


def place_spokes(
    path: Path, acquired: Iterable[tuple[NDArray[np.complex64], NDArray[np.float32]]],
    heads: NDArray[Any], place: NDArray[np.intp], count: int, header: Header,
) -> tuple[NDArray[np.complex64], NDArray[np.float32], tuple[str, ...]]:  # fmt: skip
    """Return samples (n, coils, spokes, samples), their places (n, spokes, samples, 2), and notes.

    Places are in cycles per field of view. What ISMRMRD leaves open is known by their range: where
    none is beyond a half, they are in cycles per pixel.

    Raises:
        InputError: no trajectory, three dimensions, slices or frames of different lengths.
    """
    per_place = np.bincount(place, minlength=count)
    lengths = np.unique(heads["number_of_samples"])
    if len(lengths) > 1 or len(np.unique(per_place)) > 1:
        raise error_at(
            path, f"spokes of {list(map(int, lengths))} samples, {per_place.min()} to "
            f"{per_place.max()} in a slice or frame; wanted the same everywhere: choose one",
        )  # fmt: skip
    shape = (count, int(per_place[0]), int(lengths[0]))
    coils = int(heads["active_channels"][0])
    samples = np.zeros((shape[0], coils, *shape[1:]), np.complex64)
    places = np.zeros((*shape, 2), np.float32)
    found = np.zeros(count, np.intp)
    for (values, track), head, at in zip(acquired, heads, place, strict=True):
        axes = int(head["trajectory_dimensions"])
        if axes < 2 or track.size != axes * shape[2]:
            raise error_at(path, f"is {header.trajectory}, but has no trajectory of its samples")
        track = track.reshape(shape[2], axes)
        if axes > 2 and np.abs(track[:, 2]).max() > 1e-6 and header.encoded[2] > 1:
            raise error_at(path, "is a volume off the grid; wanted slices of two dimensions")
        samples[at, :, found[at]] = values
        places[at, found[at]] = track[:, :2]
        found[at] += 1
    if not np.isfinite(places).all():
        raise error_at(path, "some places of the trajectory are no finite numbers")
    farthest = float(np.abs(places).max())
    unit = "cycles per field of view"
    if farthest <= NEAR:
        places *= np.asarray(header.shown[:2], np.float32)
        unit = "cycles per pixel"
    return samples, places, (f"the trajectory, up to {farthest:.3g}, is taken for {unit}",)
