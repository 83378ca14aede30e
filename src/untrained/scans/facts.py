"""What a scan is, in numbers: sizes, sampling, noise, angles, the rotation centre, oddities."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.calibration import calibration_region, noise_covariance, noise_from_kspace
from untrained.errors import InputError
from untrained.scans.grid import to_kspace
from untrained.scans.look import centre_of, line_integrals
from untrained.scans.scan import KSpace, Measurements, Scan, Sinogram

__all__ = ["Facts", "facts_of"]

Facts = dict[str, Any]
"""By name; values are numbers, texts, lists of them: what JSON can hold."""

_MIDDLE = 8  # k-space has most of its energy in the middle eighth of either side
_UNEVEN = 3.0  # times the quietest coil's noise
_TOO_STRONG = 1.5  # times the outermost samples
_CLIPPED = 0.001  # of all values, at the largest: a detector that has saturated


def facts_of(scan: Scan, index: int = 0) -> tuple[Facts, tuple[str, ...]]:
    """Return what can be told of a scan before a fit, and what is odd about it, a sentence each.

    Args:
        scan: what was read.
        index: of the slice or frame that noise, centre and values are measured in.
    """
    if isinstance(scan, KSpace):
        return _of_kspace(scan, index)
    if isinstance(scan, Sinogram):
        return _of_sinogram(scan, index)
    return _of_measurements(scan)


def _of_kspace(scan: KSpace, index: int) -> tuple[Facts, tuple[str, ...]]:
    n, coils, height, width = scan.samples.shape
    samples = scan.samples[index]
    facts: Facts = {
        "kind": "k-space", "size": [height, width], "coils": coils, f"{scan.axis}s read": n,
        "in the file": dict(scan.in_file), "spacing mm": _listed(scan.spacing),
        "thickness mm": scan.thickness, "shown": _listed(scan.crop), "units": scan.units or None,
        "coil maps": scan.maps is not None, "truth": scan.truth is not None,
    }  # fmt: skip
    odd: list[str] = []
    if scan.trajectory is None:
        facts["sampling"] = _sampling(scan, index)
        odd += _oddities(samples)
    else:
        reach = [float(np.abs(scan.trajectory[..., i]).max()) for i in (0, 1)]
        facts["sampling"] = {
            "pattern": "off the grid", "spokes": height, "samples of each": width,
            "farthest in cycles per field of view": reach,
        }  # fmt: skip
    facts["noise"], more = _noise(scan, index)
    facts["values"] = {
        "largest": float(np.abs(samples).max()),
        "root mean square of each coil": [
            float(v) for v in np.sqrt(np.square(np.abs(samples)).mean(axis=(1, 2)))
        ],
    }
    silent = [i for i, coil in enumerate(samples) if not coil.any()]
    if silent:
        odd.append(f"coils {', '.join(map(str, silent))} are silent: all of their samples are 0")
    return facts, (*odd, *more)


def _sampling(scan: KSpace, index: int) -> Facts:
    sampled = scan.sampled[index]
    height, width = sampled.shape
    count = int(np.count_nonzero(sampled))
    found: Facts = {"measured": count, "of": sampled.size, "acceleration": sampled.size / count}
    columns, rows = sampled.any(axis=0), sampled.any(axis=1)
    box = sampled[rows][:, columns]
    if count == sampled.size:
        found["pattern"] = "everything"
    elif box.all() and rows.all():
        found |= {"pattern": "whole columns", "lines": int(columns.sum()), "of lines": width}
        found["spacing of lines"] = _gaps(columns)
    elif box.all() and columns.all():
        found |= {"pattern": "whole rows", "lines": int(rows.sum()), "of lines": height}
        found["spacing of lines"] = _gaps(rows)
    elif box.all():
        found["pattern"] = f"a block of {rows.sum()}x{columns.sum()}"
    else:
        found["pattern"] = "points"
    if len(scan.samples) > 1 and scan.sampled.ndim == 3:
        found["the same in all"] = bool((scan.sampled == scan.sampled[:1]).all())
    try:
        middle = calibration_region(torch.from_numpy(sampled.astype(np.float32)), (height, width))
        found["calibration"] = list(middle.size)
    except InputError:
        found["calibration"] = None
    return found


def _gaps(lines: NDArray[np.bool_]) -> list[int]:
    """Return how far measured lines are apart, least and most."""
    apart = np.diff(np.flatnonzero(lines))
    return [int(apart.min()), int(apart.max())] if len(apart) else []


def _noise(scan: KSpace, index: int) -> tuple[Facts | None, list[str]]:
    """Return the noise of each coil, of a prescan where there is one, and what is odd about it."""
    odd: list[str] = []
    outer = None
    try:
        if scan.trajectory is None:
            mask = torch.from_numpy(scan.sampled[index].astype(np.float32))
            outer = noise_from_kspace(torch.from_numpy(scan.samples[index]), mask)
        prescan = None if scan.noise is None else noise_covariance(torch.from_numpy(scan.noise))
    except InputError as error:
        return None, [f"noise could not be measured: {error}"]
    psi = outer if prescan is None else prescan
    if psi is None:
        return None, []
    variance = psi.diagonal().real.numpy()
    alive = variance > 0
    if not alive.any():
        return None, ["the outermost samples are all 0: noise could not be measured"]
    between = psi[alive][:, alive].abs().numpy() / np.sqrt(
        np.outer(variance[alive], variance[alive])
    )
    np.fill_diagonal(between, 0)
    levels = np.sqrt(variance / 2)  # of the real part, as of the imaginary one
    spread = float(levels[alive].max() / levels[alive].min())
    if spread > _UNEVEN:
        odd.append(f"the noise of coils differs {spread:.1f} times")
    if prescan is not None and outer is not None:
        ratio = float(prescan.diagonal().real.sum() / outer.diagonal().real.sum()) ** 0.5
        if ratio > _TOO_STRONG:  # what is outermost holds the noise, and perhaps more
            odd.append(
                f"the noise prescan is {ratio:.1f} times as strong as the outermost samples: it "
                "has another scale than the scan"
            )
    return {
        "from": "outermost samples" if prescan is None else "prescan",
        "sigma of each coil": [float(v) for v in levels],
        "spread": spread, "largest correlation": float(between.max()),
    }, odd  # fmt: skip


def _oddities(samples: NDArray[np.complex64]) -> list[str]:
    """Return what speaks against samples being centred k-space."""
    energy = np.square(np.abs(samples)).sum(axis=0, dtype=np.float64)
    height, width = energy.shape
    row, column = np.unravel_index(int(energy.argmax()), energy.shape)
    if _in_middle(energy) < 0.1:
        other = np.square(np.abs(to_kspace(samples))).sum(axis=0, dtype=np.float64)
        corners = np.fft.fftshift(energy)
        if _in_middle(other) > 0.5 and _in_middle(corners) < 0.5:
            return ["these look like images and not like k-space (--kind images)"]
        if _in_middle(corners) > 0.3:
            return ["k-space has its middle in the corners; shift it (fftshift) before"]
    off = max(abs(int(row) - height // 2), abs(int(column) - width // 2))
    if off > 0.05 * max(height, width):
        return [
            f"the strongest sample is at {row}, {column}, not near the middle "
            f"{height // 2}, {width // 2}"
        ]
    return []


def _in_middle(energy: NDArray[np.float64]) -> float:
    """Return which share of the energy lies in the middle eighth of either side."""
    height, width = energy.shape
    down, across = max(1, height // (2 * _MIDDLE)), max(1, width // (2 * _MIDDLE))
    part = energy[
        height // 2 - down : height // 2 + down + 1, width // 2 - across : width // 2 + across + 1
    ]
    return float(part.sum() / energy.sum())


def _of_sinogram(scan: Sinogram, index: int) -> tuple[Facts, tuple[str, ...]]:
    slices, views, detectors = scan.values.shape
    values = scan.values[index]
    finite = values[np.isfinite(values)]
    facts: Facts = {
        "kind": "sinogram", "views": views, "detectors": detectors, "slices read": slices,
        "in the file": dict(scan.in_file),
        "values are": "counts" if scan.counts else "line integrals",
        "units": scan.units or None, "pixel mm": scan.pixel, "geometry": scan.geometry,
        "flat fields": 0 if scan.flat is None else len(scan.flat),
        "dark fields": 0 if scan.dark is None else len(scan.dark),
        "photons": scan.photons,
        "values": {"least": float(finite.min()), "largest": float(finite.max())},
    }  # fmt: skip
    if scan.geometry == "fan":
        facts["distances mm"] = [scan.source_distance, scan.detector_distance]
        facts["detector"] = "an arc" if scan.curved else "flat"
    odd: list[str] = []
    facts["angles"], more = _angles(scan.angles)
    odd += more
    if scan.counts:
        zeros = int(np.count_nonzero(finite <= 0))
        if zeros:
            odd.append(f"{zeros:,} counts are 0 or less: they count as not measured")
        top = int(np.count_nonzero(finite == finite.max()))
        if top > _CLIPPED * finite.size:
            odd.append(f"{top:,} counts are the largest, {finite.max():g}: a saturated detector?")
    try:
        rows, told = line_integrals(scan, index)
    except InputError as error:
        return facts, (*odd, f"no line integrals: {error}")
    odd += told
    centre, how = centre_of(scan, rows)
    facts["centre"] = {"pixel": centre, "how": how, "middle": (detectors - 1) / 2}
    known = rows[np.isfinite(rows)]
    facts["line integrals"] = {"least": float(known.min()), "largest": float(known.max())}
    ends = max(1, detectors // 50)
    edges = np.concatenate([rows[:, :ends], rows[:, -ends:]], axis=1)
    if np.isfinite(edges).any() and np.nanmedian(edges) > 0.1 * np.nanmax(rows):
        odd.append("the ends of the detector see the object: it is wider than what is seen of it")
    return facts, tuple(odd)


def _angles(angles: NDArray[np.float64] | None) -> tuple[Facts | None, list[str]]:
    if angles is None:
        return None, []
    degrees = np.rad2deg(angles)
    span = float(np.ptp(degrees))
    found: Facts = {
        "first degrees": float(degrees[0]), "last degrees": float(degrees[-1]),
        "span degrees": span,
    }  # fmt: skip
    odd: list[str] = []
    steps = np.diff(degrees)
    if len(steps):
        found["step degrees"] = [float(steps.min()), float(steps.max())]
    directions = np.sort(np.mod(degrees, 360))
    gaps = np.diff(directions, append=directions[0] + 360)
    again = int(np.count_nonzero(gaps < 1e-3 * max(float(np.median(gaps)), 1e-3)))
    if again and len(angles) > 1:
        odd.append(f"{again} views look in the direction of another one, such as 0 and 360 degrees")
    if len(angles) > 4:
        half = np.sort(np.mod(degrees, 180))
        widest = float(np.diff(half, append=half[0] + 180).max())
        found["widest gap degrees"] = widest
        if widest > 10 and widest > 5 * 180 / len(angles):
            odd.append(f"no view looks into a wedge of {widest:.0f} degrees")
    return found, odd


def _of_measurements(scan: Measurements) -> tuple[Facts, tuple[str, ...]]:
    values = scan.values[np.isfinite(scan.values)]
    facts: Facts = {
        "kind": "measurements", "count": len(scan.values), "size": _listed(scan.size),
        "matrix": _listed(None if scan.matrix is None else scan.matrix.shape),
        "values": {
            "least": float(values.min()), "largest": float(values.max()),
            "root mean square": float(np.sqrt(np.square(values, dtype=np.float64).mean())),
        },
    }  # fmt: skip
    if scan.size is not None:
        facts["share"] = len(scan.values) / (scan.size[0] * scan.size[1])
    lost = len(scan.values) - len(values)
    return facts, (f"{lost} of them are NaN or infinite: missing",) if lost else ()


def _listed(values: Any) -> list[Any] | None:
    return None if values is None else list(values)
