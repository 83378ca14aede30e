"""The noise of an observation: given by the caller, or estimated."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from untrained.errors import InputError
from untrained.images import UnitRange, white_of
from untrained.noise import (
    Doubt,
    NoiseModel,
    clipped_gaussian,
    clipped_poisson,
    estimate_noise,
    is_piled_up,
    white,
)
from untrained.restoring.given import Given

__all__ = ["DOUBTS", "noise_of"]

DOUBTS: dict[Doubt, str] = {
    "": "",
    "grain": "no stronger than the grain of a clean picture",
    "texture": "not to be told from texture",
}
"""What a doubtful noise is, in words."""

_MOST_PHOTONS = 10_000  # beyond that, noise is below a quarter of an 8-bit level


def noise_of(
    observed: Tensor, known: Tensor | None, given: Given, unit_range: UnitRange
) -> NoiseModel | None:
    """Return the noise in the unit range; None = it is not known, and y is no picture to tell.

    Raises:
        InputError: a level out of range, or two.
    """
    if given.photons is not None:
        if given.sigma is not None:
            raise InputError("both sigma and photons were given; wanted one of them")
        if not 0 < given.photons <= _MOST_PHOTONS:
            raise InputError(
                f"photons is {given.photons}; wanted more than 0, up to {_MOST_PHOTONS}"
            )
        return _photon_noise(given.photons, unit_range)
    if given.sigma is None:
        if not given.of_a_picture:
            return None
        return estimate_noise(observed, known, apart=unit_range.is_apart)
    if not 0 <= given.sigma < float("inf"):
        raise InputError(f"sigma is {given.sigma}; wanted 0 or more, in the units of the image")
    if unit_range.is_apart:
        levels = torch.as_tensor(given.sigma / unit_range.scale, dtype=torch.float32)
        strengths = levels / levels.max().clamp_min(1e-12)
        return replace(white(float(levels.max())), channels=strengths)
    level = given.sigma / float(unit_range.scale)
    if not given.of_a_picture:
        return white(level)
    found = estimate_noise(observed, known)
    if found is not None and found.correlation is not None and found.doubtful != "texture":
        return found.of_sigma(level)  # how neighbours share their noise was not given
    # Pixels that pile up at black or white show that the noise has been clipped there.
    piled_up = is_piled_up(observed, top=unit_range.peak)
    return clipped_gaussian(level, top=unit_range.peak) if piled_up else white(level)


def _photon_noise(photons: float, unit_range: UnitRange) -> NoiseModel:
    """Return the noise of light in the unit range, to which dark pictures are stretched."""
    if unit_range.is_apart:
        raise InputError(
            "the channels have little in common, so that no number of photons is white for all; "
            "leave photons out, or restore the channels one by one"
        )
    low, scale, full = float(unit_range.offset), float(unit_range.scale), white_of(unit_range.dtype)
    if low < 0 or low + scale > full * (1 + 1e-6):
        raise InputError(
            f"the image goes from {low:g} to {low + scale:g}; with photons wanted 0 to white, "
            f"which is {full:g}; divide by what stands for white in it, and clip"
        )
    return clipped_poisson(photons, black=-low / scale, white=(full - low) / scale)
