"""The command that tells what is in a scan file before any fit."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from untrained.cli.options import Flag, PrintOptions, Whole
from untrained.errors import InputError

__all__ = ["scan_info"]

_MOST = 8  # numbers of a list that are printed
_BRIGHTEST = 99.5  # per cent of the values of a quick look that are not white


def scan_info(
    file: Path, /, *,
    kind: Literal["kspace", "images", "sinogram", "counts", "measurements"] | None = None,
    axes: Literal["coils", "slices", "frames", "views"] | None = None,
    slice: Whole | None = None,  # noqa: A002 - the field's own word
    frame: Whole | None = None,
    mask: Path | None = None,
    trajectory: Path | None = None,
    angles: Path | None = None,
    unit: Literal["deg", "rad"] | None = None,
    look: Path | None = None,
    overwrite: Flag = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Tell what is in a scan file: sizes, units, mask, noise, angles, centre; and look at it.

    Nothing is fitted. Read are fastMRI, ISMRMRD and DXchange .h5, BART .cfl, .npy, .npz, TIFF and
    folders of DICOM-CT-PD.

    Parameters
    ----------
    file
        The scan.
    kind
        What a bare array (.npy, TIFF) holds; images are those of coils or of a series.
    axes
        What the first axis of a bare array of three axes counts.
    slice
        Which slice is measured and looked at. Default: the middle one.
    frame
        Which frame or echo. Default: all are read, the first is looked at.
    mask
        What was measured of k-space, if the file does not say; FILE.npz:NAME is one of several.
    trajectory
        Of samples off the grid (spokes), if the file has none: BART's .cfl or .npy.
    angles
        Of the views: .npy, or a text of numbers.
    unit
        Of the angles. Default: as the file says, or by their range.
    look
        Write a quick look there (.png): the zero-filled image, or the filtered back-projection.
    overwrite
        Replace the quick look that is there.
    """
    from dataclasses import replace

    from untrained.scans import (
        KSpace,
        facts_of,
        quick_look,
        read_mask,
        read_numbers,
        read_scan,
        with_trajectory,
    )

    if look is not None:
        _check_look(look, file, overwrite)
    scan = read_scan(
        file, kind=kind, axes=axes, slice="middle" if slice is None else slice, frame=frame,
        unit=unit, angles=None if angles is None else read_numbers(angles, "angles").reshape(-1),
    )  # fmt: skip
    if mask is not None or trajectory is not None:
        if not isinstance(scan, KSpace):
            raise InputError(f"{file}: is no k-space; leave --mask and --trajectory out")
        if trajectory is not None:
            scan = with_trajectory(scan, trajectory)
        if mask is not None:
            height, width = scan.samples.shape[-2:]
            measured = read_mask(mask, (height, width))
            scan = replace(scan, mask=measured, samples=scan.samples * measured[..., None, :, :])
    facts, odd = facts_of(scan)
    seen = quick_look(scan) if look is not None else None
    if look is not None:
        if seen is None:
            raise InputError(f"{file}: there is nothing to look at without a fit; leave --look out")
        _write_look(look, seen)
    if printing.json:
        told = {"file": str(file), **facts, "notes": list(scan.notes), "odd": list(odd)}
        print(json.dumps(_finite(told), ensure_ascii=False))
        return 0
    if printing.quiet:
        return 0
    print(file)
    for label, text in _lines(facts):
        print(f"  {label:15} {text}")
    for note in scan.notes:
        print(f"  note: {note}")
    for sentence in odd:
        print(f"  look out: {sentence}")
    if look is not None:
        print(f"  quick look: {look}")
    return 0


def _check_look(look: Path, file: Path, overwrite: bool) -> None:
    from untrained.atomic import check_place, refuse_input

    if look.suffix.lower() != ".png":
        raise InputError(f"--look is {look}; wanted a .png")
    refuse_input(look, file, "scan")
    if look.exists() and not overwrite:
        raise InputError(f"{look}: exists; give another name or --overwrite")
    check_place(look)


def _write_look(look: Path, image: Any) -> None:
    import numpy as np

    from untrained.images import Picture, write_picture

    low = min(0.0, float(np.percentile(image, 100 - _BRIGHTEST)))
    high = float(np.percentile(image, _BRIGHTEST))
    high = high if high > low else low + 1
    shades = np.rint(255 * np.clip((image - low) / (high - low), 0, 1)).astype(np.uint8)
    write_picture(look, Picture.from_array(shades))


def _lines(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is printed of facts, a line each; what is not known is left out."""
    for name, value in facts.items():
        if name == "in the file":
            yield name, ", ".join(f"{count} {what}" for what, count in value.items())
        elif isinstance(value, Mapping):
            told = [f"{k} {_in_words(v)}" for k, v in value.items() if v is not None]
            yield name, "; ".join(told)
        elif value is not None and value is not False:
            yield name, _in_words(value)


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        more = f" … ({len(value)})" if len(value) > _MOST else ""
        return ", ".join(_in_words(v) for v in value[:_MOST]) + more
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(value: Any) -> Any:
    """Return what JSON has words for: None for what is not finite."""
    if isinstance(value, Mapping):
        return {name: _finite(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
