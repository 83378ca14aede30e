"""TIFF: a sinogram, a stack of sinograms, or a stack of projections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from untrained.images import read_picture
from untrained.images.picture import Metadata, error_at, per_millimetre
from untrained.scans.exchange import sinogram_of_projections
from untrained.scans.scan import Sinogram
from untrained.scans.wanted import Wanted

__all__ = ["read_tiff_scan"]

_LENGTHS = {"mm": 1.0, "cm": 10.0, "um": 1e-3, "µm": 1e-3, "\\u00B5m": 1e-3, "micron": 1e-3}


def read_tiff_scan(path: Path, wanted: Wanted) -> Sinogram:
    """Return the sinograms in a TIFF file: (views, detectors), or a stack whose pages are said.

    Pages are sinograms of slices, or projections of views; where the number of angles suits only
    one of them, it need not be said. The pixel's width is that of the file, with ImageJ's unit.

    Raises:
        InputError: colour; a stack of which it is not said what its pages are.
    """
    if wanted.kind not in (None, "sinogram", "counts"):
        raise error_at(path, f"a TIFF is read as a sinogram, not as {wanted.kind}")
    picture = read_picture(path, max_pixels=wanted.max_values)
    pages = picture.pixels
    if pages.shape[3] != 1 or picture.alpha is not None:
        raise error_at(path, f"has {pages.shape[3]} channels; wanted a gray sinogram")
    stack = pages[..., 0]
    axes = wanted.axes
    if len(stack) == 1:
        axes = "slices"
    elif axes is None and wanted.angles is not None and stack.shape[0] != stack.shape[1]:
        axes = {stack.shape[0]: "views", stack.shape[1]: "slices"}.get(len(wanted.angles))  # type: ignore[assignment]
    if axes not in ("views", "slices"):
        raise error_at(
            path, f"has {len(stack)} pages of {stack.shape[1]}x{stack.shape[2]}; say what they are "
            "(--axes views: projections, or slices: sinograms)",
        )  # fmt: skip
    projections = stack if axes == "views" else stack.transpose(1, 0, 2)
    scan = sinogram_of_projections(
        path, {"data": projections}, wanted, pixel=_pixel(picture.metadata)
    )
    names = {"views": "projections", "slices": "sinograms"}
    if len(stack) > 1:
        told = f"its {len(stack)} pages are {names[axes]}"
        scan = replace(scan, notes=(told, *scan.notes))
    if picture.nodata is not None:
        missing = np.where(scan.values == picture.nodata, np.nan, scan.values)
        scan = replace(scan, values=missing.astype(np.float32))
    return scan


def _pixel(metadata: Metadata) -> float | None:
    """Return the width of a pixel in mm, as the file or ImageJ says it."""
    across = per_millimetre(metadata)
    if across is None and metadata.resolution is not None and metadata.tiff is not None:
        unit = _LENGTHS.get(str(metadata.tiff.details.get("unit", "")))
        if unit is not None and metadata.resolution[0] > 0:
            return unit / metadata.resolution[0]
    # A resolution in inches is what a printer or a screen would want, not a detector's pixel.
    if across is None or metadata.resolution_unit == "inch" or across[0] <= 0:
        return None
    return 1 / across[0]
