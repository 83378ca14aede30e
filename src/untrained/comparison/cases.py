"""A picture file and its task, as classical methods are given it and as our fits are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.baselines import Image, Known, find_baseline
from untrained.baselines.base import array_of
from untrained.errors import InputError
from untrained.images import Picture, UnitRange, read_picture, to_unit
from untrained.operators import Blur, Mosaic
from untrained.tasks import Asked, Given, Options, PictureShape, Task, find_task
from untrained.tasks.dejpeg import read_tables

__all__ = ["DEFAULT_OPTIONS", "Case", "open_case", "restore_classically"]

DEFAULT_OPTIONS: dict[str, dict[str, Any]] = {
    "denoise": {"sigma": None, "sigma_in_units": False},
    "inpaint": {"mask_invert": False},
    "upscale": {"factor": 4},
    "deblur": {},
    "dejpeg": {"agreement": 0.0},
    "flash": {},
    "demosaic": {"pattern": "auto"},
    "deinterlace": {"field": "top"},
    "dehaze": {},
}
"""The options of every task that can be compared, each as it is unless the user says."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Case:
    """A picture as every method is given it.

    Attributes:
        picture: as it was read.
        output_shape: of the restored picture.
        given: to our fits.
        observed, known: to the classical methods.
        unit_range: of the picture's values.
    """

    picture: Picture
    output_shape: PictureShape
    given: Given
    observed: Image
    known: Known
    unit_range: UnitRange


def open_case(task: str, source: Path, files: Mapping[str, Path], options: Options) -> Case:
    """Return what the methods of a task are given; `options` are those that the user gave.

    Raises:
        InputError: a file or an option that the task does not take or lacks, several pages.
    """
    kind = find_task(task)
    options = _all_options(kind, files, options)
    kind.check(options)
    picture = read_picture(source, mosaic=kind.mosaic)
    if len(picture.pixels) != 1:
        raise InputError(f"{source} has {len(picture.pixels)} pages; compare takes one")
    given = kind.given(Asked(source=source, picture=picture, files=files, options=options))
    unit, finite, unit_range = to_unit(picture.pixels[0])
    given = replace(given, mask=_mask(picture, finite, given))
    if task == "inpaint" and given.mask is None:
        raise InputError("nothing to inpaint: give a mask (--mask, white = known)")
    _, height, width, channels = picture.pixels.shape
    known = Known(
        sigma=None if given.sigma is None else given.sigma / unit_range.typical_scale,
        mask=given.mask,
        factor=options.get("factor", 1),
        kernel=given.operator.kernel.double().numpy() if isinstance(given.operator, Blur) else None,
        tables=read_tables(source) if task == "dejpeg" else None,
        guide=None if given.guide is None else array_of(to_unit(given.guide)[0]),
        pattern=given.operator.pattern if isinstance(given.operator, Mosaic) else "RGGB",
    )
    return Case(
        picture=picture, output_shape=kind.output_shape((1, height, width, channels), options),
        given=given, observed=array_of(unit), known=known, unit_range=unit_range,
    )  # fmt: skip


def restore_classically(
    task: str, method: str, source: Path, files: Mapping[str, Path], options: Options
) -> Image:
    """Return the image (H, W, C), clipped to [0, 1], that a classical method makes of a file.

    Raises:
        InputError: as `open_case` and `find_baseline`.
    """
    case = open_case(task, source, files, options)
    return np.clip(find_baseline(task, method)(case.observed, case.known), 0, 1)


def _all_options(task: Task, files: Mapping[str, Path], options: Options) -> Options:
    defaults = DEFAULT_OPTIONS[task.name]
    takes = [*task.files, *defaults]
    for name in (*files, *options):
        if name not in takes:
            known = ", ".join(map(_flag, takes)) or "none"
            raise InputError(f"{task.name} takes no {_flag(name)}; its options: {known}")
    return {**defaults, **options}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _mask(picture: Picture, finite: torch.Tensor | None, given: Given) -> NDArray[np.bool_] | None:
    """Return what is known by the mask, finite and not fully transparent; None = everything."""
    known = np.ones(picture.pixels.shape[1:3], dtype=bool)
    if given.mask is not None:
        known &= given.mask
    if finite is not None:
        known &= finite[0, 0].numpy() > 0
    if picture.alpha is not None:
        known &= picture.alpha[0] > 0
    return None if known.all() else known
