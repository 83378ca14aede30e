"""Noise removal: y = x + noise."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack

import numpy as np

from untrained.errors import InputError
from untrained.images import Picture, blended, check_strength, with_pixels
from untrained.restoring import Window, windows_along
from untrained.tasks.base import Asked, Given, Options, Source, Task, check_sigma
from untrained.tasks.calling import FitKeywords, as_asked, fit_task, opened

__all__ = ["Denoise", "denoise"]


class Denoise(Task):
    """y = x + noise. Options: `sigma` and `sigma_in_units`; None = estimated. Or `photons`.

    And `strength` and `colour_strength`: how much of the noise is taken away, 0 to 1. And `joint`:
    z, t or c, the axis of a stack along which pages are restored together; None = each by itself.
    """

    name = "denoise"
    participle = "denoised"
    afterwards = ("strength", "colour_strength")

    def check(self, options: Options) -> None:
        """Refuse a negative sigma, or a strength that is none."""
        check_sigma(options)
        check_strength(**{name: options.get(name) for name in self.afterwards})
        _check_joint(options.get("joint"))

    def windows(self, picture: Picture, options: Options) -> tuple[Sequence[Window], str]:
        """Return the pages that `joint` asks to restore together."""
        joint = options.get("joint")
        return ((), "") if joint is None else windows_along(picture, joint)

    def finished(self, before: Picture, after: Picture, options: Options) -> Picture:
        """Return the blend of the two that the strengths ask for."""
        strength, colour = (options.get(name) for name in self.afterwards)
        pixels = blended(
            before.pixels, after.pixels, strength=1.0 if strength is None else strength,
            colour_strength=colour,
        )  # fmt: skip
        return with_pixels(after, pixels)

    def given(self, asked: Asked) -> Given:
        """Return the noise level; runs of older versions know no photons."""
        return Given(sigma=asked.sigma(), photons=asked.options.get("photons"))


def _check_joint(joint: object) -> None:
    """Raise InputError for what is no axis."""
    if joint is not None and joint not in _AXES:
        raise InputError(f"joint is {joint!r}; wanted z, t or c")


_AXES = ("z", "t", "c")


def denoise(
    image: Source,
    *,
    sigma: float | None = None,
    photons: float | None = None,
    strength: float = 1.0,
    colour_strength: float | None = None,
    joint: Literal["z", "t", "c"] | None = None,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Remove noise from an image: y = x + noise.

    Args:
        image: (H, W) or (H, W, C), or the path of a picture file.
        sigma: standard deviation of the noise in the units of the image; None = estimated.
        photons: instead of sigma, for pictures of little light: how many photons white stands for.
        strength: how much of what was found to be noise is taken away, 0 to 1: a blend with the
            image given, after the fit.
        colour_strength: likewise for the noise of the colours alone; None = as `strength`.
        joint: of a file with several pages: the axis along which they are restored together, up to
            eight by one fit; None = each by itself. Of an array see `restore_series`.
        **fit: channel_axis, recipe, steps, settings, truth, seed, device, callbacks, progress,
            return_result: see `FitKeywords`.

    Returns:
        the restored image, same shape, dtype and range. NaN pixels are filled. With
        `return_result=True` the whole `Result`, whose `image` it is.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
    """
    check_strength(strength=strength, colour_strength=colour_strength)
    _check_joint(joint)
    source = opened(image)
    given = Given(sigma=sigma, photons=photons)
    windows: Sequence[Window] = ()
    if joint is not None:
        if not isinstance(source, Picture):
            raise InputError("joint is for files of several pages; restore_series takes an array")
        windows, note = windows_along(source, joint)
        given = replace(given, notes=(note,) if note else ())
    restored, results = fit_task("denoise", source, given, fit, windows)
    given_as = source.pixels if isinstance(source, Picture) else [np.asarray(source)]
    axis = -1 if isinstance(source, Picture) else fit.get("channel_axis", -1)
    weaker = functools.partial(
        blended, strength=strength, colour_strength=colour_strength, channel_axis=axis
    )
    if not fit.get("return_result"):
        before = source.to_array() if isinstance(source, Picture) else given_as[0]
        return weaker(before, restored)
    return as_asked([
        replace(result, image=weaker(page, np.asarray(result.image)))
        for page, result in zip(given_as, results, strict=False)
    ])  # fmt: skip
