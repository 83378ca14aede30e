"""One image from array or picture to result.

image -> observed, known -> problem -> objective, network -> fit -> result -> image
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.acceleration import pick_device
from untrained.arrays import UnitRange, from_unit, mask_to_tensor, to_unit, white_of
from untrained.callbacks import Callback, Scoring
from untrained.errors import DivergedError, InputError
from untrained.images import Picture, with_pixels
from untrained.impulses import find_impulses
from untrained.noise import (
    PILED_UP,
    NoiseModel,
    clipped_gaussian,
    clipped_poisson,
    white,
)
from untrained.noise_estimation import estimate_noise
from untrained.objectives import Problem
from untrained.operators import Identity
from untrained.planner import make_plan
from untrained.recipes import Recipe
from untrained.result import Result, StopReason
from untrained.solve import Weights, solve
from untrained.tiles import solve_tiled

__all__ = ["Hooks", "restore", "restore_picture"]

_MOST_PHOTONS = 10_000  # beyond that, noise is below a quarter of an 8-bit level


def restore(
    image: NDArray[Any],
    *,
    recipe: Recipe,
    operator: Callable[[Tensor], Tensor] | None = None,
    mask: NDArray[Any] | None = None,
    sigma: float | None = None,
    photons: float | None = None,
    guide: NDArray[Any] | None = None,
    channel_axis: int | None = -1,
    truth: NDArray[Any] | None = None,
    seed: int = 0,
    device: str = "auto",
    callbacks: Sequence[Callback] = (),
    cancelled: Callable[[], bool] = lambda: False,
    state: dict[str, Any] | None = None,
    weights: Weights | None = None,
) -> Result:
    """Fit an untrained network to one degraded image and return the whole result.

    Args:
        image: y, (H, W) or (H, W, C), any integer or float dtype, any range. NaN and infinite
            pixels count as missing. Never modified.
        recipe: all settings; `find_recipe("denoise", "fast")`, changed by `with_settings`.
        operator: A, any differentiable callable on (1, C, H, W); None = the identity.
        mask: (H, W), true (or above half of its largest value) = known; None = every pixel
            is, but for NaN and infinite ones.
        sigma: standard deviation of the noise in the units of `image`; None = estimated.
        photons: the noise is that of light, with so many photons at white (a value of 1, or the
            dtype's largest), and clipped there; instead of `sigma`.
        guide: another picture, of the restored image's height and width, any dtype and range:
            of the scene for a z that is a `Guide` and `MaskedPrediction`, a hint for `Decompose`.
        channel_axis: the axis of the channels in a three-dimensional image or guide.
        truth: the clean image, for scoring only: the fit is the same to the bit without it.
        seed: of every random number.
        device: auto, cpu, cuda, cuda:N or mps.
        callbacks: observers. Put a `Scoring` first to let the others show its numbers.
        cancelled: polled during the fit; true = stop and keep the best so far.
        state: the state of an interrupted fit of the same image and settings to go on from.
        weights: of the fit of a like image with the same recipe to start from (`Result.weights`);
            None = random ones.

    Returns:
        The result; its `image` has the dtype, range and layout of the input.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
        DivergedError: the fit diverged at once, so that there is no image.
    """
    observed, finite, unit_range = to_unit(image, channel_axis=channel_axis)
    known = _combine(finite, mask, (observed.shape[-2], observed.shape[-1]))
    missing = 0 if known is None else int((known == 0).sum())
    # Where no photon arrived, black is no impulse.
    wanted = recipe.find_impulses and photons is None
    impulses = find_impulses(observed, known) if wanted else None
    if impulses is not None:
        known = 1 - impulses if known is None else known * (1 - impulses)
    noise = _noise(observed, known, sigma, photons, unit_range)
    problem = Problem(
        observed=observed,
        operator=operator or Identity(),
        known=known,
        guide=None if guide is None else to_unit(guide, channel_axis=channel_axis)[0],
        noise=noise,
        peak=unit_range.peak,
        exact_known=recipe.exact_known,
        bounded=recipe.bounded,
        clip=True,
    )
    callbacks, scoring = _with_scoring(callbacks, truth, problem, channel_axis, unit_range)
    torch_device = pick_device(device)
    plan = make_plan(recipe, problem, torch_device, warm=weights is not None)
    for callback in callbacks:
        callback.on_plan(plan)
    tiled = plan.tiles > 1
    if state is not None and ("tiles" in state) != tiled:
        state = None  # the free memory decides about tiles: there is more now, or less
    if tiled:
        result = solve_tiled(
            problem, recipe, device=torch_device, seed=seed, callbacks=callbacks,
            cancelled=cancelled, state=state, weights=weights,
        )  # fmt: skip
    else:
        result = solve(
            problem.to(torch_device), recipe, seed=seed, callbacks=callbacks,
            cancelled=cancelled, state=state, weights=weights,
        )  # fmt: skip
    estimate = result.estimate.cpu()
    nothing = result.kept_step == 0 or not estimate.isfinite().all()
    if result.reason is StopReason.DIVERGED and nothing:
        raise DivergedError("the fit diverged at once; there is no image, try a smaller lr")
    level = result.details["sigma"] if sigma is None else sigma / unit_range.scale
    return replace(
        result,
        estimate=estimate,
        extras={name: value.cpu() for name, value in result.extras.items()},
        score=scoring.score if scoring else None,
        image=from_unit(estimate, unit_range, ndim=np.ndim(image), channel_axis=channel_axis),
        details={
            **result.details,
            "sigma": level and level * unit_range.scale,
            "sigma_255": level and 255 * level / unit_range.peak,
            "sigma_estimated": sigma is None and photons is None,
            "correlated_noise": noise is not None and noise.blur > 0,
            "max_steps": plan.max_steps,
            "device": plan.device,
            "impulses": 0 if impulses is None else int(impulses.sum()),
            "missing_pixels": missing,
            "tiles": plan.tiles,
            "predicted_seconds": plan.seconds,
            "predicted_memory_bytes": plan.memory_bytes,
        },
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """What goes beside the fit of one page: observers, a way to cancel, a state to go on from.

    `finished` is the page itself where an earlier run has already restored it; `on_finished` is
    given the page and its result when it is restored.
    """

    callbacks: Sequence[Callback] = ()
    cancelled: Callable[[], bool] = lambda: False
    state: dict[str, Any] | None = None
    finished: NDArray[Any] | None = None
    on_finished: Callable[[NDArray[Any], Result], None] = lambda page, result: None


def restore_picture(
    picture: Picture,
    *,
    recipe: Recipe,
    operator: Callable[[Tensor], Tensor] | None = None,
    mask: NDArray[Any] | None = None,
    sigma: float | None = None,
    photons: float | None = None,
    guide: NDArray[Any] | None = None,
    truth: Picture | None = None,
    seed: int = 0,
    device: str = "auto",
    hooks: Callable[[int], Hooks] = lambda page: Hooks(),
) -> tuple[Picture, list[Result]]:
    """Restore every page of a picture file; alpha, profile and metadata are carried over.

    Fully transparent pixels count as missing. Inpainting fills them and makes them opaque; the
    other tasks leave their colours as they were. Mask and guide are the same for every page.

    Returns:
        the restored picture, and one result a page (none for pages that were `finished`).

    Raises:
        InputError: as `restore`; also a truth of another size, or nothing to inpaint.
    """
    if truth is not None and len(truth.pixels) != len(picture.pixels):
        raise InputError(
            f"truth has {len(truth.pixels)} pages, the picture has {len(picture.pixels)}; "
            "wanted one for each"
        )
    pages, results = [], []
    for i, page in enumerate(picture.pixels):
        alpha = None if picture.alpha is None else picture.alpha[i]
        hook = hooks(i)
        if hook.finished is not None:
            pages.append(hook.finished)
            continue
        known = _visible(mask, alpha, page.shape[:2])
        if recipe.task == "inpaint" and np.isfinite(page).all() and (known is None or known.all()):
            raise InputError(
                "nothing to inpaint: no pixel is masked, transparent or NaN; "
                "give a mask (--mask, white = known)"
            )
        result = restore(
            page, recipe=recipe, operator=operator, mask=known, sigma=sigma, photons=photons,
            guide=guide,
            truth=None if truth is None else truth.pixels[i],
            seed=seed, device=device,
            callbacks=hook.callbacks, cancelled=hook.cancelled, state=hook.state,
        )  # fmt: skip
        assert result.image is not None
        image = result.image
        if alpha is not None and recipe.task != "inpaint" and image.shape == page.shape:
            image = np.where((alpha == 0)[..., None], page, image)
        pages.append(image)
        results.append(result)
        if result.cut_short:
            break
        hook.on_finished(image, result)
    pages += list(picture.pixels[len(pages) :]) if operator is None else []
    pixels = np.stack(pages)
    alpha = _new_alpha(picture, recipe, pixels)
    return with_pixels(picture, pixels, alpha=alpha), results


def _noise(
    observed: Tensor, known: Tensor | None, sigma: float | None, photons: float | None,
    unit_range: UnitRange,
) -> NoiseModel | None:  # fmt: skip
    if photons is not None:
        if sigma is not None:
            raise InputError("both sigma and photons were given; wanted one of them")
        if not 0 < photons <= _MOST_PHOTONS:
            raise InputError(f"photons is {photons}; wanted more than 0, up to {_MOST_PHOTONS}")
        return _photon_noise(photons, unit_range)
    if sigma is None:
        return estimate_noise(observed, known)
    if not 0 <= sigma < float("inf"):
        raise InputError(f"sigma is {sigma}; wanted 0 or more, in the units of the image")
    # Pixels that pile up at black or white show that the noise has been clipped there.
    piled_up = ((observed <= 0) | (observed >= unit_range.peak)).float().mean()
    level = sigma / unit_range.scale
    return clipped_gaussian(level, top=unit_range.peak) if piled_up > PILED_UP else white(level)


def _photon_noise(photons: float, unit_range: UnitRange) -> NoiseModel:
    """Return the noise of light in the unit range, to which dark pictures are stretched."""
    low, scale, full = unit_range.offset, unit_range.scale, white_of(unit_range.dtype)
    if low < 0 or low + scale > full * (1 + 1e-6):
        raise InputError(
            f"the image goes from {low:g} to {low + scale:g}; with photons wanted 0 to white, "
            f"which is {full:g}; divide by what stands for white in it, and clip"
        )
    return clipped_poisson(photons, black=-low / scale, white=(full - low) / scale)


def _combine(
    finite: Tensor | None, mask: NDArray[Any] | None, size: tuple[int, int]
) -> Tensor | None:
    """Return 1 where a pixel is finite and the mask says that it is known; None = everywhere."""
    if mask is None:
        return finite
    given = mask_to_tensor(mask, size)
    known = given if finite is None else given * finite
    if not known.any():
        raise InputError("no pixel is both finite and known; wanted some to start from")
    return None if bool(known.all()) else known


def _with_scoring(
    callbacks: Sequence[Callback],
    truth: NDArray[Any] | None,
    problem: Problem,
    channel_axis: int | None,
    unit_range: UnitRange,
) -> tuple[list[Callback], Scoring | None]:
    """Give the truth to the Scoring among the callbacks, or to a new one in front of them."""
    if truth is None:
        return list(callbacks), None
    kind, wanted_kind = np.asarray(truth).dtype, unit_range.dtype
    if kind != wanted_kind and not kind.kind == wanted_kind.kind == "f":
        raise InputError(
            f"truth holds {kind} values, the image {wanted_kind}; wanted one scale for both"
        )
    clean, _, _ = to_unit(truth, channel_axis=channel_axis, value_range=unit_range)
    if tuple(clean.shape) != problem.image_shape:
        got, wanted = ("x".join(map(str, s[1:])) for s in (clean.shape, problem.image_shape))
        raise InputError(
            f"truth is {got} (channels x height x width), the restored image is {wanted}; "
            "pass a truth of that size"
        )
    for callback in callbacks:
        if isinstance(callback, Scoring):
            callback.truth = clean
            return list(callbacks), callback
    scoring = Scoring(clean)
    return [scoring, *callbacks], scoring


def _visible(
    mask: NDArray[Any] | None, alpha: NDArray[Any] | None, size: tuple[int, int]
) -> NDArray[np.bool_] | None:
    """Return what is known by the mask and not fully transparent; None = everything."""
    known = None if mask is None else mask_to_tensor(mask, size)[0, 0].numpy() > 0
    if alpha is None or (alpha > 0).all():
        return known
    return alpha > 0 if known is None else known & (alpha > 0)


def _new_alpha(picture: Picture, recipe: Recipe, pixels: NDArray[Any]) -> NDArray[Any] | None:
    """Return the alpha of the restored picture: opaque where filled, resized where enlarged."""
    alpha = picture.alpha
    if alpha is None:
        return None
    if recipe.task == "inpaint":
        opaque = np.iinfo(alpha.dtype).max if np.issubdtype(alpha.dtype, np.integer) else 1
        return np.where(alpha == 0, alpha.dtype.type(opaque), alpha)
    if pixels.shape[1:3] == alpha.shape[1:]:
        return alpha
    full = float(np.iinfo(alpha.dtype).max) if np.issubdtype(alpha.dtype, np.integer) else 1.0
    wide = torch.from_numpy(alpha.astype(np.float64) / full)[:, None]
    wide = torch.nn.functional.interpolate(
        wide, size=pixels.shape[1:3], mode="bicubic", align_corners=False
    )
    values = wide[:, 0].clamp(0, 1).numpy() * full
    return (np.rint(values) if full > 1 else values).astype(alpha.dtype)
