"""A series of frames (dynamic MRI) from undersampled k-space: y_t = M_t F S x_t."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.objectives import Stacked
from untrained.operators import Compose, Frames, LinearOperator, RealImage, as_complex
from untrained.operators.fourier import Coils, Fourier
from untrained.recipes import Recipe, as_recipe
from untrained.scans import places_measured
from untrained.tasks.base import Given
from untrained.tasks.calling import FitKeywords, as_asked, fit_task
from untrained.tasks.mri import check_centre

__all__ = ["MeasuredSeries", "in_a_cycle", "prepare_series", "reconstruct_series"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MeasuredSeries:
    """A series as a fit takes it.

    Attributes:
        y: (T h, w, 2 coils), the frames one below the other, real and imaginary part of each coil.
        given: operator, mask, lines that are held out together, scale.
        frames: T.
        real: whether the image has no phase.
        apart: whether each coil has an image of its own (there are no maps).
    """

    y: NDArray[np.float32]
    given: Given
    frames: int
    real: bool
    apart: bool

    def series(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the frames of a fitted image (H, W, channels), (T, H, W).

        Complex; real where the image has no phase; of coils apart the root of the sum of squares.
        """
        channels = np.moveaxis(np.asarray(image), -1, 0)
        frames = channels.reshape(self.frames, -1, *channels.shape[1:])
        if self.real:
            return np.ascontiguousarray(frames[:, 0])
        pairs = as_complex(torch.from_numpy(np.ascontiguousarray(frames))).numpy()
        if self.apart:
            return np.asarray(np.sqrt((np.abs(pairs) ** 2).sum(axis=1)))
        return np.asarray(pairs[:, 0])

    def channels(self, series: NDArray[Any]) -> NDArray[np.float32]:
        """Return frames (T, H, W) as the image that is fitted, (H, W, channels); for scoring.

        Raises:
            InputError: another shape, or coils apart, of which a series of one image says nothing.
        """
        height, width = self.y.shape[0] // self.frames, self.y.shape[1]
        if self.apart:
            raise InputError("a truth needs coil maps: without, each coil has an image of its own")
        if np.shape(series) != (self.frames, height, width):
            raise InputError(
                f"truth is {np.shape(series)}; wanted {(self.frames, height, width)}: the frames"
            )
        parts = [np.real(series)] if self.real else [np.real(series), np.imag(series)]
        stacked = np.stack(parts, axis=1).reshape(-1, height, width)
        return np.moveaxis(stacked, 0, -1).astype(np.float32)


def prepare_series(
    kspace: NDArray[Any],
    mask: NDArray[Any] | None = None,
    maps: NDArray[Any] | None = None,
    *,
    real: bool = False,
) -> MeasuredSeries:
    """Return what a fit is given of a series of k-space.

    Args:
        kspace: (T, coils, h, w) or (T, h, w), complex, zero frequency in the middle (h//2, w//2);
            any unit.
        mask: (T, h, w), or (T, w) for columns, or (h, w) or (w,) for all frames: not zero = was
            measured; None = where `kspace` is not zero.
        maps: (coils, h, w) complex, the coils' sensitivities; None = each coil has an image of its
            own, and the series is the root of their sum of squares.
        real: whether the image has no phase, which halves what is unknown. Only where it is so.

    Returns:
        the measurement. Lines are held out whole, but for those in the middle of k-space that every
        frame has.

    Raises:
        InputError: shapes that do not fit, numbers that are not complex, NaN, nothing measured, or
            a k-space whose zero frequency is in the corner.
    """
    k = _checked(kspace)
    frames, coils, height, width = k.shape
    notes = []
    if mask is None:
        known = places_measured(k)
        if known.all():
            notes.append("every place of k-space has been measured: there is no mask")
        else:
            notes.append(f"no mask was given: {known.mean():.1%} of k-space is not zero, taken")
    else:
        known = _mask(mask, (frames, height, width))
    k = np.where(known[:, None], k, 0)
    if not np.any(k):
        raise InputError("k-space is zero wherever the mask is not; wanted measurements")
    check_centre(k)
    frame: LinearOperator = Fourier()
    if maps is not None:
        frame = Compose(frame, Coils(_maps(maps, (coils, height, width))))
    apart = maps is None and coils > 1
    if real:
        if apart:
            raise InputError("an image without phase needs coil maps, as coils have their own")
        frame = Compose(frame, RealImage())
    pairs = np.stack([k.real, k.imag], axis=2).reshape(frames, 2 * coils, height, width)
    y = np.moveaxis(pairs, 1, -1).reshape(frames * height, width, 2 * coils).astype(np.float32)
    return MeasuredSeries(
        y=y,
        given=Given(
            operator=Frames(frame, frames),
            mask=known.reshape(frames * height, width),
            groups=lines_of(known).reshape(frames * height, width),
            scale=_scale(k, known, frame),
            clip=False,
            notes=tuple(notes),
        ),
        frames=frames,
        real=real,
        apart=apart,
    )


def reconstruct_series(
    kspace: NDArray[Any],
    mask: NDArray[Any] | None = None,
    maps: NDArray[Any] | None = None,
    *,
    real: bool = False,
    periodic: bool = False,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Reconstruct a series of frames from k-space of which each frame has a few lines.

    Args:
        kspace, mask, maps, real: as for `prepare_series`.
        periodic: whether the first frame follows the last: one cycle of a heart.
        **fit: recipe, steps, settings, truth (T, H, W), seed, device, callbacks, progress,
            return_result: see `FitKeywords`.

    Returns:
        (T, H, W) in the units of the k-space: complex, real if `real`, or without maps the root of
        the sum of squares over the coils. With `return_result=True` the `Result`, whose `image` it
        is.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
    """
    measured = prepare_series(kspace, mask, maps, real=real)
    recipe = as_recipe(fit.get("recipe", "fast"), task="series")
    fit["recipe"] = in_a_cycle(recipe) if periodic else recipe
    truth = fit.get("truth")
    if isinstance(truth, np.ndarray):
        fit["truth"] = measured.channels(truth)
    image, results = fit_task("series", measured.y, measured.given, fit)
    series = measured.series(image)
    if not fit.get("return_result"):
        return series
    return as_asked([replace(result, image=series) for result in results])


def lines_of(known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return which line of which frame each place of (T, h, w) is of; -1 = in the middle.

    Lines are columns or rows, whichever were measured whole, else single places. Those in the
    middle that every frame has are never held out: nothing else predicts them.
    """
    frames, height, width = known.shape
    t = np.arange(frames)[:, None, None]
    row, column = np.arange(height)[None, :, None], np.arange(width)[None, None, :]
    if (known == known[:, :1]).all():
        number, lines = np.broadcast_to(column, known.shape), known[:, 0]
    elif (known == known[:, :, :1]).all():
        number, lines = np.broadcast_to(row, known.shape), known[:, :, 0]
    else:
        return np.asarray(t * (height * width) + row * width + column)
    middle = _run_through_middle(np.asarray(lines.all(axis=0)))
    if 2 * frames * middle.sum() > lines.sum():
        middle[:] = False  # it is most of what there is: it may be held out
    return np.asarray(np.where(middle[number], -1, t * lines.shape[1] + number))


def _run_through_middle(always: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the run of true values around the middle."""
    run = np.zeros_like(always)
    middle = len(always) // 2
    for step in (1, -1):
        i = middle if step == 1 else middle - 1
        while 0 <= i < len(always) and always[i]:
            run[i] = True
            i += step
    return run


def _checked(kspace: NDArray[Any]) -> NDArray[np.complex64]:
    """Return k-space as (T, coils, h, w). Raises InputError."""
    k = np.asarray(kspace)
    if k.ndim == 3:
        k = k[:, None]
    if k.ndim != 4 or not np.iscomplexobj(k):
        raise InputError(
            f"kspace is {k.dtype} of shape {np.shape(kspace)}; wanted complex numbers "
            "(frames, coils, height, width)"
        )
    if not np.isfinite(k).all():
        raise InputError("kspace has NaN or infinite values; set them to 0 and mask them")
    return k.astype(np.complex64)


def _mask(mask: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Return a mask as (T, h, w). Raises InputError."""
    frames, height, width = shape
    known = np.asarray(mask) != 0
    if known.ndim == 2 and known.shape == (frames, width) != (height, width):
        known = known[:, None]
    try:
        return np.broadcast_to(known, shape)
    except ValueError:
        raise InputError(
            f"mask is {np.shape(mask)}; wanted {shape} (frames, height, width), or "
            f"{(frames, width)} for columns"
        ) from None


def _maps(maps: NDArray[Any], shape: tuple[int, int, int]) -> torch.Tensor:
    """Return coil maps as the operator takes them. Raises InputError."""
    if np.shape(maps) != shape:
        raise InputError(f"maps is {np.shape(maps)}; wanted {shape}: (coils, height, width)")
    return torch.from_numpy(np.asarray(maps).astype(np.complex64))[None]


def _scale(k: NDArray[np.complex64], known: NDArray[np.bool_], frame: LinearOperator) -> float:
    """Return what is about 1 in the image: the 99th percentile of the mean frame."""
    counts = np.maximum(known.sum(axis=0), 1)
    mean = k.sum(axis=0) / counts
    c, h, w = mean.shape
    pairs = np.stack([mean.real, mean.imag], axis=1).reshape(1, 2 * c, h, w).astype(np.float32)
    image = frame.adjoint(torch.from_numpy(pairs))[0]
    return float(image.square().sum(0).sqrt().flatten().quantile(0.99))


def in_a_cycle(recipe: Recipe) -> Recipe:
    """Return a recipe whose series closes on itself. Raises InputError: one that knows no cycle."""
    objective = recipe.objective
    if not isinstance(objective, Stacked):
        raise InputError(f"recipe {recipe.name!r} knows no cycle; leave periodic out")
    closed = {
        name: replace(start, periodic=True)
        for name in ("first", "second", "third")
        if (start := getattr(objective, name)) is not None
    }
    return replace(recipe, objective=replace(objective, **closed))
