"""Flash / no-flash: the light of one picture, the details of another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.callbacks import Callback
from untrained.errors import InputError
from untrained.images import read_picture
from untrained.recipes import Recipe
from untrained.tasks.base import Asked, Given, Task, run_task

__all__ = ["Flash", "flash"]


class Flash(Task):
    """y = x + noise, and a guide. File: `guide`, a picture of the same scene and size."""

    name = "flash"
    files = ("guide",)

    def given(self, asked: Asked) -> Given:
        """Return the guide."""
        guide = asked.read("guide")
        if guide is None:
            raise InputError("there is no guide; give the picture with flash, or --guide")
        return Given(guide=guide.pixels[0])


def flash(
    image: NDArray[Any] | str | Path,
    guide: NDArray[Any] | str | Path,
    *,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> NDArray[Any]:
    """Restore an image with another picture of the scene as the network's input.

    Args:
        image: the picture without flash, whose light is wanted; as for `denoise`.
        guide: the picture with flash; or a depth map, another channel …: (H, W) or (H, W, C), of
            the image's height and width, any dtype and range; or the path of a picture file.
        channel_axis, recipe, seed, device, callbacks: as for `denoise`.

    Returns:
        the restored image, same shape, dtype and range.

    Raises:
        InputError: as for `denoise`; also a guide of another size.
    """
    # beside an array, channels are where those of the array are
    axis = -1 if isinstance(image, (str, Path)) or channel_axis is None else channel_axis
    other = guide
    if isinstance(other, (str, Path)):
        other = np.moveaxis(read_picture(other).pixels[0], -1, axis)
    return run_task(
        "flash", image, Given(guide=other), recipe=recipe, channel_axis=channel_axis,
        seed=seed, device=device, callbacks=callbacks,
    )  # fmt: skip
