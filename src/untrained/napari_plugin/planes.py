"""What the widget does, without napari: an array of any number of axes, plane by plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.fitting import Callback, Check
from untrained.images import blended, check_strength
from untrained.operators import Resample
from untrained.recipes import as_recipe, with_settings
from untrained.restoring import Execution, Given, restore

__all__ = ["TASKS", "Asked", "Progress", "Restored", "restore_planes"]

TASKS = {"denoise": "Remove noise", "inpaint": "Fill in", "upscale": "Enlarge"}
"""The tasks that need nothing but layers, and what they are called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to be done.

    Attributes:
        task: one of `TASKS`.
        recipe: the name of one of its recipes.
        strength: of denoising: how much of the noise is taken away, 0 to 1.
        factor: of enlarging.
        steps: the most steps of a fit; None = the recipe's.
        seed: of every random number.
    """

    task: str = "denoise"
    recipe: str = "fast"
    strength: float = 1.0
    factor: int = 2
    steps: int | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where a plane stands: `step` of at most `steps`, and it is number `plane` of `planes`."""

    plane: int
    planes: int
    step: int
    steps: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Restored:
    """What came of it.

    Attributes:
        data: of the shape given, but for enlarging, and its dtype.
        notes: what the user may not expect, a sentence each.
        planes: how many were begun; the others are as they were, or their pixels repeated.
        stopped: whether it was ended before its time.
    """

    data: NDArray[Any]
    notes: tuple[str, ...] = ()
    planes: int = 0
    stopped: bool = False


def restore_planes(
    data: NDArray[Any],
    asked: Asked,
    *,
    rgb: bool = False,
    fill: NDArray[Any] | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Restored:
    """Restore every plane of an array, each by a fit of its own.

    Args:
        data: (…, H, W), or (…, H, W, 3 or 4) with `rgb`; a fourth channel is opacity and stays.
        asked: what is to be done.
        rgb: whether the last axis is that of the colours.
        fill: of `inpaint`: (H, W) or (…, H, W), not 0 = to be filled, beside what is not finite.
        on_progress: hears of every few steps.
        cancelled: polled; true = keep the best of this plane, and leave the others.

    Raises:
        InputError: a plane that cannot be restored; one line with the remedy.
    """
    check_strength(strength=asked.strength)
    recipe = as_recipe(asked.recipe, task=asked.task)
    if asked.steps is not None:
        recipe = with_settings(recipe, {"max_steps": asked.steps})
    axes = 3 if rgb else 2
    if data.ndim < axes:
        raise InputError(f"the layer is of shape {data.shape}; wanted (…, height, width)")
    lead, size = data.shape[: data.ndim - axes], data.shape[data.ndim - axes :][:2]
    planes = data.reshape(-1, *data.shape[data.ndim - axes :])
    opacity = planes[..., 3:] if rgb else None
    planes = planes[..., :3] if rgb else planes
    holes = _holes(fill, lead, size, len(planes)) if asked.task == "inpaint" else None
    factor = _factor(asked)
    after = [_enlarged(plane, factor) for plane in planes]
    notes: dict[str, None] = {}
    begun, stopped = 0, False
    for number, plane in enumerate(planes):
        stopped = stopped or cancelled()
        if stopped:
            break
        mask = None if holes is None else ~holes[number]
        if mask is not None and mask.all() and np.isfinite(plane).all():
            continue  # nothing to fill here
        begun += 1
        result = restore(
            plane, recipe=recipe, seed=asked.seed, channel_axis=-1,
            given=Given(
                mask=mask, operator=None if factor == 1 else Resample(factor, kernel="lanczos2")
            ),
            execution=Execution(
                callbacks=[_Watcher(number + 1, len(planes), on_progress)], cancelled=cancelled
            ),
        )  # fmt: skip
        assert result.image is not None
        weaker = asked.task == "denoise"
        after[number] = (
            blended(plane, result.image, strength=asked.strength) if weaker else result.image
        )
        notes.update(dict.fromkeys(result.notes))
        stopped = result.cut_short
    if asked.task == "inpaint" and not begun and not stopped:
        raise InputError("nothing to fill; paint what is to be filled into a Labels layer")
    restored = np.stack(after)
    if opacity is not None:
        beside = np.stack([_enlarged(plane, factor) for plane in opacity])
        restored = np.concatenate([restored, beside], axis=-1)
    return Restored(
        data=restored.reshape(*lead, *restored.shape[1:]), notes=tuple(notes), planes=begun,
        stopped=stopped,
    )  # fmt: skip


def _factor(asked: Asked) -> int:
    if asked.task != "upscale":
        return 1
    if asked.factor < 2:
        raise InputError(f"factor is {asked.factor}; wanted a whole number from 2 up")
    return asked.factor


def _holes(
    fill: NDArray[Any] | None, lead: tuple[int, ...], size: tuple[int, ...], planes: int
) -> NDArray[np.bool_]:
    """Return (planes, H, W), true where the plane is to be filled."""
    if fill is None:
        return np.zeros((planes, *size), bool)
    if fill.shape not in (size, (*lead, *size)):
        raise InputError(
            f"the labels are of shape {fill.shape}, the image of {(*lead, *size)}; wanted the same"
        )
    return np.broadcast_to(fill != 0, (*lead, *size)).reshape(planes, *size)


def _enlarged(plane: NDArray[Any], factor: int) -> NDArray[Any]:
    """Return every pixel factor² times: what stands for a plane that is not restored."""
    return plane.repeat(factor, axis=0).repeat(factor, axis=1)


class _Watcher(Callback):
    """Tells how far the fit of a plane is."""

    needs_whole_image = False

    def __init__(self, plane: int, planes: int, tell: Callable[[Progress], None]) -> None:
        self._plane, self._planes, self._tell = plane, planes, tell

    def on_check(self, check: Check) -> None:
        self._tell(Progress(
            plane=self._plane, planes=self._planes, step=check.step, steps=check.max_steps
        ))  # fmt: skip
