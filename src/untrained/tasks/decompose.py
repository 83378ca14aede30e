"""Taking a picture apart into layers: y = m a + (1 - m) b."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.arrays import from_unit, to_unit
from untrained.callbacks import Callback
from untrained.errors import InputError
from untrained.recipes import Recipe, find_recipe
from untrained.restore import restore
from untrained.tasks.base import Task

__all__ = ["Decompose", "decompose"]


class Decompose(Task):
    """y = m a + (1 - m) b; the picture written is a; b and m are extras, `second` and `mask`."""

    name = "decompose"


def decompose(
    image: NDArray[Any],
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
        image: (H, W) or (H, W, C).
        channel_axis, recipe, seed, device, callbacks: as for `denoise`.

    Returns:
        a and b, each like the image, and m, one number from 0 to 1.

    Raises:
        InputError: as for `denoise`.
    """
    chosen = find_recipe("decompose", recipe) if isinstance(recipe, str) else recipe
    result = restore(
        image, recipe=chosen, channel_axis=channel_axis, seed=seed, device=device,
        callbacks=callbacks,
    )  # fmt: skip
    assert result.image is not None
    if "second" not in result.extras:
        raise InputError(f"the fit ended without layers: {result.reason.advice}")
    unit_range = to_unit(image, channel_axis=channel_axis)[2]
    second = from_unit(
        result.extras["second"], unit_range, ndim=np.ndim(image), channel_axis=channel_axis
    )
    return result.image, second, float(result.extras["mask"].mean())
