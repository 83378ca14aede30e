"""A short series of pictures restored by one fit, its frames the channels of one image."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.restoring import MOST_TOGETHER, cut_into_windows
from untrained.tasks.base import Given
from untrained.tasks.calling import FitKeywords, fit_task

__all__ = ["restore_series"]


def restore_series(
    frames: NDArray[Any],
    *,
    sigma: float | None = None,
    together: int = MOST_TOGETHER,
    **fit: Unpack[FitKeywords],
) -> NDArray[Any]:
    """Remove noise from a short series of frames, so many of them together in one fit.

    The frames are channels of one image: the network draws all of them from all of them, and what
    is alike in several is learned from several. Noise has to be independent between frames.

    Args:
        frames: (T, H, W) or (T, H, W, C), any dtype and range; one range for all.
        sigma: standard deviation of the noise in the units of the frames; None = estimated.
        together: the most frames of a fit; a longer series goes in windows, of which from four
            frames up the ones at the ends are only shown: the next window restores them.
        **fit: recipe, steps, settings, seed, device, progress: see `FitKeywords`; of denoising.

    Returns:
        the restored frames, same shape, dtype and range.

    Raises:
        InputError: no such array, or a keyword that is not of a series.
    """
    frames = np.asanyarray(frames)
    if frames.ndim not in (3, 4) or len(frames) == 0:
        raise InputError(
            f"frames is of shape {frames.shape}; wanted (T, H, W) or (T, H, W, C), T from 1 up"
        )
    if together < 1:
        raise InputError(f"together is {together}; wanted 1 or more frames in a fit")
    for name in ("channel_axis", "truth", "return_result"):
        if fit.get(name) is not None:
            raise InputError(f"a series takes no {name}; restore its frames one by one for that")
    restored = np.empty_like(frames)
    for window in cut_into_windows(range(len(frames)), together):
        found = _restored(frames[list(window.shown)], sigma, fit)
        restored[list(window.kept)] = found[: len(window.kept)]
    return restored


def _restored(frames: NDArray[Any], sigma: float | None, fit: FitKeywords) -> NDArray[Any]:
    """Return frames (T, H, W) or (T, H, W, C), restored by one fit."""
    last = np.moveaxis(frames, 0, -1)  # (H, W, T) or (H, W, C, T)
    image = last.reshape(*last.shape[:2], -1)
    restored, _ = fit_task("denoise", image, Given(sigma=sigma), fit)
    return np.ascontiguousarray(np.moveaxis(restored.reshape(last.shape), -1, 0))
