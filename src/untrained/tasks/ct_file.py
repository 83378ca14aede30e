"""CT from files: counts or line integrals in, an image out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images import Picture
from untrained.objectives import DataFit, Offsets, Transmission
from untrained.recipes import Recipe
from untrained.restoring import Given, Measured, MeasuredPages
from untrained.scans import Sinogram, read_numbers, read_scan
from untrained.tasks.base import Asked, Options, Unread
from untrained.tasks.ct import Beam, FanBeam, ParallelBeam, prepare_ct
from untrained.tasks.ct import Measured as MeasuredViews
from untrained.tasks.scanned import (
    ScanFormats,
    ScanPicture,
    ScanTask,
    scan_picture,
    seen_as,
)

__all__ = ["Ct"]

_SUFFIXES = frozenset({".h5", ".hdf5", ".npy", ".npz", ".tif", ".tiff", ".dcm"})


class Ct(ScanTask):
    """y = A x, the line integrals of x.

    Files: `angles`, one a view; `flat` and `dark`, counts without the object and without the beam.
    Options: `slice`, `kind` and `axes` say what of the file is meant, as for `read_scan`; `unit` of
    the angles; `centre`, the detector pixel of the axis of rotation, auto = found; `views`, use
    only so many; `binning`, so many detector pixels become one; `size` of the image, None = what
    the projections show. And of the fit: `photons` of an open beam, whose loss is taken then;
    `rings`, fitted or ignored: an offset for each detector pixel.
    """

    name = "ct"
    participle = "reconstructed"
    files = ("angles", "flat", "dark")
    formats = ScanFormats(_SUFFIXES, ".tif", is_complex=False)

    def check(self, options: Options) -> None:
        """Refuse a centre that is neither auto nor a number, and too few views."""
        _centre(options)
        if options["views"] is not None and options["views"] < 2:
            raise InputError(f"views is {options['views']}; wanted 2 or more")
        if options["size"] is not None and options["size"] < 8:
            raise InputError(f"size is {options['size']}; wanted 8 or more")
        if options["binning"] < 1:
            raise InputError(f"binning is {options['binning']}; wanted 1 or more")

    def recipe(self, recipe: Recipe, options: Options) -> Recipe:
        """Return the recipe with the loss of so many photons, with or without offsets.

        Raises:
            InputError: one that has neither.
        """
        photons, rings = options["photons"], options["rings"]
        if photons is None and rings is None:
            return recipe
        objective = recipe.objective
        if not isinstance(objective, DataFit):
            raise InputError(
                f"recipe {recipe.name!r} has no loss for photons and rings; use fast, best or paper"
            )
        if photons is not None:
            objective = replace(objective, data_term=Transmission(photons=photons))
        if rings is not None:
            offsets = (objective.offsets or Offsets()) if rings == "fitted" else None
            objective = replace(objective, offsets=offsets)
        return replace(recipe, objective=objective)

    def read(self, unread: Unread) -> Picture:
        """Return the slices that are asked for."""
        options, files = unread.options, unread.files
        angles = None
        if "angles" in files:
            angles = read_numbers(files["angles"], "angles").astype(np.float64).reshape(-1)
        scan = read_scan(
            unread.source, kind=options["kind"], slice=options["slice"], axes=options["axes"],
            angles=angles, unit=options["unit"], max_values=4 * unread.max_pixels,
        )  # fmt: skip
        if not isinstance(scan, Sinogram):
            raise InputError(f"{unread.source}: is no sinogram; `untrained mri` takes k-space")
        if "flat" in files:
            scan = replace(scan, flat=_field(files["flat"], "flat", scan))
        if "dark" in files:
            scan = replace(scan, dark=_field(files["dark"], "dark", scan))
        if scan.angles is None:
            raise InputError(f"{unread.source}: has no angles; give them (--angles, --unit)")
        scan = _with_air(scan)
        slices, _, detectors = scan.values.shape
        side = options["size"] or detectors
        return scan_picture(scan, (slices, side, side, 1), facts=_facts(scan, options))

    def measured(self, asked: Asked) -> MeasuredPages:
        """Return the views, the projector and the scale of every slice, of one size and axis."""
        assert isinstance(asked.picture, ScanPicture)
        scan = asked.picture.scan
        assert isinstance(scan, Sinogram)
        return _Slices(scan, asked.options)

    def truth(
        self, asked: Asked, given: Given | MeasuredPages, path: Path | None
    ) -> tuple[Picture | None, Given | MeasuredPages]:
        """Return the truth in a file; of what size it is to be, the projections decide."""
        if path is None:
            return None, given
        clean = self.read_truth(path)
        if len(clean) != len(asked.picture.pixels):
            raise InputError(
                f"truth has {len(clean)} pages, the scan {len(asked.picture.pixels)} slices"
            )
        return replace(asked.picture, pixels=clean), given

    def is_outcome(self, page: NDArray[Any], picture: Picture, options: Options) -> bool:
        """Whether this can be the image of a slice."""
        return page.ndim == 3 and page.shape[2] == 1 and page.dtype == np.float32


class _Slices:
    """What was measured of each slice; of several, all have one axis and one size.

    The axis is that of the middle slice, the size the largest that the first, the middle and the
    last one need, so that the slices lie on each other.
    """

    def __init__(self, scan: Sinogram, options: Options) -> None:
        self.scan = scan
        self.options = options
        self.centre = _centre(options) if scan.centre is None else scan.centre
        if _centre(options) != "auto":
            self.centre = _centre(options)
        self.size: int | None = options["size"]
        self.ready = len(scan.values) == 1

    def __call__(self, index: int) -> Measured:
        if not self.ready:
            middle = len(self.scan.values) // 2
            width = self.options["binning"]
            if self.centre == "auto":
                self.centre = self._prepared(middle).centre * width + (width - 1) / 2
            if self.size is None:
                ends = {0, middle, len(self.scan.values) - 1}
                self.size = max(len(self._prepared(i).fbp) for i in ends)
            self.ready = True
        measured = self._prepared(index)
        return seen_as(measured, None, measured.fbp[..., None])

    def _prepared(self, index: int) -> MeasuredViews:
        scan, options = self.scan, self.options
        assert scan.angles is not None
        flat, dark = (None if x is None else x[:, index] for x in (scan.flat, scan.dark))
        return prepare_ct(
            scan.values[index], scan.angles, centre=self.centre, size=self.size, beam=_beam(scan),
            flat=flat, dark=dark, binning=options["binning"], views=options["views"],
        )  # fmt: skip


def _centre(options: Options) -> float | Literal["auto"]:
    """Return the axis of rotation. Raises InputError: it is neither auto nor a number."""
    text = str(options["centre"])
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError:
        raise InputError(f"centre is {text!r}; wanted auto, or a detector pixel") from None


def _beam(scan: Sinogram) -> Beam:
    """Return the rays of a scan. Raises InputError: a fan whose detector's pixel is not known."""
    if scan.geometry == "parallel":
        return ParallelBeam(detector=scan.pixel or 1.0)
    if scan.pixel is None:
        raise InputError(f"{scan.source}: a fan without the width of a detector pixel")
    assert scan.source_distance is not None
    assert scan.detector_distance is not None
    return FanBeam(
        source_to_centre=scan.source_distance,
        centre_to_detector=scan.detector_distance - scan.source_distance,
        shape="curved" if scan.curved else "flat", detector=scan.pixel,
    )  # fmt: skip


def _field(path: Path, name: str, scan: Sinogram) -> NDArray[np.float32]:
    """Return a flat or dark field (n, slices, detectors). Raises InputError: another size."""
    values = read_numbers(path, f"{name} field").astype(np.float32)
    slices, _, detectors = scan.values.shape
    if values.ndim == 1:
        values = np.broadcast_to(values, (1, slices, detectors))
    elif values.ndim == 2 and slices == 1:
        values = values[:, None]
    elif values.ndim == 2:
        values = values[None]
    if values.ndim != 3 or values.shape[1:] != (slices, detectors):
        raise InputError(
            f"{path}: is of shape {values.shape}; wanted ({detectors},), or one for each slice, "
            f"({slices}, {detectors})"
        )
    return values


def _with_air(scan: Sinogram) -> Sinogram:
    """Return counts with a flat field: where there is none, what the detector's ends saw."""
    if not scan.counts or scan.flat is not None:
        return scan
    ends = np.concatenate([scan.values[..., :2], scan.values[..., -2:]], axis=-1)
    air = np.nanmedian(ends, axis=(1, 2))
    shape = (1, len(air), scan.values.shape[2])
    flat = np.broadcast_to(air[None, :, None], shape).astype(np.float32)
    return replace(
        scan, flat=flat, notes=(*scan.notes, "without a flat field, the detector's ends are air")
    )


def _facts(scan: Sinogram, options: Options) -> dict[str, str]:
    slices, views, detectors = scan.values.shape
    assert scan.angles is not None
    used = options["views"] or views
    facts = {
        "sinogram": f"{views} views of {detectors} pixels"
        + (f", {slices} slices" if slices > 1 else ""),
        "views": f"{used} of {views}" if used != views else f"{views}",
        "angles": f"{np.degrees(scan.angles.min()):.4g}° to {np.degrees(scan.angles.max()):.4g}°",
        "beam": "parallel" if scan.geometry == "parallel" else "fan",
        "values": "counts" if scan.counts else "line integrals",
    }
    if scan.pixel is not None:
        facts["detector pixel"] = f"{scan.pixel:.4g} mm"
    facts["units"] = "1/mm" if scan.pixel is not None else "1 / width of a detector pixel"
    return facts
