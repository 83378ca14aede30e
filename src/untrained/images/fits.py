"""FITS, by astropy: numbers in their own units, and the header with its coordinates."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from untrained.errors import InputError
from untrained.images.picture import (
    ChannelAxis,
    Metadata,
    Picture,
    check_shape,
    error_at,
    to_picture,
)

__all__ = ["check_fits", "read_fits", "write_fits"]


def _fits(path: Path) -> Any:
    try:
        from astropy.io import fits
    except ImportError:
        raise InputError(f"{path}: FITS needs astropy; pip install 'untrained[astro]'") from None
    return fits


def check_fits(path: Path) -> None:
    """Make sure that FITS can be written.

    Raises:
        InputError: astropy is not installed.
    """
    _fits(path)


def read_fits(path: Path, max_pixels: int, channel_axis: ChannelAxis) -> Picture:
    """Return the first picture in a FITS file: BZERO and BSCALE applied, BLANK as NaN.

    Axes before the last two are pages, unless one is said to be that of the channels.
    """
    fits = _fits(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that are not quite as the standard has them
        with fits.open(path, memmap=False) as file:
            pictures = [unit for unit in file if unit.is_image and len(unit.shape) >= 2]
            if not pictures:
                raise error_at(path, "holds no picture; wanted a FITS file with an image")
            unit = pictures[0]
            axis = None if channel_axis == "auto" else channel_axis
            axis = check_shape(path, unit.shape, axis, max_pixels, itemsize=8)
            array = np.asarray(unit.data)
            header = unit.header.copy(strip=True)
            if unit is not file[0]:
                header.extend(file[0].header.copy(strip=True), unique=True)
            number = file.index(unit)
            others = len(file) - 1 - (number > 0)
    for name in ("BSCALE", "BZERO", *(("BLANK",) if array.dtype.kind == "f" else ())):
        header.remove(name, ignore_missing=True)
    notes: tuple[str, ...] = ()
    if others > 0:
        notes = (f"extension {number} is taken, {others} further ones are not kept",)
    text = header.tostring(sep="\n")
    return replace(to_picture(array, axis, Metadata(fits=text)), notes=notes)


def write_fits(file: IO[bytes], picture: Picture) -> None:
    """Write a picture as FITS, with the header of its source; channels come first."""
    fits = _fits(Path(file.name))
    array = picture.to_array()
    if picture.has_channel_axis and picture.channel_axis == -1:
        array = np.moveaxis(array, -1, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = fits.Header.fromstring(picture.metadata.fits or "", sep="\n")
        stored = io.BytesIO()  # astropy does not say why the disk took only a part
        fits.PrimaryHDU(np.ascontiguousarray(array), header).writeto(
            stored, output_verify="silentfix"
        )
    file.write(stored.getbuffer())
