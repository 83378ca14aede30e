"""A test case made of a clean picture file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import make_folder, refuse_input
from untrained.errors import InputError
from untrained.images import (
    Picture,
    check_writable,
    orientation_of,
    read_kernel,
    read_picture,
    white_of,
    with_orientation,
    with_pixels,
    write_picture,
)
from untrained.operators.blur import gaussian_kernel
from untrained.operators.mosaic import Pattern
from untrained.simulation import degrade

__all__ = ["degrade_file"]


def degrade_file(
    source: Path,
    target: Path,
    *,
    downscale: int | None = None,
    blur: str | None = None,
    interlace: int | None = None,
    mosaic: Pattern | None = None,
    noise: float | None = None,
    poisson: float | None = None,
    jpeg: int | None = None,
    missing: float | None = None,
    text: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Path]:
    """Write a degraded copy of a picture, its mask, and its truth where that had to be cropped.

    The degradations are those of `untrained.degrade`, in the order of the arguments; `noise` is on
    the 0-255 scale, `blur` a σ in pixels or the path of a kernel. Depth, range, alpha and metadata
    are those of the source; 255 stands for white of the file, which is the largest value where
    floats leave 0 to 1 or integers have a sign (`say` is told so). Where compression comes last and
    the target is a JPEG, it is that very file.

    Returns:
        the written files by what they are: degraded, kernel, mask, truth.

    Raises:
        InputError: nothing asked for, a value out of range, a target that exists.
    """
    if all(value is None for value in (
        downscale, blur, interlace, mosaic, noise, poisson, jpeg, missing, text,
    )):  # fmt: skip
        raise InputError(
            "nothing to do; give --noise, --poisson, --missing, --text, --downscale, --blur, "
            "--mosaic, --interlace or --jpeg"
        )
    picture = read_picture(source)
    if len(picture.pixels) > 1:
        raise InputError(f"{source}: is a stack of {len(picture.pixels)} pages; wanted one picture")
    if not np.isfinite(picture.pixels).all():
        raise InputError(f"{source}: has NaN pixels; wanted a clean picture")
    levels = _Levels.of(picture.pixels)
    if not levels.natural:
        say(_told(levels, noise))
    image = levels.to_unit(picture.pixels[0])
    generator = np.random.default_rng(seed)
    written = {"degraded": target}
    outputs: dict[Path, Picture] = {}
    alpha = picture.alpha
    if downscale is not None:
        if downscale < 2:
            raise InputError(f"downscale is {downscale}; wanted a whole number from 2 up")
        if alpha is not None:
            raise InputError(f"{source}: has an alpha channel, which --downscale does not shrink")
        cropped = degrade.crop_to_multiple(image, downscale)
        if cropped.shape != image.shape:
            written["truth"] = _beside(target, "truth")
            outputs[written["truth"]] = _with_image(picture, cropped, levels)
        image = degrade.downscale(cropped, downscale)
    if blur is not None:
        kernel, path = _kernel(blur, image.shape), _beside(target, "kernel").with_suffix(".npy")
        image = np.clip(degrade.blur(image, kernel), 0, 1)
        written["kernel"], outputs[path] = path, Picture.from_array(kernel)
    if interlace is not None:
        image = degrade.interlace(image, interlace)
    if mosaic is not None:
        image = degrade.mosaic(image, mosaic)
    if noise is not None:
        if not 0 <= noise < np.inf:
            raise InputError(f"noise is {noise:g}; wanted 0 or more, on the 0-255 scale")
        image = degrade.gaussian_noise(image, noise / 255, generator=generator)
    if poisson is not None:
        image = degrade.poisson_noise(image, poisson, generator=generator)
    clean = image
    if jpeg is not None:
        image = degrade.jpeg(image, jpeg)
    known = np.ones((image.shape[0], image.shape[1]), dtype=bool)
    if missing is not None:
        known &= degrade.missing(known.shape, missing, generator=generator)
    if text is not None:
        known &= degrade.text_mask(known.shape, text)
    if not known.all():
        image = image * known[:, :, None]
        written["mask"] = _beside(target, "mask").with_suffix(".png")
        mask = np.where(known, 255, 0).astype(np.uint8)
        outputs[written["mask"]] = with_orientation(
            Picture.from_array(mask), orientation_of(picture)
        )
    # A decoded JPEG compressed again at another quality would be no test case for `dejpeg`.
    is_last = jpeg is not None and known.all() and target.suffix.lower() in (".jpg", ".jpeg")
    image = clean if is_last else image
    outputs[target] = _with_image(picture, image, levels)
    for path, result in outputs.items():
        if path.exists() and not overwrite:
            raise InputError(f"{path}: exists; pass --overwrite to replace it")
        refuse_input(path, source)
        if blur is not None:
            refuse_input(path, Path(blur), "kernel")
        check_writable(path, result)
    make_folder(target.parent)
    for path, result in outputs.items():
        write_picture(path, result, jpeg_quality=jpeg if is_last and path == target else None)
    return written


def _beside(target: Path, what: str) -> Path:
    return target.with_name(f"{target.stem}-{what}{target.suffix}")


def _with_image(picture: Picture, image: NDArray[Any], levels: _Levels) -> Picture:
    return with_pixels(picture, levels.from_unit(image, picture.pixels.dtype)[None])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Levels:
    """Which values of a file are black and white: value = black + (white - black) · unit."""

    black: float
    white: float
    natural: bool

    @classmethod
    def of(cls, pixels: NDArray[Any]) -> _Levels:
        """Return 0 and the dtype's white; of values beyond that, and of signed ones, their own."""
        low, high, white = float(pixels.min()), float(pixels.max()), white_of(pixels.dtype)
        if low >= 0 and high <= white and not np.issubdtype(pixels.dtype, np.signedinteger):
            return cls(black=0.0, white=white, natural=True)
        black = min(0.0, low)
        return cls(black=black, white=high if high > black else black + 1, natural=False)

    def to_unit(self, values: NDArray[Any]) -> NDArray[np.float64]:
        unit: NDArray[np.float64] = values.astype(np.float64) - self.black
        return unit / (self.white - self.black)

    def from_unit(self, unit: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
        values = unit * (self.white - self.black) + self.black
        if not np.issubdtype(dtype, np.integer):
            return values.astype(dtype)
        limits = np.iinfo(dtype)
        most = float(limits.max)
        if int(most) > limits.max:  # of 64 bits: no float64, and the next one would overflow
            most = float(np.nextafter(most, 0))
        return np.clip(np.rint(values), limits.min, most).astype(dtype)


def _told(levels: _Levels, noise: float | None) -> str:
    line = f"black is {levels.black:g} and white {levels.white:g}, as the file's values have it"
    if noise is None:
        return line
    sigma = noise / 255 * (levels.white - levels.black)
    return f"{line}; the noise has σ {sigma:g} in the file's units"


def _kernel(text: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the kernel of a σ in pixels, or of a file, with sum 1; no wider than the picture."""
    height, width = shape[:2]
    try:
        sigma = float(text)
    except ValueError:
        kernel = read_kernel(Path(text))
        if max(kernel.shape, default=0) > 2 * min(height, width):
            raise InputError(
                f"{text}: is {'x'.join(map(str, kernel.shape))}, the picture {height}x{width}; "
                "wanted a smaller kernel"
            ) from None
        return np.asarray(kernel / kernel.sum())
    if sigma > min(height, width) / 4:
        raise InputError(
            f"blur is {sigma:g}; wanted at most {min(height, width) / 4:g} pixels, a quarter of "
            "the picture's smaller side"
        )
    return gaussian_kernel(sigma).numpy()
