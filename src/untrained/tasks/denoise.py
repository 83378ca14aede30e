"""Noise removal: y = x + noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from untrained.callbacks import Callback
from untrained.recipes import Recipe
from untrained.tasks.base import Asked, Given, Options, Task, check_sigma, run_task

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
    image: NDArray[Any] | str | Path,
    *,
    sigma: float | None = None,
    photons: float | None = None,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> NDArray[Any]:
    """Remove noise from an image: y = x + noise.

    Args:
        image: (H, W) or (H, W, C), or the path of a picture file.
        sigma: standard deviation of the noise in the units of the image; None = estimated.
        photons: instead of sigma, for pictures of little light: how many photons white stands for.
        channel_axis: the axis of the channels.
        recipe: the name of a denoising recipe, or a recipe.
        seed: of every random number: same seed, same machine, same image.
        device: auto, cpu, cuda, cuda:N or mps.
        callbacks: observers of the fit.

    Returns:
        the restored image, same shape, dtype and range. NaN pixels are filled.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
    """
    return run_task(
        "denoise", image, Given(sigma=sigma, photons=photons), recipe=recipe,
        channel_axis=channel_axis, seed=seed, device=device, callbacks=callbacks,
    )  # fmt: skip
