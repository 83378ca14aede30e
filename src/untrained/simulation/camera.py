"""What a camera makes of light: photons counted behind a mosaic, demosaicked, coded, JPEG."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import convolve

from untrained.errors import InputError
from untrained.simulation.degrade import jpeg, mosaic

__all__ = ["camera_jpeg"]

Image = NDArray[np.float64]

# Malvar, He & Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color
# images", ICASSP 2004, figure 2; in eighths. Half of each is the other turned.
_GREEN = np.array([
    [0, 0, -1, 0, 0],
    [0, 0, 2, 0, 0],
    [-1, 2, 4, 2, -1],
    [0, 0, 2, 0, 0],
    [0, 0, -1, 0, 0],
]) / 8  # fmt: skip
_ALONG = np.array([
    [0, 0, 0.5, 0, 0],
    [0, -1, 0, -1, 0],
    [-1, 4, 5, 4, -1],
    [0, -1, 0, -1, 0],
    [0, 0, 0.5, 0, 0],
]) / 8  # fmt: skip
_DIAGONAL = np.array([
    [0, 0, -1.5, 0, 0],
    [0, 2, 0, 2, 0],
    [-1.5, 0, 6, 0, -1.5],
    [0, 2, 0, 2, 0],
    [0, 0, -1.5, 0, 0],
]) / 8  # fmt: skip


def camera_jpeg(
    image: Image,
    photons: float,
    *,
    generator: Generator,
    read_noise: float = 3.0,
    quality: int = 90,
) -> Image:
    """Return the JPEG that a camera would make of the scene in an sRGB picture (H, W, 3).

    The picture is made linear (sRGB), seen through an RGGB mosaic by a sensor that counts `photons`
    at white with `read_noise` electrons (Poisson and Gaussian), demosaicked (Malvar et al. 2004),
    given the sRGB curve again, and compressed; `quality` 0 = rounded to 8 bits instead.

    Raises:
        InputError: no three channels, or no photons.
    """
    if not photons > 0 or not read_noise >= 0:
        raise InputError(
            f"photons is {photons:g}, read_noise {read_noise:g}; wanted above 0, and 0 or more"
        )
    light = np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)
    seen = mosaic(light, "RGGB")[..., 0]
    counts = generator.poisson(photons * seen) + generator.normal(0, read_noise, seen.shape)
    linear = np.clip(_demosaicked(counts / photons), 0, 1)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return jpeg(coded, quality) if quality else np.rint(255 * coded) / 255


def _demosaicked(seen: NDArray[np.float64]) -> Image:
    """Return the colours (H, W, 3) of an RGGB mosaic (H, W)."""
    along, across = (convolve(seen, k, mode="mirror") for k in (_ALONG, _ALONG.T))
    green, other = (convolve(seen, k, mode="mirror") for k in (_GREEN, _DIAGONAL))
    colours = np.stack([seen] * 3, axis=-1)
    for own, (top, left) in ((0, (0, 0)), (2, (1, 1))):  # red, blue
        here = (slice(top, None, 2), slice(left, None, 2))
        beside = (slice(top, None, 2), slice(1 - left, None, 2))  # green in the same row
        below = (slice(1 - top, None, 2), slice(left, None, 2))
        colours[..., 1][here], colours[..., 2 - own][here] = green[here], other[here]
        colours[..., own][beside], colours[..., own][below] = along[beside], across[below]
    return colours
