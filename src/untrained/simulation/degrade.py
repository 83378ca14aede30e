"""Test cases from clean pictures: blur, mosaic, interlacing, noise, missing pixels, JPEG …; seeded.

Arrays are (H, W, C) floats in [0, 1]; every random number comes from the generator.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.operators import Blur, Mosaic, Resample
from untrained.operators.mosaic import Pattern

__all__ = ["blur", "crop_to_multiple", "downscale", "gaussian_noise", "interlace", "jpeg",
           "jpeg_file", "missing", "mosaic", "poisson_noise", "text_mask"]  # fmt: skip

Image = NDArray[np.float64]


def gaussian_noise(image: Image, sigma: float, *, generator: Generator) -> Image:
    """Return image + N(0, sigma²), clipped to [0, 1]; sigma in the units of the image."""
    if not sigma >= 0:
        raise InputError(f"noise is {sigma}; wanted 0 or more")
    return np.clip(image + generator.normal(0, sigma, image.shape), 0, 1)


def poisson_noise(image: Image, peak: float, *, generator: Generator) -> Image:
    """Return Poisson(peak · image) / peak, clipped to [0, 1]; `peak` counts at full scale."""
    if not 0 < peak <= 1e15:
        raise InputError(f"poisson is {peak:g}; wanted above 0, to 1e15 counts at full scale")
    return np.clip(generator.poisson(peak * image) / peak, 0, 1)


def crop_to_multiple(image: Image, factor: int) -> Image:
    """Return the image without the last rows and columns that do not fill a block."""
    height, width = (side - side % factor for side in image.shape[:2])
    if min(height, width) == 0:
        raise InputError(f"cannot shrink {image.shape[0]}x{image.shape[1]} by {factor}")
    return image[:height, :width]


def downscale(image: Image, factor: int) -> Image:
    """Return the image shrunk by a whole number with a Lanczos2 filter, clipped to [0, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
    small = Resample(factor, kernel="lanczos2")(tensor)[0].permute(1, 2, 0).numpy()
    result: Image = np.clip(small, 0, 1)
    return result


def blur(image: Image, kernel: NDArray[Any]) -> Image:
    """Return the image convolved by a kernel (kh, kw) of odd sides, mirrored at the edges."""
    operator = Blur(torch.from_numpy(np.asarray(kernel, dtype=np.float64)))
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
    result: Image = operator(tensor)[0].permute(1, 2, 0).numpy()
    return result


def mosaic(image: Image, pattern: Pattern) -> Image:
    """Return the (H, W, 1) mosaic that a sensor with this pattern of colours would see."""
    if image.shape[2] != 3:
        raise InputError(f"a mosaic is of 3 colours, the picture has {image.shape[2]} channels")
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
    result: Image = Mosaic(pattern)(tensor)[0].permute(1, 2, 0).numpy()
    return result


def interlace(image: Image, shift: int) -> Image:
    """Return the frame whose bottom field was taken when all had moved right by `shift` pixels."""
    if abs(shift) >= image.shape[1]:
        raise InputError(f"interlace is {shift}; wanted fewer pixels than the width")
    columns = np.clip(np.arange(image.shape[1]) - shift, 0, image.shape[1] - 1)
    result = image.copy()
    result[1::2] = image[1::2][:, columns]
    return result


def jpeg(image: Image, quality: int) -> Image:
    """Return the image after JPEG compression at this quality (8 bits, 4:2:0 as cameras do)."""
    from PIL import Image as Pillow

    buffer = io.BytesIO(jpeg_file(image, quality))
    decoded = np.asarray(Pillow.open(buffer), dtype=np.float64) / 255
    return decoded.reshape(image.shape)


def jpeg_file(image: Image, quality: int) -> bytes:
    """Return the image as a JPEG file of this quality (8 bits, 4:2:0 as cameras do)."""
    if not 1 <= quality <= 100:
        raise InputError(f"jpeg is {quality}; wanted a quality from 1 to 100")
    if image.shape[2] not in (1, 3):
        raise InputError(f"JPEG holds 1 or 3 channels, the picture has {image.shape[2]}")
    from PIL import Image as Pillow

    values = np.rint(image * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(values[:, :, 0] if values.shape[2] == 1 else values).save(
        buffer, "JPEG", quality=quality
    )
    return buffer.getvalue()


def missing(size: tuple[int, int], share: float, *, generator: Generator) -> NDArray[np.bool_]:
    """Return a mask (H, W), true = known, in which each pixel is missing with this probability."""
    if not 0 <= share < 1:
        raise InputError(f"missing is {share}; wanted a share from 0 up to but not including 1")
    return generator.random(size) >= share


def text_mask(size: tuple[int, int], text: str) -> NDArray[np.bool_]:
    """Return a mask (H, W), true = known, with lines of text all over it."""
    if not text.strip():
        raise InputError("text is empty; wanted some letters")
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    height, width = size
    letters = max(8, min(size) // 20)
    font: Any = ImageFont.load_default(size=letters)
    canvas = Pillow.new("L", (width, height), 255)
    draw = ImageDraw.Draw(canvas)
    line = f"{text.strip()} "
    line *= 1 + int(width // max(1.0, draw.textlength(line, font=font)))
    for top in range(letters // 2, height, 2 * letters):
        draw.text((0, top), line, fill=0, font=font)
    return np.asarray(canvas) > 127
