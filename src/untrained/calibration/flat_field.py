"""Counts of photons to -log of the transmission, and what a detector has not measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["Sinogram", "correct_flat_field", "find_missing"]

Array = NDArray[Any]

_DEAD = 0.1  # of the median flat: what a working pixel gets at least
_OUTLYING = 8.0  # robust standard deviations: a column that is no neighbour of its neighbours
_STRAY = (
    1.0  # of the sinogram's range, at least: by what a beam's failure or a stray photon differs
)
_JUMP = 0.05
_COMMON = 0.5  # of the views: what stands out in more of them is a wire, and no stray photon


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sinogram:
    """-log of the transmission, and where it was measured.

    Attributes:
        values: (views, detectors), float64; 0 where nothing was measured.
        known: (views, detectors), true = measured.
        notes: what was left out, one sentence each.
    """

    values: Array
    known: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def correct_flat_field(
    counts: Array, flat: Array, dark: Array | None = None, *, air: int = 0
) -> Sinogram:
    """Return p = -log((I - D) / (W - D)), with what cannot be known as missing.

    Missing are counts at or below the dark ones, which let no photon through (or none was counted:
    the logarithm of the rest would be biased only a little, that of 0 is infinite), NaN, and
    detector pixels whose flat is below a tenth of the median one.

    Args:
        counts: I, (views, detectors), any unit.
        flat: W, the counts without object, (detectors,) or several, (n, detectors), averaged.
        dark: D, the counts without beam, likewise; None = 0.
        air: so many detector pixels at either end saw nothing but air: each view is divided by
            what they say of its beam, which may drift; 0 = the beam was constant.

    Raises:
        InputError: shapes that do not go together; no pixel with light.
    """
    counts = np.asarray(counts, dtype=np.float64)
    _, detectors = _two_axes("counts", counts)
    white = _mean("flat", flat, detectors)
    black = np.zeros(detectors) if dark is None else _mean("dark", dark, detectors)
    beam = white - black
    lit = np.isfinite(beam) & (beam > 0)
    if not lit.any():
        raise InputError(
            "flat is nowhere above dark; wanted the counts without object, and those without beam"
        )
    lit &= beam > _DEAD * np.median(beam[lit])
    signal = counts - black
    known = lit & np.isfinite(signal) & (signal > 0)
    transmission = np.where(known, signal, 1) / np.where(lit, beam, 1)
    values = np.where(known, -np.log(transmission), 0)
    notes = []
    if not lit.all():
        notes.append(f"{(~lit).sum()} detector pixels get no light in the flat field: missing")
    dark_counts = int((lit & np.isfinite(signal) & (signal <= 0)).sum())
    if dark_counts:
        notes.append(f"{dark_counts} counts are not above the dark ones: missing")
    if air:
        if not 0 < air <= detectors // 4:
            raise InputError(f"air is {air}; wanted 1 to {detectors // 4} detector pixels an end")
        ends = np.r_[:air, detectors - air : detectors]
        at_ends = known[:, ends]
        level = (values * known)[:, ends].sum(1) / np.maximum(at_ends.sum(1), 1)
        values = np.where(known, values - level[:, None], 0)
        notes.append(f"each view is divided by what {air} pixels at either end say of its beam")
    return Sinogram(values=values, known=known, notes=tuple(notes))


def find_missing(sinogram: Array, known: Array | None = None) -> Sinogram:
    """Return a sinogram with its dead views and detector pixels, and stray values, as missing.

    A detector pixel is dead where it says the same in every view and its neighbours do not, or
    where it stands out of them by eight times what other pixels do; a view where all of it has one
    value, or where its mean jumps from that of the views beside it and back, as of a failing beam.
    A single value is stray (a cosmic ray, a scattered X-ray) where it differs from those beside it
    by more than the sinogram's whole range.

    Args:
        sinogram: (views, detectors); NaN and infinite values are missing.
        known: (views, detectors), true = measured; None = everywhere.

    Raises:
        InputError: not (views, detectors); one value everywhere.
    """
    values = np.asarray(sinogram, dtype=np.float64)
    views, _ = _two_axes("the sinogram", values)
    there = np.isfinite(values)
    notes = [] if there.all() else [f"{(~there).sum()} values are NaN or infinite: missing"]
    if known is not None:
        there &= np.asarray(known, dtype=bool)
    values = np.where(there, values, 0)
    if not there.any() or np.ptp(values[there]) == 0:
        what = "0" if not there.any() or not values.any() else f"{values[there][0]:g}"
        raise InputError(f"the sinogram is {what} everywhere; wanted projections of something")
    if views > 1:
        dead_views = (_spread(values, there, 1) == 0) & there.any(1)
        if 0 < dead_views.sum() < views:
            notes.append(f"{dead_views.sum()} views have one value throughout: missing")
            there &= ~dead_views[:, None]
    stray = _stray_values(values, there)
    if stray.any():
        notes.append(f"{stray.sum()} single values are far beyond all others: missing")
        there &= ~stray
    jumping = _jumping_views(values, there)
    if jumping.any():
        notes.append(
            f"{jumping.sum()} views are brighter or darker than those beside them: missing"
        )
        there &= ~jumping[:, None]
    dead = _dead_columns(values, there)
    if dead.any():
        notes.append(f"{dead.sum()} detector pixels are dead or stand out: missing")
        there &= ~dead
    return Sinogram(values=np.where(there, values, 0), known=there, notes=tuple(notes))


def _dead_columns(values: Array, there: Array) -> NDArray[np.bool_]:
    """Return (detectors,), true for pixels that are measured and dead."""
    views, detectors = values.shape
    used = there.sum(0) >= max(2, views // 2)
    dead = np.zeros(detectors, dtype=bool)
    if views < 4 or used.sum() < 16:
        return dead
    spread = _spread(values, there, 0)
    level = (values * there).sum(0) / np.maximum(there.sum(0), 1)
    still = used & (spread == 0)
    alive = used & ~still
    inner = np.flatnonzero(alive)
    if inner.size:  # air beside the object says the same in every view too
        between = np.arange(detectors)
        dead |= still & (between > inner[0]) & (between < inner[-1])
    # what a pixel differs from the median of its four neighbours, view by view
    known = there & ~dead
    by_view = np.abs(values - _beside(np.where(known, values, np.nan), 2, axis=1))
    usable = np.isfinite(by_view) & there
    differs = np.where(usable, by_view, 0).sum(0) / np.maximum(usable.sum(0), 1)
    # a wire that passes by differs as much, but in few of the views
    often = ((by_view > differs / 2) & usable).sum(0) > _COMMON * usable.sum(0)
    kept = alive & ~dead
    usual = float(np.median(differs[kept])) if kept.any() else 0.0
    wide = float(np.median(np.abs(differs[kept] - usual))) * 1.4826 if kept.any() else 0.0
    smooth = float(np.ptp(level[kept])) if kept.any() else 0.0
    limit = usual + _OUTLYING * wide + 0.02 * smooth
    differs[[0, 1, -2, -1]] = 0  # these have neighbours on one side only
    found: NDArray[np.bool_] = dead | (kept & often & (differs > limit))
    return found


def _stray_values(values: Array, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (views, detectors), true for single values that nothing in the object can be."""
    views, detectors = values.shape
    none = np.zeros_like(there)
    if detectors < 16:
        return none
    differs = np.abs(values - _beside(np.where(there, values, np.nan), 3, axis=1))
    differs = np.where(np.isfinite(differs) & there, differs, 0)
    low, high = np.quantile(values[there], [0.01, 0.99])
    found = differs > max(_OUTLYING * 1.4826 * np.median(differs[there]), _STRAY * (high - low))
    return none if found.any(1).sum() > _COMMON * views else found


def _jumping_views(values: Array, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (views,), true where a view's mean leaves that of its neighbours; not at the ends."""
    views, _ = values.shape
    known = np.where(there, values, np.nan)
    if views < 8:
        return np.zeros(views, dtype=bool)
    differs = known - _beside(known, 4, axis=0)
    usable = np.isfinite(differs)
    jump = np.where(usable, differs, 0).sum(1) / np.maximum(usable.sum(1), 1)
    jump -= np.median(jump)
    usual = 1.4826 * float(np.median(np.abs(jump)))
    low, high = np.quantile(values[there], [0.01, 0.99])
    found: NDArray[np.bool_] = np.abs(jump) > max(_OUTLYING * usual, _JUMP * (high - low))
    found[[0, 1, -2, -1]] = False
    return found


def _beside(values: Array, reach: int, *, axis: int) -> Array:
    """Return the medians of so many values on either side along an axis, NaN if there are none."""
    pad = [(0, 0), (0, 0)]
    pad[axis] = (reach, reach)
    padded = np.pad(values, pad, mode="reflect")
    count = values.shape[axis]
    shifts = (i for i in range(2 * reach + 1) if i != reach)
    parts = np.stack([np.take(padded, range(i, i + count), axis=axis) for i in shifts])
    some = np.isfinite(parts).any(0)
    middle = np.full_like(values, np.nan)
    middle[some] = np.nanmedian(parts[:, some], axis=0)
    return middle


def _spread(values: Array, there: Array, axis: int) -> Array:
    """Return largest less least known value along an axis."""
    high = np.where(there, values, -np.inf).max(axis)
    low = np.where(there, values, np.inf).min(axis)
    spread: Array = np.where(there.any(axis), high - low, 0)
    return spread


def _two_axes(name: str, values: Array) -> tuple[int, int]:
    if values.ndim != 2 or 0 in values.shape:
        raise InputError(f"{name} is of shape {values.shape}; wanted (views, detectors)")
    return values.shape[0], values.shape[1]


def _mean(name: str, values: Array, detectors: int) -> Array:
    """Return the mean over frames, (detectors,)."""
    frames = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if frames.ndim != 2 or frames.shape[1] != detectors:
        raise InputError(
            f"{name} is of shape {np.shape(values)}; wanted ({detectors},) or (n, {detectors}), "
            "as wide as the counts"
        )
    mean: Array = frames.mean(0)
    return mean
