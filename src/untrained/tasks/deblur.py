"""Deblurring by a known kernel: y = k * x."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images import read_kernel
from untrained.operators import Blur
from untrained.tasks.base import Asked, Given, Source, Task
from untrained.tasks.calling import FitKeywords, opened, run_task, size_of

__all__ = ["Deblur", "deblur"]


class Deblur(Task):
    """y = k * x. File: `kernel`, a picture or .npy array."""

    name = "deblur"
    participle = "deblurred"
    files = ("kernel",)

    def given(self, asked: Asked) -> Given:
        """Return the blur by the kernel."""
        if "kernel" not in asked.files:
            raise InputError("there is no kernel; give one with --kernel (PNG or .npy)")
        return _given(read_kernel(asked.files["kernel"]), asked.picture.pixels.shape[1:3])


def deblur(
    image: Source,
    kernel: Source,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Undo a known blur: y = k * x + noise, a convolution, each channel alike.

    Args:
        image: as for `denoise`.
        kernel: (kh, kw), both odd, not negative, its middle at the middle; its sum does not matter.
            Or the path of a picture, .npy or text file. It lies over the picture as stored.
        **fit: as for `denoise`.

    Returns:
        the sharp image, same shape, dtype and range.

    Raises:
        InputError: as for `denoise`; also a kernel that is none, or larger than the image.
    """
    source = opened(image)
    given = _given(read_kernel(kernel), size_of(source, fit.get("channel_axis", -1)))
    return run_task("deblur", source, given, fit)


def _given(values: NDArray[np.float64], size: tuple[int, ...]) -> Given:
    total = values.sum()
    if values.min() < 0 or not total > 0:
        raise InputError("kernel is negative or zero throughout; wanted weights of 0 and more")
    blur = Blur(torch.from_numpy(values / total).float())
    if any(k > s for k, s in zip(values.shape, size, strict=True)):
        got, wanted = ("x".join(map(str, shape)) for shape in (values.shape, size))
        raise InputError(f"kernel is {got}, the image is {wanted}; wanted a smaller kernel")
    return Given(operator=blur)
