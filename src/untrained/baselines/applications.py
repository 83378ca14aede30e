"""Classical methods for single kinds of damage: JPEG, little light, mosaics, interlacing, haze."""

from __future__ import annotations

import io
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.baselines.base import Image, Known, array_of, mask_of, tensor_of
from untrained.errors import InputError
from untrained.objectives.dehaze import airlight, dark_channel
from untrained.operators import JpegTables, Mosaic

__all__ = ["bilinear", "dark_channel_prior", "guided_filter", "jpeg_again", "jpeg_tv",
           "line_averaging"]  # fmt: skip

# What Pillow can write; other samplings are rare, and 4:2:0 is the nearest to most.
_SAMPLINGS = {(1, 1): "4:4:4", (2, 1): "4:2:2"}


def jpeg_again(observed: Image, known: Known) -> Image:
    """Return the mean of the picture compressed again at all 64 shifts of its blocks.

    Each shift puts the borders of the blocks elsewhere, so the mean has none. Nosratinia,
    "Enhancement of JPEG-compressed images by re-application of JPEG", J. VLSI Signal Processing
    27, 2001.
    """
    from PIL import Image as Pillow

    tables = _tables(known)
    height, width, channels = observed.shape
    steps = [list(tables.luma), list(tables.chroma)][: 2 if channels == 3 else 1]
    wide = np.pad(observed, ((8, 8), (8, 8), (0, 0)), mode="symmetric")
    values = np.rint(255 * np.clip(wide, 0, 1)).astype(np.uint8)
    total = np.zeros_like(observed)
    for top, left in product(range(8), range(8)):
        moved = np.ascontiguousarray(values[top:, left:])
        buffer = io.BytesIO()
        Pillow.fromarray(moved[:, :, 0] if channels == 1 else moved).save(
            buffer, "JPEG", qtables=steps, subsampling=_SAMPLINGS.get(tables.sampling, "4:2:0")
        )
        with Pillow.open(buffer) as picture:
            again = np.asarray(picture).reshape(moved.shape)
        total += again[8 - top :, 8 - left :][:height, :width]
    return total / (64 * 255)


def jpeg_tv(observed: Image, known: Known) -> Image:
    """Return scikit-image's total variation denoising, its weight by the quantisation.

    The weight is 0.15 of the mean luma step of the lowest vertical frequency.
    """
    from skimage.restoration import denoise_tv_chambolle

    weight = 0.15 * float(np.mean(_tables(known).luma[:8])) / 255
    return np.asarray(denoise_tv_chambolle(observed, weight=weight, channel_axis=-1))


def guided_filter(observed: Image, known: Known) -> Image:
    """Return the guided filter of radius 4 and ε = 3e-4: locally, the image is linear in the guide.

    He, Sun & Tang, "Guided image filtering", ECCV 2010.

    Raises:
        InputError: no guide.
    """
    if known.guide is None:
        raise InputError("the guided filter needs the other picture; give one as the guide")
    return _guided(observed, known.guide, radius=4, epsilon=3e-4)


def bilinear(observed: Image, known: Known) -> Image:
    """Return for every pixel and colour the mean of the nearest that were measured, (H, W, 3)."""
    import scipy.ndimage

    masks = Mosaic(known.pattern).masks(*observed.shape[:2])
    measured = array_of(masks)
    taps = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])[:, :, None]

    def spread(image: Image) -> Image:
        return np.asarray(scipy.ndimage.convolve(image, taps, mode="mirror"))

    return spread(observed * measured) / spread(measured)


def line_averaging(observed: Image, known: Known) -> Image:
    """Return the known lines, and between two of them their mean.

    Raises:
        InputError: no mask, or one without a known line.
    """
    kept = np.flatnonzero(mask_of(known).any(axis=1))
    if not kept.size:
        raise InputError("the mask has no known line; give one, true = known")
    rows = np.arange(len(observed))
    above = kept[np.maximum(np.searchsorted(kept, rows, side="right") - 1, 0)]
    below = kept[np.minimum(np.searchsorted(kept, rows), len(kept) - 1)]
    return np.asarray((observed[above] + observed[below]) / 2)


def dark_channel_prior(observed: Image, known: Known) -> Image:
    """Return J = (y - A) / max(t, 0.1) + A, t = 1 - 0.95 dark(y / A), its edges the picture's.

    dark = the least value over the channels and 15x15 pixels. He, Sun & Tang, "Single image haze
    removal using dark channel prior", TPAMI 2011; t is refined by the guided filter of the same
    authors (radius 20, ε = 1e-3) in place of matting.
    """
    hazy = tensor_of(observed)
    light = airlight(hazy, patch=15)
    haziness = dark_channel(hazy / light.clamp_min(1e-3), patch=15).clamp(0, 1)
    through = _guided(array_of(1 - 0.95 * haziness), observed, radius=20, epsilon=1e-3)
    colour = array_of(light)
    return (observed - colour) / np.clip(through, 0.1, 1) + colour


def _tables(known: Known) -> JpegTables:
    if known.tables is None:
        raise InputError("the quantisation tables are missing; give one pair, as `read_tables`")
    return known.tables


def _guided(image: Image, guide: Image, *, radius: int, epsilon: float) -> Image:
    """Return mean(a) · guide + mean(b), a = (cov(guide) + ε)⁻¹ cov(guide, image) in each box."""
    mean_guide, mean_image = _box(guide, radius), _box(image, radius)
    covariance = _box(_outer(guide, guide), radius) - _outer(mean_guide, mean_guide)
    shared = _box(_outer(guide, image), radius) - _outer(mean_guide, mean_image)
    slope = np.linalg.solve(covariance + epsilon * np.eye(guide.shape[2]), shared)  # (H, W, G, C)
    offset = mean_image - _applied(slope, mean_guide)
    return _applied(_box(slope, radius), guide) + _box(offset, radius)


def _applied(slope: NDArray[Any], guide: Image) -> Image:
    return np.asarray((guide[:, :, None, :] @ slope)[:, :, 0, :])


def _box(values: NDArray[Any], radius: int) -> NDArray[np.float64]:
    """Return the mean over (2 · radius + 1)² pixels, mirrored at the edges."""
    import scipy.ndimage

    size = (2 * radius + 1, 2 * radius + 1, *[1] * (values.ndim - 2))
    return np.asarray(scipy.ndimage.uniform_filter(values, size, mode="reflect"))


def _outer(a: Image, b: Image) -> NDArray[np.float64]:
    return a[:, :, :, None] * b[:, :, None, :]
