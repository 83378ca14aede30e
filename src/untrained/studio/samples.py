"""Pictures to try: the bundled photograph of a cat, damaged in the ways that the tasks mend."""

from __future__ import annotations

import functools
import io
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from untrained.images import Picture, read_picture, write_picture
from untrained.simulation import SIGMA, degrade
from untrained.studio.models import Sample
from untrained.studio.screen import screen_page

__all__ = ["RESTORED", "SAMPLES", "open_sample", "restored_sample", "sample_image"]

_HEIGHT, _WIDTH = 300, 451  # of simulation/samples/chelsea.png

SAMPLES = {
    sample.name: sample
    for sample in (
        Sample(name="noisy-cat", title="Cat, noisy", task="denoise", width=_WIDTH, height=_HEIGHT),
        Sample(
            name="written-on-cat", title="Cat, written on", task="inpaint", width=_WIDTH,
            height=_HEIGHT,
        ),
        Sample(
            name="small-cat", title="Cat, small", task="upscale", width=_WIDTH // 4,
            height=_HEIGHT // 4,
        ),
        Sample(
            name="compressed-cat", title="Cat, compressed", task="dejpeg", width=_WIDTH,
            height=_HEIGHT,
        ),
    )
}  # fmt: skip
"""Every sample by its name."""

RESTORED = "noisy-cat"
"""The sample of which the start page shows what came of it."""


def open_sample(name: str) -> tuple[str, IO[bytes]]:
    """Return a file's name and the file."""
    suffix = ".jpg" if SAMPLES[name].task == "dejpeg" else ".png"
    return name + suffix, io.BytesIO(_file(name, suffix))


@functools.cache
def sample_image(name: str) -> bytes:
    """Return a sample as PNG."""
    _, file = open_sample(name)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "sample"
        source.write_bytes(file.read())
        return screen_page(read_picture(source), 0)


@functools.cache
def restored_sample() -> bytes:
    """Return what `untrained denoise` makes of the sample `RESTORED` (seed 0), as WebP."""
    return (files("untrained.studio") / "restored-cat.webp").read_bytes()


@functools.cache
def _file(name: str, suffix: str) -> bytes:
    with as_file(files("untrained.simulation") / "samples" / "chelsea.png") as path:
        clean = read_picture(path).pixels[0] / 255
    if suffix == ".jpg":
        return degrade.jpeg_file(clean, 10)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "sample.png"
        write_picture(target, _damaged(clean, SAMPLES[name].task))
        return target.read_bytes()


def _damaged(clean: NDArray[np.float64], task: str) -> Picture:
    if task == "inpaint":  # what is written on is transparent, so that no mask is needed
        known = degrade.text_mask(clean.shape[:2], "UNTRAINED")
        alpha = np.where(known, 255, 0).astype(np.uint8)
        return Picture(pixels=_as_bytes(clean * known[..., None])[None], alpha=alpha[None])
    if task == "upscale":
        return Picture.from_array(
            _as_bytes(degrade.downscale(degrade.crop_to_multiple(clean, 4), 4))
        )
    noisy = degrade.gaussian_noise(clean, SIGMA / 255, generator=np.random.default_rng(0))
    return Picture.from_array(_as_bytes(noisy))


def _as_bytes(image: NDArray[Any]) -> NDArray[np.uint8]:
    values: NDArray[np.uint8] = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
    return values
