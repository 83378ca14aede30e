"""Deblurring by a known kernel: y = k * x."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.callbacks import Callback
from untrained.errors import InputError
from untrained.operators import Blur
from untrained.recipes import Recipe
from untrained.tasks.base import Asked, Given, Task, opened, run_task, size_of

__all__ = ["Deblur", "deblur", "read_kernel"]


class Deblur(Task):
    """y = k * x. File: `kernel`, a picture or .npy array."""

    name = "deblur"
    files = ("kernel",)

    def given(self, asked: Asked) -> Given:
        """Return the blur by the kernel."""
        if "kernel" not in asked.files:
            raise InputError("there is no kernel; give one with --kernel (PNG or .npy)")
        kernel = read_kernel(asked.files["kernel"])
        return _given(kernel, asked.picture.pixels.shape[1:3])


def deblur(
    image: NDArray[Any] | str | Path,
    kernel: NDArray[Any],
    *,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> NDArray[Any]:
    """Undo a known blur: y = k * x + noise, a convolution, each channel alike.

    Args:
        image: as for `denoise`.
        kernel: (kh, kw), both odd, not negative, its middle at the middle; its sum does not matter.
        channel_axis, recipe, seed, device, callbacks: as for `denoise`.

    Returns:
        the sharp image, same shape, dtype and range.

    Raises:
        InputError: as for `denoise`; also a kernel that is none, or larger than the image.
    """
    source = opened(image)
    given = _given(kernel, size_of(source, channel_axis))
    return run_task(
        "deblur", source, given, recipe=recipe, channel_axis=channel_axis,
        seed=seed, device=device, callbacks=callbacks,
    )  # fmt: skip


def read_kernel(path: Path) -> NDArray[np.float64]:
    """Return the values (kh, kw) of a .npy array or of a picture, whose channels are averaged.

    Raises:
        InputError: a file that cannot be read as either.
    """
    try:
        if path.suffix.lower() == ".npy":
            values = np.load(path, allow_pickle=False)
        else:
            from PIL import Image

            with Image.open(path) as picture:  # keeps the 16 bits of a gray PNG
                values = np.asarray(picture.convert("RGB") if picture.mode == "P" else picture)
                if picture.mode in ("LA", "RGBA"):
                    values = values[..., :-1]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except (OSError, ValueError):
        raise InputError(f"{path}: cannot be read; wanted a kernel as PNG or .npy") from None
    if values.dtype.kind not in "biuf":
        raise InputError(f"{path}: holds {values.dtype} values; wanted a kernel of real numbers")
    kernel: NDArray[np.float64] = values.astype(np.float64)
    return np.asarray(kernel.mean(axis=-1)) if kernel.ndim == 3 else kernel


def _given(kernel: NDArray[Any], size: tuple[int, ...]) -> Given:
    values = np.asarray(kernel, dtype=np.float64)
    total = values.sum()
    if values.size and (values.min() < 0 or not total > 0):
        raise InputError("kernel is negative or zero throughout; wanted weights of 0 and more")
    blur = Blur(torch.from_numpy(values / total).float())
    if any(k > s for k, s in zip(values.shape, size, strict=True)):
        got, wanted = ("x".join(map(str, shape)) for shape in (values.shape, size))
        raise InputError(f"kernel is {got}, the image is {wanted}; wanted a smaller kernel")
    return Given(operator=blur)
