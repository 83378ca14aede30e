"""The tasks: each chooses an operator and a recipe, and calls `restore`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.callbacks import Callback
from untrained.errors import InputError
from untrained.images import read_picture
from untrained.operators import LinearOperator, Resample
from untrained.recipes import Recipe, find_recipe
from untrained.restore import Hooks, restore, restore_picture

__all__ = ["denoise", "inpaint", "task_operator", "upscale"]


def denoise(
    image: NDArray[Any] | str | Path,
    *,
    sigma: float | None = None,
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
    return _run(
        "denoise", image, recipe, channel_axis, sigma=sigma, seed=seed, device=device,
        callbacks=callbacks,
    )  # fmt: skip


def inpaint(
    image: NDArray[Any] | str | Path,
    mask: NDArray[Any] | None = None,
    *,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> NDArray[Any]:
    """Fill the missing pixels of an image: y = m x.

    Args:
        image: as for `denoise`. NaN pixels are missing, and transparent ones of a file.
        mask: (H, W), true (or above half of its largest value) = known; None = the finite
            (opaque) pixels are.
        channel_axis, recipe, seed, device, callbacks: as for `denoise`.

    Returns:
        the filled image, same shape, dtype and range.

    Raises:
        InputError: as for `denoise`; also if there is nothing to fill.
    """
    return _run(
        "inpaint", image, recipe, channel_axis, mask=mask, seed=seed, device=device,
        callbacks=callbacks,
    )  # fmt: skip


def upscale(
    image: NDArray[Any] | str | Path,
    factor: int = 4,
    *,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> NDArray[Any]:
    """Enlarge an image: y = A x with A a Lanczos2 downsampling by `factor`.

    Args:
        image: as for `denoise`.
        factor: a whole number from 2 up.
        channel_axis, recipe, seed, device, callbacks: as for `denoise`.

    Returns:
        the enlarged image, `factor` times the height and width, same dtype and range.

    Raises:
        InputError: as for `denoise`; also a factor under 2.
    """
    return _run(
        "upscale", image, recipe, channel_axis, operator=task_operator("upscale", factor),
        seed=seed, device=device, callbacks=callbacks,
    )  # fmt: skip


def task_operator(task: str, factor: int = 4) -> LinearOperator | None:
    """Return the operator of a task; None = the identity."""
    if task != "upscale":
        return None
    if factor < 2:
        raise InputError(f"factor is {factor}; wanted a whole number from 2 up")
    return Resample(factor, kernel="lanczos2")


def _run(
    task: str, image: NDArray[Any] | str | Path, recipe: str | Recipe, channel_axis: int | None,
    *, callbacks: Sequence[Callback], **options: Any,
) -> NDArray[Any]:  # fmt: skip
    chosen = find_recipe(task, recipe) if isinstance(recipe, str) else recipe
    if isinstance(image, (str, Path)):
        picture, _ = restore_picture(
            read_picture(image),
            recipe=chosen,
            hooks=lambda _: Hooks(callbacks=callbacks),
            **options,
        )
        return picture.to_array()
    mask = options.get("mask")
    if task == "inpaint" and mask is None and np.isfinite(image).all():
        raise InputError("nothing to inpaint: there is no mask and no NaN pixel; give a mask")
    result = restore(
        image, recipe=chosen, channel_axis=channel_axis, callbacks=callbacks, **options
    )
    assert result.image is not None
    return result.image
