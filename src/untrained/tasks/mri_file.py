"""MRI from files: k-space in, complex images or magnitudes out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.calibration import mix_coils
from untrained.errors import InputError
from untrained.images import Picture
from untrained.restoring import Measured, MeasuredPages
from untrained.scans import KSpace, read_mask, read_numbers, read_scan
from untrained.scans.grid import to_images
from untrained.simulation.masks import accelerated_lines
from untrained.simulation.sampling import random_lines
from untrained.tasks.base import Asked, Options, Unread
from untrained.tasks.mri import alike_coils, prepare_mri
from untrained.tasks.scanned import (
    ScanFormats,
    ScanPicture,
    ScanTask,
    crop_of,
    magnitude,
    middle_of,
    scan_picture,
    seen_as,
    shown_part,
)

__all__ = ["Mri", "prewhitened"]

_SUFFIXES = frozenset({".h5", ".cfl", ".npy", ".npz"})
_IN_THE_MIDDLE = 0.6  # of the energy of k-space, in the middle quarter of its places
_MIDDLE = 8  # lines of every frame


class Mri(ScanTask):
    """y = M F S x.

    Files: `mask`, what was measured; `maps`, the coils' sensitivities; `noise`, a scan without a
    signal. Options: `slice`, `frame`, `kind` and `axes` say what of the file is meant, as for
    `read_scan`; `accelerate` leaves lines of a full scan out, which is the truth then; `maps`
    is auto, or none: every coil has an image of its own.
    """

    name = "mri"
    participle = "reconstructed"
    files = ("mask", "maps", "noise")
    formats = ScanFormats(_SUFFIXES, ".npy", is_complex=True)

    def check(self, options: Options) -> None:
        """Refuse an acceleration that is none."""
        factor = options["accelerate"]
        if factor is not None and not 1 < factor < math.inf:
            raise InputError(f"accelerate is {factor}; wanted a number above 1, such as 4")

    def read(self, unread: Unread) -> Picture:
        """Return the slices or frames that are asked for."""
        options = unread.options
        scan = read_scan(
            unread.source, kind=options["kind"], slice=options["slice"], frame=options["frame"],
            axes=options["axes"], max_values=4 * unread.max_pixels,
        )  # fmt: skip
        if not isinstance(scan, KSpace):
            raise InputError(f"{unread.source}: is no k-space; `untrained ct` takes sinograms")
        if options["kind"] is None and unread.source.suffix.lower() in (".npy", ".npz"):
            _check_middle(scan)
        if "mask" in unread.files:
            scan = _with_mask(scan, unread.files["mask"])
        if "maps" in unread.files:
            maps = read_numbers(unread.files["maps"], "coil maps").astype(np.complex64)
            scan = replace(scan, maps=maps, source=str(unread.files["maps"]))
        if "noise" in unread.files:
            noise = read_numbers(unread.files["noise"], "noise").astype(np.complex64)
            scan = replace(scan, noise=noise.reshape(len(noise), -1))
        if scan.trajectory is not None:
            raise InputError(
                f"{unread.source}: its samples lie off the grid (spokes, spirals); this takes "
                "lines: use solve with an operator of yours"
            )
        clean = None if scan.truth is None else scan.truth[..., None]
        notes: tuple[str, ...] = ()
        if options["accelerate"] is not None:
            clean = _magnitudes(scan)
            scan, note = _with_fewer_lines(scan, options["accelerate"], unread.seed)
            notes = (note,)
        pages, _, height, width = scan.samples.shape
        picture = scan_picture(scan, (pages, height, width, 2), facts=_facts(scan), notes=notes)
        if clean is None:
            return picture
        crop = crop_of(picture)
        if options["accelerate"] is not None and crop is not None:
            clean = clean[:, crop[0], crop[1]]
        if clean.shape[:3] == shown_part(picture).shape[:3]:
            return replace(picture, clean=clean)
        lost = "the file's own image has another size than the one that is shown: no truth"
        return replace(picture, notes=(*picture.notes, lost))

    def measured(self, asked: Asked) -> MeasuredPages:
        """Return k-space, coil maps and scale of every page."""
        assert isinstance(asked.picture, ScanPicture)
        scan = asked.picture.scan
        assert isinstance(scan, KSpace)
        crop = crop_of(asked.picture)

        def page(index: int) -> Measured:
            maps: Any = asked.options["maps"]
            if maps == "auto" and scan.maps is not None:
                maps = _of_page(scan.maps, index)
            measured = prepare_mri(
                scan.samples[index], mask=scan.sampled[index], maps=maps, noise=scan.noise
            )
            first = measured.given.first
            assert first is not None
            if crop is None:
                return measured
            return seen_as(measured, lambda x: magnitude(middle_of(x, crop)), first[crop])

        return page

    def look(self, image: Tensor, options: Options) -> Tensor:
        """Return |x|, of several coils the root of the sum of squares; of the whole image."""
        return magnitude(image)


def _of_page(maps: NDArray[Any], index: int) -> NDArray[Any]:
    return maps if maps.ndim == 3 else maps[index]


def _with_mask(scan: KSpace, path: Path) -> KSpace:
    """Return the scan with the mask of a file, of the columns or all places, of frames their own.

    Raises:
        InputError: another size, nothing measured.
    """
    n, _, h, w = scan.samples.shape
    numbers = read_numbers(path, "mask")
    if numbers.shape == (n, w) != (h, w):  # of the columns of every frame
        mask = np.repeat(numbers[:, None] != 0, h, axis=1)
    else:
        mask = read_mask(path, (h, w))
    if mask.ndim == 3 and len(mask) != n:
        raise InputError(f"{path}: masks of {len(mask)} frames for {n}; wanted one for each")
    if not mask.any():
        raise InputError(f"{path}: says that nothing was measured; check it")
    return replace(scan, mask=mask)


def _check_middle(scan: KSpace) -> None:
    """Refuse a bare array that is no k-space by its values: most of its energy lies elsewhere.

    Raises:
        InputError: it is so; says what it may be.
    """
    energy = np.square(np.abs(scan.samples)).sum(axis=(0, 1))
    h, w = energy.shape
    middle = energy[h // 4 : h - h // 4, w // 4 : w - w // 4].sum()
    if middle < _IN_THE_MIDDLE * energy.sum():
        share = middle / energy.sum()
        raise InputError(
            f"{scan.source}: only {share:.0%} of its energy is in the middle; if it holds images, "
            "say so (--kind images); the zero frequency lies in the middle (np.fft.fftshift), "
            "--kind kspace takes it as it is"
        )


def prewhitened(scan: KSpace) -> KSpace:
    """Return a scan, and its coil maps, whose coils have noise alike, where it has a noise scan."""
    if scan.noise is None:
        return scan
    mixing = alike_coils(torch.from_numpy(scan.noise))
    maps = scan.maps
    if maps is not None:
        maps = mix_coils(mixing, torch.from_numpy(maps)).numpy().astype(np.complex64)
    samples = np.stack([mix_coils(mixing, torch.from_numpy(k)).numpy() for k in scan.samples])
    return replace(scan, samples=samples.astype(np.complex64), maps=maps, noise=None)


def _magnitudes(scan: KSpace) -> NDArray[np.float32]:
    """Return the root of the sum of squares of the coil images, (n, H, W, 1)."""
    samples = prewhitened(scan).samples
    found = np.sqrt(np.square(np.abs(to_images(samples))).sum(axis=1))
    return np.asarray(found, np.float32)[..., None]


def _with_fewer_lines(scan: KSpace, factor: float, seed: int) -> tuple[KSpace, str]:
    """Return a full scan with lines left out, of frames others in each; and what was done.

    Lines are columns, across the readout. Of slices as fastMRI has it (`accelerated_lines`), of
    frames random ones about the middle (`random_lines`).

    Raises:
        InputError: a scan that is not full, or too small for that.
    """
    if not scan.sampled.all():
        share = scan.sampled.mean()
        raise InputError(
            f"{scan.source}: only {share:.0%} of k-space was measured; --accelerate takes a full "
            "scan: leave it out to reconstruct this one"
        )
    n, _, _, width = scan.samples.shape
    generator = np.random.default_rng(seed)
    if scan.axis == "frame" and n > 1:
        count = max(_MIDDLE, round(width / factor))
        masks = random_lines(n, width, count, middle=_MIDDLE, generator=generator)
    else:
        masks = np.tile(accelerated_lines(width, factor, generator=generator), (n, 1))
    where = np.broadcast_to(masks[:, None], scan.sampled.shape)
    note = (
        f"{int(masks[0].sum())} of {width} columns of the full scan were kept; the full scan is "
        "the truth"
    )
    samples = scan.samples * where[:, None]
    return replace(scan, samples=samples, mask=np.array(where)), note


def _facts(scan: KSpace) -> dict[str, str]:
    pages, coils, height, width = scan.samples.shape
    sampled = scan.sampled[0]
    facts = {
        "k-space": f"{height}x{width}, {coils} coil{'s' * (coils != 1)}"
        + (f", {pages} {scan.axis}s" if pages > 1 else ""),
    }
    columns, rows = sampled.any(axis=0), sampled.any(axis=1)
    lines = int(columns.sum()) if not columns.all() else int(rows.sum())
    if sampled.all():
        facts["acceleration"] = "none: a full scan"
    else:
        whole = np.array_equal(sampled, np.broadcast_to(columns, sampled.shape)) or np.array_equal(
            sampled, np.broadcast_to(rows[:, None], sampled.shape)
        )
        facts["acceleration"] = f"{sampled.size / sampled.sum():.2f} times" + (
            f", {lines} lines" if whole else ""
        )
    if scan.noise is not None:
        facts["noise scan"] = f"{scan.noise.shape[1]:,} samples a coil"
    if scan.spacing is not None:
        facts["pixel"] = " x ".join(f"{mm:.3g}" for mm in scan.spacing) + " mm"
    if scan.units:
        facts["units"] = scan.units
    return facts
