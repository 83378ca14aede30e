"""Taking a picture apart into layers: y = m a + (1 - m) b."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.arrays import from_unit, to_unit
from untrained.callbacks import Callback
from untrained.errors import InputError
from untrained.images import Picture, with_pixels
from untrained.recipes import Recipe
from untrained.tasks.base import Given, Task, fit_task, opened

__all__ = ["Decompose", "decompose"]


class Decompose(Task):
    """y = m a + (1 - m) b; the picture written is a; b and m are extras, `second` and `mask`."""

    name = "decompose"


def decompose(
    image: NDArray[Any] | str | Path,
    *,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> tuple[NDArray[Any], NDArray[Any], float]:
    """Take an image apart into a layer seen through another: y = m a + (1 - m) b.

    The layers may come in either order, a constant may move from one to the other, and layers that
    look alike stay together: one picture does not tell more. Of the two mixtures of a photograph
    and stripes that it was tried on, straight stripes came off and winding ones did not.

    Args:
        image: as for `denoise`; of one page.
        channel_axis, recipe, seed, device, callbacks: as for `denoise`.

    Returns:
        a and b, each like the image, and m, one number from 0 to 1.

    Raises:
        InputError: as for `denoise`; also a stack.
    """
    source = opened(image)
    if isinstance(source, Picture) and len(source.pixels) > 1:
        raise InputError(f"{image}: is a stack of {len(source.pixels)} pages; wanted one picture")
    first, result = fit_task(
        "decompose", source, Given(), recipe=recipe, channel_axis=channel_axis, seed=seed,
        device=device, callbacks=callbacks,
    )  # fmt: skip
    if "second" not in result.extras:
        raise InputError(f"the fit ended without layers: {result.reason.advice}")
    layer = result.extras["second"]
    if isinstance(source, Picture):
        pixels = from_unit(layer, to_unit(source.pixels[0])[2])
        second = with_pixels(source, pixels[None], alpha=source.alpha).to_array()
    else:
        unit_range = to_unit(source, channel_axis=channel_axis)[2]
        second = from_unit(layer, unit_range, ndim=np.ndim(source), channel_axis=channel_axis)
    return first, second, float(result.extras["mask"].mean())
