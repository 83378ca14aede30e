"""One example for every task: the bundled photograph, damaged in the way that the task mends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import make_folder, write_atomically
from untrained.errors import InputError
from untrained.images import Picture, read_picture, write_picture
from untrained.operators.blur import gaussian_kernel
from untrained.simulation import degrade

__all__ = ["EXAMPLES", "SIGMA", "Example", "clean_image", "find_example", "write_example"]

Image = NDArray[np.float64]

SIGMA = 25.0
"""Noise level of the examples on the 0-255 scale."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """How the example of a task is made, and what mends it.

    Attributes:
        damaged: name of the file that the command is given.
        make: (clean (H, W, 3) in [0, 1], generator) -> what is written, by the name of the file;
            bytes are a file as it is, arrays are values in [0, 1], or a kernel if .npy.
        beside: the files beside the damaged one, by the name of the option.
        options: of the command.
        classical: the classical method to compare with; none = there is none.
        side: of the central square of the photograph that is taken; 0 = all of it.
    """

    damaged: str
    make: Callable[[Image, np.random.Generator], Mapping[str, Image | bytes]]
    beside: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    classical: str | None = None
    side: int = 128


def _noisy(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    return {"noisy.png": degrade.gaussian_noise(clean, SIGMA / 255, generator=generator)}


def _written(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    known = degrade.text_mask(clean.shape[:2], "UNTRAINED")[:, :, None]
    return {"written.png": clean * known, "mask.png": known.astype(float)}


def _small(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    return {"small.png": degrade.downscale(clean, 4)}


def _compressed(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    return {"compressed.jpg": degrade.jpeg_file(clean, 10)}


def _blurred(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    kernel = gaussian_kernel(1.6).numpy()
    blurred = np.clip(degrade.blur(clean, kernel), 0, 1)
    return {
        "blurred.png": degrade.gaussian_noise(blurred, 1 / 255, generator=generator),
        "kernel.npy": kernel,
    }


def _dark(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    # The flash flattens the tones and lights them in a colour of its own.
    return {
        "flash.png": 0.2 + 0.8 * clean.mean(axis=2, keepdims=True) ** 0.6 * [1, 0.97, 0.9],
        "dark.png": degrade.gaussian_noise(clean, SIGMA / 255, generator=generator),
    }


def _mosaic(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    return {"mosaic.png": degrade.mosaic(clean, "RGGB")}


def _interlaced(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    return {"interlaced.png": degrade.interlace(clean, 4)}


def _hazy(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    through = np.linspace(0.4, 0.9, len(clean))[:, None, None]  # the top is the farthest
    return {"hazy.png": through * clean + (1 - through) * [0.85, 0.87, 0.9]}


def _mixed(clean: Image, generator: np.random.Generator) -> dict[str, Image | bytes]:
    rows, columns = np.mgrid[: clean.shape[0], : clean.shape[1]]
    stripes = 0.5 + 0.5 * np.sign(np.sin((rows + columns) / 4))
    return {"mixed.png": 0.6 * clean + 0.4 * stripes[:, :, None]}


EXAMPLES = {
    "denoise": Example(damaged="noisy.png", make=_noisy, classical="nlm", side=0),
    "inpaint": Example(
        damaged="written.png", make=_written, beside={"mask": "mask.png"}, classical="biharmonic"
    ),
    "upscale": Example(
        damaged="small.png", make=_small, options={"factor": 4}, classical="bicubic", side=192
    ),
    "dejpeg": Example(damaged="compressed.jpg", make=_compressed, classical="jpeg-again"),
    "deblur": Example(
        damaged="blurred.png", make=_blurred, beside={"kernel": "kernel.npy"},
        classical="richardson-lucy",
    ),
    "deblur-blind": Example(damaged="blurred.png", make=_blurred, options={"kernel_size": 15}),
    "flash": Example(
        damaged="dark.png", make=_dark, beside={"guide": "flash.png"}, classical="guided-filter"
    ),
    "demosaic": Example(
        damaged="mosaic.png", make=_mosaic, options={"pattern": "RGGB"}, classical="bilinear"
    ),
    "deinterlace": Example(
        damaged="interlaced.png", make=_interlaced, options={"field": "top"},
        classical="line-averaging",
    ),
    "dehaze": Example(damaged="hazy.png", make=_hazy, classical="dark-channel"),
    "decompose": Example(damaged="mixed.png", make=_mixed),
}  # fmt: skip
"""The example of every task, by the name of its command."""


def find_example(task: str) -> Example:
    """Return the example of a task.

    Raises:
        InputError: there is none of that name.
    """
    if task not in EXAMPLES:
        scans = "mri, series, ct, sensing"
        raise InputError(f"no example of {task!r}; wanted one of {', '.join(EXAMPLES)}, {scans}")
    return EXAMPLES[task]


def clean_image(side: int) -> Image:
    """Return the central square of the bundled photograph, (side, side, 3) in [0, 1]; 0 = all.

    Raises:
        InputError: a side that is too small to be restored, no multiple of 4, or too large.
    """
    with as_file(files("untrained.simulation") / "samples" / "chelsea.png") as path:
        image: Image = read_picture(path).pixels[0] / 255
    if not side:
        return image
    if not 32 <= side <= min(image.shape[:2]) or side % 4:
        raise InputError(f"side is {side}; wanted 0 (all), or a multiple of 4 from 32 to 300")
    top, left = ((n - side) // 2 for n in image.shape[:2])
    return image[top : top + side, left : left + side]


def write_example(example: Example, clean: Image, folder: Path) -> None:
    """Write clean.png and the damaged files into the folder; the noise is always the same.

    Raises:
        InputError: the folder cannot be written.
    """
    make_folder(folder)
    made = {"clean.png": clean, **example.make(clean, np.random.default_rng(0))}
    for name, content in made.items():
        _write(folder / name, content)


def _write(path: Path, content: Image | bytes) -> None:
    if isinstance(content, bytes):
        write_atomically(path, lambda file: file.write(content))
    elif path.suffix == ".npy":
        write_picture(path, Picture.from_array(content))
    else:
        values = np.rint(np.clip(content, 0, 1) * 255).astype(np.uint8)
        write_picture(path, Picture.from_array(values))
