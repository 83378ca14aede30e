"""ISMRMRD (MRD 1), the common format of raw MRI data: acquisitions in HDF5, each with its header.

Inati et al., ISMRM Raw data format: A proposed standard for MRI raw datasets, MRM 77 (2017).
Samples that are no image (noise, dummies, navigators) are left out, readout oversampling is
removed, every line lies where its header says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import error_at
from untrained.memory import check_room
from untrained.scans.hdf5 import dataset, text_of
from untrained.scans.header import Header, read_header
from untrained.scans.lines import Grid, grid_of, place_lines
from untrained.scans.patient import affine_of
from untrained.scans.scan import KSpace
from untrained.scans.spokes import place_spokes
from untrained.scans.wanted import Wanted, check_values, damaged_scan, pick_both

__all__ = ["read_ismrmrd"]

# Bits of the flags, counted from 1.
_NOISE, _CALIBRATION, _CALIBRATION_AND_IMAGE = 19, 20, 21
_NO_IMAGE = {
    23: "navigators", 24: "phase correction lines", 26: "feedback", 27: "dummies",
    28: "feedback", 29: "surface coil correction", 30: "phase stabilisation",
    31: "phase stabilisation",
}  # fmt: skip
_FRAME = ("repetition", "phase", "contrast", "set")
_ON_GRID = ("cartesian", "epi")
_HEAD_BYTES = 800  # of an acquisition's header, twice
_BLOCK = 256  # acquisitions read at a time
_MOST_NOISE = 2**19  # samples of a coil: its covariance is known to a few per mille then


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """The acquisitions that are wanted, and where each goes along the first axis of the scan."""

    rows: NDArray[np.intp]
    place: NDArray[np.intp]
    count: int
    axis: Literal["slice", "frame", "echo"]
    indices: tuple[int, ...]
    positions: tuple[int, ...]
    in_file: dict[str, int]


def read_ismrmrd(path: Path, file: Any, wanted: Wanted) -> KSpace:
    """Return the slices and frames that are wanted of an ISMRMRD file.

    Lines that were measured several times are averaged. Of a volume (3-D) each position along the
    readout is a slice, of lines and partitions.

    Raises:
        InputError: no header, no image in it, lines outside of the matrix that the header says,
            differing numbers of coils; several slices and several frames, and neither chosen.
    """
    stored, found = dataset(path, file, "dataset/data"), dataset(path, file, "dataset/xml")
    if stored is None or found is None:
        raise error_at(path, "has no ISMRMRD header (dataset/xml); write the scan again")
    header = read_header(path, text_of(found[()]))
    check_room(path, _HEAD_BYTES * len(stored), f"the headers of {len(stored):,} acquisitions")
    heads = stored.fields("head")[:]
    image, notes = _image_rows(path, heads, header)
    grid = grid_of(header)
    plan = _plan(path, heads, image, header, wanted)
    chosen = heads[plan.rows]
    coils = np.unique(chosen["active_channels"])
    if len(coils) != 1 or coils[0] < 1:
        raise error_at(path, f"lines of {list(map(int, coils))} coils; wanted the same of all")
    noise, told = _noise(path, stored, heads, float(chosen["sample_time_us"][0]), header)
    if noise is not None and len(noise) != coils[0]:
        told = (f"the noise prescan has {len(noise)} coils and is not used",)
        noise = None
    scan = (_on_grid if header.trajectory in _ON_GRID else _off_grid)(
        path, stored, chosen, plan, header, grid, wanted
    )
    return replace(
        scan, noise=noise, axis=plan.axis, indices=plan.indices,
        in_file={**plan.in_file, "coils": int(coils[0])},
        notes=(*notes, *told, *scan.notes), source=str(path),
    )  # fmt: skip


def _image_rows(
    path: Path, heads: NDArray[Any], header: Header
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return which acquisitions belong to the image, and what of the others is to be told."""
    left_out: Counter[str] = Counter()
    image = ~_has(heads, _NOISE)
    for bit, name in _NO_IMAGE.items():
        of_this = _has(heads, bit) & image
        left_out[name] += int(of_this.sum())
        image &= ~of_this
    if header.calibration in ("separate", "external", "other"):
        of_this = _has(heads, _CALIBRATION) & ~_has(heads, _CALIBRATION_AND_IMAGE) & image
        left_out["lines of a separate calibration"] += int(of_this.sum())
        image &= ~of_this
    other = (heads["encoding_space_ref"] != 0) & image
    left_out["lines of further encodings"] += int(other.sum())
    image &= ~other
    if not image.any():
        raise error_at(path, f"none of {len(heads)} acquisitions is of an image; check the file")
    notes = tuple(f"{count} {name} are left out" for name, count in left_out.items() if count)
    if left_out["phase correction lines"]:
        notes += ("echo-planar lines are not corrected by them: a ghost may remain",)
    return np.flatnonzero(image), notes


def _plan(
    path: Path, heads: NDArray[Any], image: NDArray[np.intp], header: Header, wanted: Wanted
) -> _Plan:
    """Return which acquisitions are read: all slices, or all frames, or one of both."""
    counters = heads["idx"][image]
    stamps = np.stack([counters[name] for name in _FRAME], axis=1)
    frames, frame_of = np.unique(stamps, axis=0, return_inverse=True)
    frame_of = frame_of.reshape(-1)
    slabs, slab_of = np.unique(counters["slice"], return_inverse=True)
    volume = header.encoded[2] > 1
    if volume and (len(slabs) > 1 or header.trajectory not in _ON_GRID):
        raise error_at(path, f"has {len(slabs)} slabs of a volume; wanted slices, or one volume")
    slices = grid_of(header).kept if volume else len(slabs)
    of_slices, of_frames = pick_both(path, slices, len(frames), wanted)
    series = len(of_frames) > 1
    taken = np.isin(frame_of, of_frames)
    if not volume:
        taken &= np.isin(slab_of, of_slices)
    of_axis, indices = (frame_of, of_frames) if series else (slab_of, of_slices)
    place = of_axis[taken] - indices[0]
    only_echoes = len(frames) > 1 and len(np.unique(frames[:, [0, 1, 3]], axis=0)) == 1
    return _Plan(
        rows=image[taken],
        place=np.zeros_like(place) if volume and not series else place,
        count=1 if volume and not series else len(indices),
        axis=("echo" if only_echoes else "frame") if series else "slice",
        indices=indices,
        positions=of_slices if volume else (),
        in_file={"slices": slices, "echoes" if only_echoes else "frames": len(frames)},
    )


def _on_grid(
    path: Path, stored: Any, heads: NDArray[Any], plan: _Plan, header: Header, grid: Grid,
    wanted: Wanted,
) -> KSpace:  # fmt: skip
    volume = bool(plan.positions)
    shape = (grid.lines, grid.partitions) if volume else (grid.kept, grid.lines)
    count = plan.count * max(1, len(plan.positions))
    check_values(path, (count, int(heads["active_channels"][0]), *shape), wanted)
    lines = (values for values, _ in _acquisitions(path, stored, plan.rows))
    samples, mask, notes = place_lines(
        path, lines, heads, plan.place, plan.count, header, plan.positions
    )
    if volume:
        notes += ("of a volume: each position along the readout is a slice, lines x partitions",)
    down, across, through = np.roll(grid.spacing, -1 if volume else 0)
    affine = _affine(heads, plan, grid)
    crop = (grid.crop[1], grid.partitions) if volume else grid.crop
    return KSpace(
        samples=samples,
        mask=mask[0] if (mask == mask[:1]).all() else mask,
        spacing=(float(down), float(across)) if min(down, across) > 0 else None,
        thickness=_apart(heads, plan) or float(through) or None,
        affine=affine,
        crop=None if crop == shape else crop,
        source=str(path),
        notes=notes,
    )


def _off_grid(
    path: Path, stored: Any, heads: NDArray[Any], plan: _Plan, header: Header, grid: Grid,
    wanted: Wanted,
) -> KSpace:  # fmt: skip
    longest = int(heads["number_of_samples"].max())
    check_values(path, (len(heads), int(heads["active_channels"][0]), longest), wanted)
    samples, places, notes = place_spokes(
        path, _acquisitions(path, stored, plan.rows), heads, plan.place, plan.count, header
    )
    return KSpace(
        samples=samples, trajectory=places, crop=header.shown[:2], spacing=header.spacing,
        thickness=header.shown_mm[2] or None, source=str(path), notes=notes,
    )  # fmt: skip


def _affine(heads: NDArray[Any], plan: _Plan, grid: Grid) -> NDArray[np.float64] | None:
    head = heads[int(np.argmin(plan.place))]
    axes = np.stack([head["read_dir"], head["phase_dir"], head["slice_dir"]]).astype(np.float64)
    position = head["position"].astype(np.float64)
    if plan.positions:  # the first slice lies along the readout
        position += axes[0] * grid.spacing[0] * (plan.positions[0] - grid.kept // 2)
        turned = (grid.spacing[1], grid.spacing[2], grid.spacing[0])
        return affine_of(position, np.roll(axes, -1, axis=0), turned, (grid.lines, grid.partitions))
    step = _step(heads, plan)
    return affine_of(position, axes, grid.spacing, (grid.kept, grid.lines), step=step)


def _step(heads: NDArray[Any], plan: _Plan) -> NDArray[np.float64] | None:
    """Return the way from the first slice to the second in mm."""
    if plan.axis != "slice" or plan.count < 2:
        return None
    first, second = (heads["position"][plan.place == i][0].astype(np.float64) for i in (0, 1))
    step: NDArray[np.float64] = second - first
    return step


def _apart(heads: NDArray[Any], plan: _Plan) -> float | None:
    step = _step(heads, plan)
    return None if step is None else float(np.linalg.norm(step)) or None


def _noise(
    path: Path, stored: Any, heads: NDArray[Any], dwell: float, header: Header
) -> tuple[NDArray[np.complex64] | None, tuple[str, ...]]:
    """Return the noise prescan as strong as the image's noise, whose samples took `dwell` µs.

    White noise has a variance in proportion to the bandwidth, so to 1 / dwell; the prescan's
    receiver lets through a little less than a rectangle would (relativeReceiverNoiseBandwidth).
    """
    rows = np.flatnonzero(_has(heads, _NOISE))
    if not len(rows):
        return None, ()
    first = heads[rows[0]]
    rows = rows[heads["active_channels"][rows] == first["active_channels"]]
    enough = max(1, _MOST_NOISE // max(1, int(first["number_of_samples"])))
    parts = [values for values, _ in _acquisitions(path, stored, rows[:enough])]
    noise = np.concatenate(parts, axis=1)
    of_noise = float(first["sample_time_us"])
    if min(of_noise, dwell, header.bandwidth) > 0:
        noise = noise * np.float32(np.sqrt(of_noise / dwell / header.bandwidth))
    if not np.isfinite(noise).all() or not noise.any():
        return None, ("the noise prescan has no finite values and is not used",)
    return noise, ()


def _acquisitions(
    path: Path, stored: Any, rows: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.complex64], NDArray[np.float32]]]:
    """Yield samples (coils, n) and trajectory of acquisitions, whose numbers grow."""
    for start in range(0, len(stored), _BLOCK):
        wanted = rows[(rows >= start) & (rows < start + _BLOCK)]
        if not len(wanted):
            continue
        block = stored[int(wanted[0]) : int(wanted[-1]) + 1]
        for row in wanted - wanted[0]:
            head = block["head"][row]
            shape = int(head["active_channels"]), int(head["number_of_samples"])
            values = np.asarray(block["data"][row], np.float32)
            if values.size != 2 * shape[0] * shape[1] or not values.size:
                raise damaged_scan(path, "ISMRMRD")
            track = np.asarray(block["traj"][row], np.float32)
            yield values.view(np.complex64).reshape(shape), track


def _has(heads: NDArray[Any], bit: int) -> NDArray[np.bool_]:
    found = (heads["flags"].astype(np.uint64) >> np.uint64(bit - 1)) & np.uint64(1)
    return np.asarray(found, np.bool_)
