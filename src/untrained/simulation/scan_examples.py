"""One made-up scan for every task of scans, with its truth and the options of the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.atomic import make_folder, write_atomically
from untrained.errors import InputError
from untrained.operators import Hadamard
from untrained.simulation.examples import clean_image
from untrained.simulation.masks import accelerated_lines
from untrained.simulation.sampling import random_lines
from untrained.simulation.scans import make_ct, make_mri, make_series

__all__ = ["SCAN_EXAMPLES", "ScanExample", "write_scan"]

Arrays = Mapping[str, NDArray[Any]]

_SHARE = 0.25  # of the pixels: the measurements of compressed sensing
_FRAMES = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanExample:
    """How the example of a task is made.

    Attributes:
        make: (side of the image, generator) -> the arrays of scan.npz, and the truth.
        restored: name of the image that comes of it.
        side: of the image.
        options: of the command, for that side.
    """

    make: Callable[[int, np.random.Generator], tuple[Arrays, NDArray[Any]]]
    restored: str = "restored.npy"
    side: int = 128
    options: Callable[[int], Mapping[str, Any]] = field(default=lambda side: {})


def _mri(side: int, generator: np.random.Generator) -> tuple[Arrays, NDArray[Any]]:
    full = make_mri(side, generator=generator)
    mask = accelerated_lines(side, 4, generator=generator)
    return {"kspace": (full.samples * mask)[None], "mask": mask}, full.truth


def _series(side: int, generator: np.random.Generator) -> tuple[Arrays, NDArray[Any]]:
    full = make_series(side, frames=_FRAMES, beats=1, generator=generator)
    masks = random_lines(_FRAMES, side, max(12, side // 5), generator=generator)
    masks = np.repeat(masks[:, None], side, axis=1)
    return {"kspace": full.samples * masks[:, None], "mask": masks}, full.truth


def _ct(side: int, generator: np.random.Generator) -> tuple[Arrays, NDArray[Any]]:
    made = make_ct(side, views=45, generator=generator)
    arrays: Arrays = {
        "data": made.counts[:, None], "data_white": made.flat[:, None],
        "data_dark": made.dark[:, None], "theta": made.angles,
    }  # fmt: skip
    return arrays, made.truth


def _sensing(side: int, generator: np.random.Generator) -> tuple[Arrays, NDArray[Any]]:
    image = clean_image(side).mean(axis=2).astype(np.float32)
    operator = Hadamard(round(_SHARE * side**2), (side, side), seed=0)
    with torch.no_grad():
        y = operator(torch.from_numpy(image)[None, None])[0, 0, 0].numpy()
    return {"y": y, "size": np.array([side, side])}, image


SCAN_EXAMPLES = {
    "mri": ScanExample(make=_mri),
    "series": ScanExample(make=_series, side=96, options=lambda side: {"axes": "frames"}),
    "ct": ScanExample(make=_ct, restored="restored.tif", options=lambda side: {"size": side}),
    "sensing": ScanExample(make=_sensing, options=lambda side: {"matrix": "hadamard:0"}),
}
"""The example of every task of scans, by the name of its command."""


def write_scan(example: ScanExample, side: int, folder: Path) -> NDArray[Any]:
    """Write scan.npz and truth.npy into the folder, always the same; return the truth.

    Raises:
        InputError: a side that is too small or too large; the folder cannot be written.
    """
    if not 32 <= side <= 300 or side % 4:
        raise InputError(f"side is {side}; wanted a multiple of 4 from 32 to 300")
    make_folder(folder)
    arrays, truth = example.make(side, np.random.default_rng(0))
    named: dict[str, Any] = dict(arrays)
    write_atomically(folder / "scan.npz", lambda file: np.savez(file, **named))
    write_atomically(folder / "truth.npy", lambda file: np.save(file, truth))
    return truth
