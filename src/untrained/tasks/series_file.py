"""A series of frames from files: k-space of every frame in, the frames out, fitted as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.calibration import coil_maps, time_average
from untrained.errors import InputError
from untrained.images import Picture
from untrained.recipes import Recipe
from untrained.restoring import Measured, MeasuredPages
from untrained.scans import KSpace
from untrained.tasks.base import Asked, Options, Unread
from untrained.tasks.mri_file import Mri, prewhitened
from untrained.tasks.scanned import (
    ScanFormats,
    ScanPicture,
    back_projected,
    crop_of,
    magnitude,
    middle_of,
    scan_picture,
    shown_part,
)
from untrained.tasks.series import in_a_cycle, prepare_series

__all__ = ["Series"]


class SeriesFormats(ScanFormats):
    """Scans in, series of frames out: their channels are the frames."""

    def numbers(self, outcome: Picture) -> NDArray[np.complex64] | NDArray[np.float32]:
        """Return the frames (T, H, W): complex, or real where the image has no phase."""
        assert isinstance(outcome, ScanPicture)
        assert isinstance(outcome.scan, KSpace)
        series = np.ascontiguousarray(shown_part(outcome)[0], np.float32)
        if series.shape[2] != len(outcome.scan.samples):
            series = series.view(np.complex64)
        return np.ascontiguousarray(np.moveaxis(series, -1, 0))

    def magnitudes(self, outcome: Picture) -> NDArray[np.float32]:
        """Return the frames as pages, (T, H, W, 1)."""
        return np.abs(self.numbers(outcome))[..., None]


class Series(Mri):
    """y_t = M_t F S x_t, all frames t as one.

    Files and options as for `Mri`; and `real`, the image has no phase, `periodic`, the first frame
    follows the last. Coil maps are those of the mean over time.
    """

    name = "series"
    formats = SeriesFormats(Mri.formats.suffixes, ".npy", is_complex=True)

    def check(self, options: Options) -> None:
        """Refuse coils apart, and what `Mri` refuses."""
        super().check(options)
        if options["maps"] == "none":
            raise InputError("a series is of one image: it needs coil maps; leave --maps none out")

    def recipe(self, recipe: Recipe, options: Options) -> Recipe:
        """Return the recipe of a series that closes on itself. Raises InputError: none can."""
        return in_a_cycle(recipe) if options["periodic"] else recipe

    def read(self, unread: Unread) -> Picture:
        """Return the frames that are asked for, as one page."""
        options = unread.options
        chosen = {**options, "axes": options["axes"] or "frames", "frame": None}
        picture = super().read(replace(unread, options=chosen))
        assert isinstance(picture, ScanPicture)
        frames, height, width = picture.pixels.shape[:3]
        if frames < 2:
            raise InputError(f"{unread.source}: holds one frame; `untrained mri` takes it")
        clean = None
        if picture.clean is not None:  # (T, H, W, 1)
            clean = np.moveaxis(picture.clean[..., 0], 0, -1)[None]
        shape = (1, height, width, frames if options["real"] else 2 * frames)
        found = scan_picture(picture.scan, shape, clean=clean, facts=picture.facts)
        return replace(found, notes=picture.notes)

    def measured(self, asked: Asked) -> MeasuredPages:
        """Return k-space of all frames, coil maps and scale."""
        assert isinstance(asked.picture, ScanPicture)
        scan = asked.picture.scan
        assert isinstance(scan, KSpace)
        real, crop = bool(asked.options["real"]), crop_of(asked.picture)

        def page(index: int) -> Measured:
            alike = prewhitened(scan)
            measured = prepare_series(alike.samples, scan.sampled, _maps(alike), real=real)
            return back_projected(measured, lambda image: _frames(middle_of(image, crop), real))

        return page

    def read_truth(self, path: Path) -> NDArray[np.float32]:
        """Return the frames of the truth, (1, H, W, T)."""
        return np.moveaxis(super().read_truth(path)[..., 0], 0, -1)[None]

    def look(self, image: Tensor, options: Options) -> Tensor:
        """Return the magnitude of the middle frame."""
        frames = _frames(image, bool(options["real"]))
        middle = frames.shape[1] // 2
        return frames[:, middle : middle + 1]


def _frames(image: Tensor, real: bool) -> Tensor:
    """Return |x_t| of every frame, (1, T, H, W), of (1, T or 2T, H, W)."""
    if real:
        return image.abs()
    b, c, h, w = image.shape
    return magnitude(image.reshape(b * c // 2, 2, h, w)).reshape(b, c // 2, h, w)


def _maps(scan: KSpace) -> NDArray[np.complex64] | None:
    """Return the coils' sensitivities (coils, h, w); None = there is one coil."""
    if scan.maps is not None:
        return scan.maps if scan.maps.ndim == 3 else scan.maps[0]
    if scan.samples.shape[1] == 1:
        return None
    mean, where = time_average(
        torch.from_numpy(scan.samples), torch.from_numpy(np.array(scan.sampled)).float()
    )
    found: NDArray[np.complex64] = coil_maps(mean, where)[0].numpy()
    return found
