"""Deblurring by an unknown kernel: y = k * x, both x and k to be found."""

from __future__ import annotations

from typing import Any, Unpack

import torch

from untrained.errors import InputError
from untrained.operators import Blur
from untrained.tasks.base import Asked, Given, Options, Source, Task, as_size
from untrained.tasks.calling import FitKeywords, as_asked, fit_task, opened, size_of

__all__ = ["DeblurBlind", "deblur_blind"]


class DeblurBlind(Task):
    """y = k * x. Option: `kernel_size`, the side of the square that holds k; k is an extra."""

    name = "deblur-blind"
    participle = "deblurred"

    def check(self, options: Options) -> None:
        """Refuse a size that has no middle."""
        _check_size(options["kernel_size"])

    def given(self, asked: Asked) -> Given:
        """Return a blur of that size; the fit finds its values."""
        return _given(asked.options["kernel_size"], asked.picture.pixels.shape[1:3])


def deblur_blind(
    image: Source,
    kernel_size: int,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Undo an unknown blur: y = k * x + noise, a convolution, each channel alike.

    One picture does not tell a sharp picture with a wide kernel from a soft one with a narrow
    kernel; what the networks find easier decides. Look at both, and try another `kernel_size`.

    Args:
        image: as for `denoise`; of a stack, the kernel is that of the last page.
        kernel_size: side of the square that holds the kernel, odd, somewhat larger than the blur.
        **fit: as for `denoise`.

    Returns:
        the sharp image, same shape, dtype and range, and the kernel (kernel_size, kernel_size),
        of sum 1, its centre of mass in the middle. With `return_result=True` the `Result`, which
        has the kernel in its `extras`.

    Raises:
        InputError: as for `denoise`; also a size that is even, or larger than the image.
    """
    _check_size(kernel_size)
    source = opened(image)
    given = _given(kernel_size, size_of(source, fit.get("channel_axis", -1)))
    restored, results = fit_task("deblur-blind", source, given, fit)
    if fit.get("return_result"):
        return as_asked(results)
    result = results[-1]
    if "kernel" not in result.extras:
        raise InputError(f"the fit ended without a kernel: {result.reason.advice}")
    return restored, result.extras["kernel"][0, 0].numpy()


def _check_size(size: int) -> None:
    size = as_size(size, "kernel_size")
    if size < 3 or size % 2 == 0:
        raise InputError(f"kernel_size is {size}; wanted an odd number from 3 up")


def _given(size: int, image: tuple[int, ...]) -> Given:
    if size > min(image):
        got = "x".join(map(str, image))
        raise InputError(f"kernel_size is {size}, the image is {got}; wanted a smaller kernel")
    return Given(operator=Blur(torch.full((size, size), 1 / size**2)))
