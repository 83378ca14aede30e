"""What a camera does to light: photons and read noise behind a mosaic, demosaicking, gamma, JPEG."""

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
_GREEN = np.array(
    [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
) / 8  # fmt: skip
_ALONG = np.array(
    [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]
) / 8  # fmt: skip
_DIAGONAL = np.array(
    [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]
) / 8  # fmt: skip


def camera_jpeg(
    image: Image, photons: float, *, generator: Generator, read_noise: float = 3.0, quality: int = 90
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
    red, blue = (0, 0), (1, 1)
    for here, there, channel in ((red, blue, 2), (blue, red, 0)):
        at = (slice(here[0], None, 2), slice(here[1], None, 2))
        colours[at + (1,)], colours[at + (channel,)] = green[at], other[at]
        row = (slice(here[0], None, 2), slice(there[1], None, 2))  # green beside `here`
        column = (slice(there[0], None, 2), slice(here[1], None, 2))
        own = 2 - channel
        colours[row + (own,)], colours[column + (own,)] = along[row], across[column]
    return colours
