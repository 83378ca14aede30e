"""Noise removal: y = x + noise."""

from __future__ import annotations

from typing import Any, Unpack

from untrained.tasks.base import (
    Asked,
    FitKeywords,
    Given,
    Options,
    Source,
    Task,
    check_sigma,
    run_task,
)

__all__ = ["Denoise", "denoise"]


class Denoise(Task):
    """y = x + noise. Options: `sigma` and `sigma_in_units`; None = estimated. Or `photons`."""

    name = "denoise"

    def check(self, options: Options) -> None:
        """Refuse a negative sigma."""
        check_sigma(options)

    def given(self, asked: Asked) -> Given:
        """Return the noise level; runs of older versions know no photons."""
        return Given(sigma=asked.sigma(), photons=asked.options.get("photons"))


def denoise(
    image: Source,
    *,
    sigma: float | None = None,
    photons: float | None = None,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Remove noise from an image: y = x + noise.

    Args:
        image: (H, W) or (H, W, C), or the path of a picture file.
        sigma: standard deviation of the noise in the units of the image; None = estimated.
        photons: instead of sigma, for pictures of little light: how many photons white stands for.
        **fit: channel_axis, recipe, steps, settings, truth, seed, device, callbacks, progress,
            return_result: see `FitKeywords`.

    Returns:
        the restored image, same shape, dtype and range. NaN pixels are filled. With
        `return_result=True` the whole `Result`, whose `image` it is.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
    """
    return run_task("denoise", image, Given(sigma=sigma, photons=photons), fit)
