"""One array from observation to result.

array -> observed, known, noise -> problem -> fit, whole or in tiles -> result -> array
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import DivergedError, InputError
from untrained.fitting import Callback, Result, Scoring, StopReason, pick_device
from untrained.images import MIN_SIDE, mask_to_tensor, to_unit
from untrained.noise import find_impulses, white
from untrained.objectives import Problem
from untrained.operators import Identity
from untrained.recipes import Recipe, as_recipe, find_recipe
from untrained.restoring.given import Execution, Given
from untrained.restoring.noise_level import DOUBTS, noise_of
from untrained.restoring.paces import learn_pace
from untrained.restoring.planner import make_plan, pays_together
from untrained.restoring.solve import nothing_to_fit, solve
from untrained.restoring.tiles import solve_tiled
from untrained.restoring.values import Values, read_values
from untrained.restoring.waiting import Watch

__all__ = ["restore", "restore_many"]


def restore(
    image: NDArray[Any],
    *,
    recipe: str | Recipe,
    given: Given = Given(),
    channel_axis: int | None = -1,
    truth: NDArray[Any] | None = None,
    seed: int = 0,
    execution: Execution = Execution(),
) -> Result:
    """Fit an untrained network to one measurement and return the whole result.

    Which of the values y are black and white decides what the network sees. Of a picture (no
    operator, or one that `keeps_constants`) that is the dtype's full scale, or the data's own range
    where they use little of it or are floats beyond [0, 1]. Any other operator would be another one
    after such a stretching: y is taken as it is, but that integers are divided by the dtype's white
    under a linear operator, which keeps a scale and no offset. The image has black at 0 and white
    at 1 then, and is not clipped unless `given.clip` asks for it.

    Args:
        image: y, (h, w) or (h, w, c), any integer or float dtype, any range. NaN and infinite
            values count as missing. Never modified.
        recipe: all settings: a recipe, or the name of one, "TASK/NAME"; "fast" alone is that of
            denoising, with a mask of inpainting.
        given: what is known of the measurement: operator, mask, noise, guide.
        channel_axis: the axis of the channels in a three-dimensional image or guide.
        truth: the clean image, for scoring only: the fit is the same to the bit without it.
        seed: of every random number.
        execution: device, observers, a state to go on from.

    Returns:
        The result; its `image` has the dtype, range and layout of the input.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
        DivergedError: the fit diverged at once, so that there is no image.
    """
    recipe = as_recipe(recipe, task="denoise" if given.mask is None else "inpaint")
    values = read_values(image, channel_axis=channel_axis, given=given, recipe=recipe)
    observed, unit_range = values.observed, values.range
    known = _known(values.finite, given.mask, (observed.shape[-2], observed.shape[-1]))
    missing = 0 if known is None else int((known == 0).sum())
    # Where no photon arrived, black is no impulse.
    wanted = recipe.find_impulses and given.of_a_picture and given.photons is None
    constant = given.of_a_picture and values.is_constant(known)
    impulses = find_impulses(observed, known) if wanted and not constant else None
    outliers = values.outliers  # of each channel; an impulse is replaced, they go back as they were
    if outliers is not None:
        known = _without(known, outliers.amax(1, keepdim=True))
    if impulses is not None:
        known = _without(known, impulses)
        outliers = _without(outliers, impulses) if outliers is not None else None
    noise = noise_of(observed, known, given, unit_range)
    doubt = "" if noise is None or not recipe.bounded else DOUBTS[noise.doubtful]
    if doubt:  # a picture must not come out worse than it went in
        noise = replace(white(0), estimated=True)
        if impulses is not None and given.guide is None:  # all there is to do is to fill them
            filling = find_recipe("inpaint", "fast")
            recipe = replace(filling, max_steps=min(recipe.max_steps, filling.max_steps))
    guide = given.guide
    problem = Problem(
        observed=observed,
        operator=given.operator or Identity(),
        known=known,
        groups=None if given.groups is None else _places(given.groups),
        guide=None if guide is None else to_unit(guide, channel_axis=channel_axis)[0],
        noise=noise,
        peak=unit_range.peak if given.scale is None else _strength(observed, known),
        exact_known=recipe.exact_known,
        bounded=recipe.bounded,
        clip=given.of_a_picture if given.clip is None else given.clip,
    )
    _check_size(problem)
    callbacks, scoring = _with_scoring(execution, truth, problem, channel_axis, values, given)
    device = pick_device(execution.device)
    plan = make_plan(recipe, problem, device, warm=execution.weights is not None)
    for callback in callbacks:
        callback.on_plan(plan)
    together = plan.tiles == 1 and pays_together(recipe, problem, device, plan.memory_bytes)
    execution = replace(execution, callbacks=callbacks, together=together)
    if constant:
        result = nothing_to_fit(problem, execution)
    else:
        watch = Watch()
        result = _fitted(problem, recipe, device, seed, execution, tiles=plan.tiles)
        alone = not execution.together  # else others had a part of the time
        if alone and execution.state is None and execution.weights is None and not result.cut_short:
            learn_pace(
                recipe, problem, device,
                plan=plan, steps=result.stop_step, seconds=watch.quiet,
            )  # fmt: skip
    estimate = result.estimate.cpu()
    nothing = result.kept_step == 0 or not estimate.isfinite().all()
    if result.reason is StopReason.DIVERGED and nothing:
        raise DivergedError("the fit diverged at once; there is no image, try a smaller lr")
    scale = unit_range.typical_scale
    level = result.details["sigma"] if given.sigma is None else given.sigma / scale
    return replace(
        result,
        estimate=estimate,
        observed=observed,
        extras={name: value.cpu() for name, value in result.extras.items()},
        score=scoring.score if scoring else None,
        image=_in_place(
            values, estimate, known, outliers, recipe, exact=constant, direct=given.of_a_picture
        ),
        notes=(*given.notes, *result.notes),
        details={
            **result.details,
            "sigma": level and level * scale,
            "full_scale": unit_range.full_scale,
            "sigma_255": level and 255 * level / unit_range.peak,
            "sigma_estimated": given.sigma is None and given.photons is None,
            "nothing_done": doubt if impulses is None and not constant else "",
            "refined": bool(result.details.get("refined")) and not doubt,
            "correlated_noise": noise is not None and noise.correlation is not None,
            "max_steps": plan.max_steps,
            "device": plan.device,
            "impulses": 0 if impulses is None else int(impulses.sum()),
            "missing_pixels": missing,
            "missing_filled": missing > 0 and recipe.task == "inpaint",
            "outliers": 0 if outliers is None else int(outliers.amax(1).sum()),
            "tiles": plan.tiles,
            "predicted_seconds": plan.seconds,
            "predicted_memory_bytes": plan.memory_bytes,
        },
    )


def restore_many(
    images: Sequence[NDArray[Any]],
    *,
    recipe: str | Recipe,
    given: Given | Sequence[Given] = Given(),
    channel_axis: int | None = -1,
    truths: Sequence[NDArray[Any]] | None = None,
    seed: int = 0,
    execution: Execution = Execution(),
) -> list[Result]:
    """Restore several images, each by a network of its own, as `restore` does one by one.

    Args:
        images: a list, or an array whose first axis counts the images; sizes may differ.
        given: of all images alike, or one for each.
        truths: one for each image.
        recipe, channel_axis, seed, execution: as for `restore`, of every image alike.

    Returns:
        one result for each image, in their order; fewer where a fit was interrupted, which is last.

    Raises:
        InputError: as `restore`, naming the image; lists of different lengths.
    """
    each = [given] * len(images) if isinstance(given, Given) else list(given)
    truth_of = [None] * len(images) if truths is None else list(truths)
    for name, values in (("given", each), ("truths", truth_of)):
        if len(values) != len(images):
            raise InputError(f"{name} has {len(values)} entries for {len(images)} images")
    results: list[Result] = []
    for i, (image, known, truth) in enumerate(zip(images, each, truth_of, strict=True)):
        try:
            result = restore(
                image, recipe=recipe, given=known, channel_axis=channel_axis, truth=truth,
                seed=seed, execution=execution,
            )  # fmt: skip
        except InputError as error:
            raise type(error)(f"image {i}: {error}") from error
        results.append(result)
        if result.cut_short:
            break
    return results


def _fitted(
    problem: Problem, recipe: Recipe, device: torch.device, seed: int, execution: Execution, *,
    tiles: int,
) -> Result:  # fmt: skip
    """Return the result of a fit, whole or in tiles."""
    tiled, state = tiles > 1, execution.state
    if state is not None and ("tiles" in state) != tiled:
        # the free memory decides about tiles: there is more now, or less
        execution = replace(execution, state=None)
    if tiled:
        return solve_tiled(problem, recipe, device=device, seed=seed, execution=execution)
    return solve(problem.to(device), recipe, seed=seed, execution=execution)


def _in_place(
    values: Values, estimate: Tensor, known: Tensor | None, outliers: Tensor | None, recipe: Recipe,
    *, exact: bool, direct: bool,
) -> NDArray[Any]:  # fmt: skip
    """Return the image with the caller's own values wherever they are to stay."""
    image = values.as_image(estimate)
    if exact or (recipe.exact_known and direct and image.shape == values.source.shape):
        everywhere = torch.ones_like(values.observed[:, :1])
        image = values.as_it_was(image, everywhere if known is None else known)
    image = values.as_it_was(image, outliers)
    return image if recipe.task == "inpaint" else values.with_missing(image)


def _known(
    finite: Tensor | None, mask: NDArray[Any] | None, size: tuple[int, int]
) -> Tensor | None:
    """Return 1 where y is finite and the mask says that it is known; None = everywhere."""
    if mask is None:
        return finite
    marked = mask_to_tensor(mask, size)
    known = marked if finite is None else marked * finite
    if not known.any():
        raise InputError("no pixel is both finite and known; wanted some to start from")
    return None if bool(known.all()) else known


def _without(marked: Tensor | None, places: Tensor) -> Tensor:
    """Return what is marked (None = everything) less the places."""
    return 1 - places if marked is None else marked * (1 - places)


def _strength(observed: Tensor, known: Tensor | None) -> float:
    """Return the root of the mean square of y where it is known: its full scale, if it has none."""
    where = torch.ones_like(observed[:, :1]) if known is None else known
    count = float(where.sum()) * observed.shape[1]
    strength = math.sqrt(float((observed.square() * where).sum()) / count)
    return strength if strength > 0 else 1.0


def _places(groups: NDArray[Any]) -> Tensor:
    """Return a map of groups as a tensor (1, 1, h, w). Raises InputError: no whole numbers."""
    groups = np.asarray(groups)
    if groups.ndim != 2 or not np.issubdtype(groups.dtype, np.integer):
        raise InputError(
            f"groups is of type {groups.dtype} and shape {groups.shape}; "
            "wanted whole numbers (h, w), equal where measurements belong together"
        )
    return torch.from_numpy(groups.astype(np.int64))[None, None]


def _check_size(problem: Problem) -> None:
    """Refuse an image too small to restore. Raises InputError."""
    height, width = problem.image_shape[-2:]
    if min(height, width) < MIN_SIDE:
        raise InputError(
            f"the restored image is {height}x{width}; wanted at least {MIN_SIDE}x{MIN_SIDE}"
        )


def _with_scoring(
    execution: Execution,
    truth: NDArray[Any] | None,
    problem: Problem,
    channel_axis: int | None,
    values: Values,
    given: Given,
) -> tuple[list[Callback], Scoring | None]:
    """Give the truth to the Scoring among the callbacks, or to a new one in front of them.

    Of an image in the units of a scanner, full scale is the truth's largest value.
    """
    callbacks = list(execution.callbacks)
    if truth is None:
        return callbacks, None
    unit_range = values.range
    kind, wanted_kind = np.asarray(truth).dtype, unit_range.dtype
    if kind != wanted_kind and not kind.kind == wanted_kind.kind == "f":
        raise InputError(
            f"truth holds {kind} values, the image {wanted_kind}; wanted one scale for both"
        )
    clean, _, _ = to_unit(truth, channel_axis=channel_axis, value_range=unit_range)
    wanted_shape = _shape_looked_at(problem, given)
    wanted_shape[1] *= values.repeat
    if list(clean.shape) != wanted_shape:
        got, wanted = ("x".join(map(str, s[1:])) for s in (clean.shape, wanted_shape))
        raise InputError(
            f"truth is {got} (channels x height x width), the restored image is {wanted}; "
            "pass a truth of that size"
        )
    scoring = next((callback for callback in callbacks if isinstance(callback, Scoring)), None)
    if scoring is None:
        scoring = Scoring()
        callbacks = [scoring, *callbacks]
    scoring.truth, scoring.look = clean, given.look
    if not given.of_a_picture:
        scoring.compares_observed = False
        if given.scale is not None:
            scoring.full_scale = float(clean.max())
    if given.first is not None:
        scoring.first = to_unit(given.first, channel_axis=-1, value_range=unit_range)[0]
    return callbacks, scoring


def _shape_looked_at(problem: Problem, given: Given) -> list[int]:
    """Return the shape of what is compared with a truth."""
    shape = problem.image_shape
    return list(shape if given.look is None else given.look(torch.zeros(shape)).shape)
