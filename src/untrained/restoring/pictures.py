"""A picture file's pages, restored one by one; alpha, profile and metadata are carried over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.errors import DivergedError, InputError
from untrained.fitting import Callback, Plan, Result, pick_device
from untrained.images import Picture, from_unit, mask_to_tensor, missing_in, to_unit, with_pixels
from untrained.objectives import Problem, mean_of_neighbours
from untrained.operators import Identity, Resample
from untrained.recipes import Recipe, as_recipe
from untrained.restoring.given import Execution, Given, Measured, MeasuredPages
from untrained.restoring.planner import make_plan
from untrained.restoring.restore import restore
from untrained.restoring.values import enlarged, set_missing
from untrained.restoring.windows import Window, each_alone, joined, joined_picture, parted

__all__ = ["Hooks", "plan_picture", "restore_picture"]

_LOOKED_AT = 256  # the side of what a plan looks at of a picture that is cut into parts anyway


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """What goes beside the fit of one page: observers, a way to cancel, a state to go on from.

    `finished` is the page itself where an earlier run has already restored it; `on_finished` is
    given the page and its result when it is restored, `on_failed` why it cannot be: the page stays
    as it was then, and without `on_failed` the error is raised.
    """

    callbacks: Sequence[Callback] = ()
    cancelled: Callable[[], bool] = lambda: False
    state: dict[str, Any] | None = None
    finished: NDArray[Any] | None = None
    on_finished: Callable[[NDArray[Any], Result], None] = lambda page, result: None
    on_failed: Callable[[InputError], None] | None = None


class _Begun(Callback):
    """Knows whether the fit of a page has begun."""

    needs_whole_image = False

    def __init__(self) -> None:
        self.begun = False

    def on_plan(self, plan: Plan) -> None:
        """The page was read without an error."""
        self.begun = True


def restore_picture(
    picture: Picture,
    *,
    recipe: str | Recipe,
    given: Given | MeasuredPages = Given(),
    truth: Picture | None = None,
    seed: int = 0,
    device: str = "auto",
    hooks: Callable[[int], Hooks] = lambda page: Hooks(),
    windows: Sequence[Window] = (),
) -> tuple[Picture, list[Result]]:
    """Restore every page of a picture file; alpha, profile and metadata are carried over.

    Fully transparent pixels count as missing. Inpainting fills them and makes them opaque; the
    other tasks leave their colours as they were. Mask and guide are the same for every page. A page
    that cannot be restored stays as it was. With `MeasuredPages` the picture only counts the pages,
    and what cannot be restored of them is zero.

    With `windows` the pages of each are channels of one image, and restored by one fit, which the
    hooks of the first page that is not finished go beside; every page has a result of its own.

    Returns:
        the restored picture, and one result a page (none for pages that were `finished`).

    Raises:
        InputError: as `restore`; also a truth of another size, or nothing to inpaint.
    """
    masked = isinstance(given, Given) and given.mask is not None
    recipe = as_recipe(recipe, task="inpaint" if masked else "denoise")
    if truth is not None and len(truth.pixels) != len(picture.pixels):
        raise InputError(
            f"truth has {len(truth.pixels)} pages, the picture has {len(picture.pixels)}; "
            "wanted one for each"
        )
    pages: list[NDArray[Any] | None] = [None] * len(picture.pixels)
    results: list[Result] = []
    every = list(windows) or each_alone(len(picture.pixels))
    for window in every:
        each = {page: hooks(page) for page in window.kept}
        for page, hook in each.items():
            pages[page] = hook.finished
        left = [page for page, hook in each.items() if hook.finished is None]
        if not left:
            continue
        hook, begun = each[left[0]], _Begun()
        hook = replace(hook, callbacks=[begun, *hook.callbacks])
        try:
            if isinstance(given, Given):
                found = _restored_together(
                    picture, window, recipe, given, truth, seed, device, hook
                )
            else:
                clean = None if truth is None else truth.pixels[left[0]]
                found = [_reconstructed(given(left[0]), recipe, clean, seed, hook, device)]
        except InputError as error:
            none_done = window is every[-1] and all(page is None for page in pages)
            # What an observer raises, on a full disk, is no fault of the page.
            of_the_page = isinstance(error, DivergedError) or not begun.begun
            if hook.on_failed is None or none_done or not of_the_page:
                raise
            for page in left:
                (each[page].on_failed or hook.on_failed)(error)
            continue
        done = {
            page: one for page, one in zip(window.kept, found, strict=True) if page in left
        }  # fmt: skip
        for page, (image, result) in done.items():
            pages[page] = image
            results.append(result)
        if results[-1].cut_short:
            break
        for page, (image, result) in done.items():
            each[page].on_finished(image, result)
    pixels = _with_untouched(pages, picture.pixels, measured=not isinstance(given, Given))
    alpha = _new_alpha(picture, recipe, pixels)
    return with_pixels(picture, pixels, alpha=alpha), results


def plan_picture(
    picture: Picture, *, recipe: str | Recipe, given: Given | MeasuredPages = Given(),
    seed: int = 0, device: str = "auto", windows: Sequence[Window] = (),
) -> Plan:  # fmt: skip
    """Return what the fit of a picture's first page, or window, will cost, and fit nothing.

    Of a large picture the noise, by which a fit may be shorter, is that of its middle.

    Raises:
        InputError: as `restore`; more memory is needed than is free.
    """
    pages, rows, columns, channels = picture.pixels.shape
    if windows:
        largest = max(windows, key=lambda window: len(window.shown))
        found = plan_picture(
            joined_picture(picture, largest), recipe=recipe, given=given, seed=seed, device=device
        )
        return replace(found, size=(*found.size[:2], channels))
    if pages > 1:
        first = None if picture.alpha is None else picture.alpha[:1]
        picture = with_pixels(picture, picture.pixels[:1], alpha=first)
    small = rows * columns <= 2 * _LOOKED_AT**2
    if not isinstance(given, Given) or small or not given.is_alike_everywhere:
        return _planned(picture, given, recipe, seed, device)
    recipe = as_recipe(recipe, task="denoise" if given.mask is None else "inpaint")
    found = _planned(*_middle(picture, given), recipe, seed, device)
    if found.max_steps != recipe.max_steps:  # as its noise needs it
        recipe = replace(recipe, max_steps=found.max_steps)
    where = pick_device(device)
    if found.precision != recipe.acceleration.resolve(where).precision:
        slower = replace(recipe.acceleration, precision="float32")
        recipe = replace(recipe, acceleration=slower)
    nothing = torch.zeros(1, found.size[2], 1, 1).expand(-1, -1, rows, columns)
    return make_plan(
        recipe, Problem(observed=nothing, operator=given.operator or Identity()), where
    )


def _middle(picture: Picture, given: Given) -> tuple[Picture, Given]:
    """Return the middle of a picture, and what is given of it."""
    factor = given.operator.factor if isinstance(given.operator, Resample) else 1
    starts = [max(0, n - _LOOKED_AT) // 2 for n in picture.pixels.shape[1:3]]
    here = tuple(slice(start, start + _LOOKED_AT) for start in starts)
    there = tuple(slice(start * factor, (start + _LOOKED_AT) * factor) for start in starts)
    alpha = None if picture.alpha is None else picture.alpha[:, *here]
    known = None if given.mask is None else given.mask[here].copy()
    if known is not None:  # whatever is filled costs the same
        known[0, 0], known[-1, -1] = 0, known.max() or 1
    guide = None if given.guide is None else given.guide[there]
    part = with_pixels(picture, picture.pixels[:, *here], alpha=alpha)
    return part, replace(given, mask=known, guide=guide)


def _planned(
    picture: Picture, given: Given | MeasuredPages, recipe: str | Recipe, seed: int, device: str
) -> Plan:
    """Return the plan of a fit that is ended before it begins."""
    try:
        restore_picture(
            picture, recipe=recipe, given=given, seed=seed, device=device,
            hooks=lambda page: Hooks(callbacks=[_Planner()]),
        )  # fmt: skip
    except _PlannedError as planned:
        return planned.plan
    raise AssertionError("a fit is planned before it begins")


class _PlannedError(Exception):
    """Carries the plan out of a fit that is not to begin."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan


class _Planner(Callback):
    def on_plan(self, plan: Plan) -> None:
        raise _PlannedError(plan)


def _restored_together(
    picture: Picture, window: Window, recipe: Recipe, given: Given, truth: Picture | None,
    seed: int, device: str, hook: Hooks,
) -> list[tuple[NDArray[Any], Result]]:  # fmt: skip
    """Return the kept pages of a window, restored by one fit, and their results."""
    if len(window.shown) == 1:
        (page,) = window.shown
        clean = None if truth is None else truth.pixels[page]
        return [_restored(picture, page, recipe, given, clean, seed, device, hook)]
    clean = None if truth is None else joined(truth.pixels, window)
    one = joined_picture(picture, window)
    image, result = _restored(one, 0, recipe, given, clean, seed, device, hook)
    return parted(image, result, window, picture, truth)


def _restored(
    picture: Picture, i: int, recipe: Recipe, given: Given, truth: NDArray[Any] | None, seed: int,
    device: str, hook: Hooks,
) -> tuple[NDArray[Any], Result]:  # fmt: skip
    """Return one page restored, and its result. Raises InputError: as `restore`."""
    page = picture.pixels[i]
    alpha = None if picture.alpha is None else picture.alpha[i]
    known = _visible(given.mask, alpha, page.shape[:2])
    shown = page if picture.nodata is None else set_missing(page, picture.nodata)
    missing = missing_in(shown)
    if recipe.task == "inpaint" and not missing.any() and (known is None or known.all()):
        raise InputError(
            "nothing to inpaint: no pixel is masked, transparent or NaN; "
            "give a mask (--mask, white = known)"
        )
    if given.operator is not None and given.mask is None and known is not None:
        # The edge of a sprite is a mixture with what is beyond it.
        shown, known = _spread(page, known), None
    result = restore(
        shown, recipe=recipe, given=replace(given, mask=known), truth=truth, seed=seed,
        execution=Execution(
            device=device, callbacks=hook.callbacks, cancelled=hook.cancelled, state=hook.state
        ),
    )  # fmt: skip
    assert result.image is not None
    image: NDArray[Any] = np.ma.getdata(result.image)
    if alpha is not None and recipe.task != "inpaint" and image.shape == page.shape:
        image = np.where((alpha == 0)[..., None], page, image)
    return image, result


def _reconstructed(
    measured: Measured, recipe: Recipe, truth: NDArray[Any] | None, seed: int, hook: Hooks,
    device: str,
) -> tuple[NDArray[Any], Result]:  # fmt: skip
    """Return the image of a measurement, (H, W, C), and its result."""
    result = restore(
        measured.y, recipe=recipe, given=measured.given, truth=truth, seed=seed,
        execution=Execution(
            device=device, callbacks=hook.callbacks, cancelled=hook.cancelled, state=hook.state
        ),
    )  # fmt: skip
    assert result.image is not None
    return result.image, result


def _with_untouched(
    pages: Sequence[NDArray[Any] | None], before: NDArray[Any], *, measured: bool
) -> NDArray[Any]:
    """Return all pages; those not restored as they were, enlarged where the others are."""
    shapes = {page.shape for page in pages if page is not None}
    shape = next(iter(shapes), before.shape[1:])
    return np.stack(
        [
            _untouched(old, shape, measured=measured) if page is None else page
            for page, old in zip(pages, before, strict=True)
        ]
    )


def _untouched(page: NDArray[Any], shape: tuple[int, ...], *, measured: bool) -> NDArray[Any]:
    """Return a page that was not restored, in the shape of those that were."""
    if measured:  # k-space is no image
        return np.zeros(shape, page.dtype)
    return np.broadcast_to(enlarged(page, shape), shape)


def _spread(page: NDArray[Any], visible: NDArray[np.bool_]) -> NDArray[Any]:
    """Return a page (H, W, C) with the colours of the visible pixels carried on into the others."""
    unit, _, unit_range = to_unit(page, least=1)
    known = torch.from_numpy(visible[None, None].astype(np.float32))
    filled = torch.where(known > 0, unit, mean_of_neighbours(unit, known))
    spread = from_unit(filled, unit_range)
    spread[visible] = page[visible]
    return spread


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
