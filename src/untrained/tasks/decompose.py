"""Taking a picture apart: y = m a + (1 - m) b."""

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
from untrained.tasks.base import Asked, Given, Task
from untrained.tasks.whole import check_whole

__all__ = ["Decompose", "decompose"]


class Decompose(Task):
    """y = m a + (1 - m) b; the picture written is a, with `second` (b) and `mask` beside it.

    File: `hint`, a picture of the same size, brighter where the first layer is thought to be.
    """

    name = "decompose"
    files = ("hint",)

    def given(self, asked: Asked) -> Given:
        """Return the hint in [0, 1]."""
        check_whole(asked)
        hint = asked.read("hint")
        if hint is None:
            return Given()
        return Given(guide=_in_unit_range(hint.pixels[0]))


def decompose(
    image: NDArray[Any],
    *,
    hint: NDArray[Any] | None = None,
    channel_axis: int | None = -1,
    recipe: str | Recipe = "fast",
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float32]]:
    """Take an image apart into two layers and a mask: y = m a + (1 - m) b.

    Without a hint the layers may come in either order, and what the picture itself does not tell
    apart stays together.

    Args:
        image: (H, W) or (H, W, C).
        hint: (H, W), larger where the first layer is thought to be; rough is enough.
        channel_axis, recipe, seed, device, callbacks: as for `denoise`. Recipes: `fast` for
            one layer transparently over the other, `regions` for two side by side.

    Returns:
        a and b, each like the image, and m, (H, W) in [0, 1].

    Raises:
        InputError: as for `denoise`.
    """
    chosen = find_recipe("decompose", recipe) if isinstance(recipe, str) else recipe
    result = restore(
        image, recipe=chosen, guide=None if hint is None else _in_unit_range(hint),
        channel_axis=channel_axis, seed=seed, device=device, callbacks=callbacks,
    )  # fmt: skip
    assert result.image is not None
    if "second" not in result.extras:
        raise InputError(f"the fit ended without layers: {result.reason.advice}")
    unit_range = to_unit(image, channel_axis=channel_axis)[2]
    second = from_unit(
        result.extras["second"], unit_range, ndim=np.ndim(image), channel_axis=channel_axis
    )
    return result.image, second, result.extras["mask"][0, 0].numpy()


def _in_unit_range(hint: NDArray[Any]) -> NDArray[np.float32]:
    values = np.asarray(hint, dtype=np.float32)
    values = values - values.min()
    return values / max(float(values.max()), 1e-12)
