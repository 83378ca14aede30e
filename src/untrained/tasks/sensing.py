"""Compressed sensing: an image from fewer random measurements than it has pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack, cast

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.fitting import Result
from untrained.operators import LinearOperator, PartialFourier
from untrained.recipes import as_recipe
from untrained.restoring import Given, with_prior
from untrained.tasks.base import as_size
from untrained.tasks.calling import FitKeywords, fit_task
from untrained.tasks.sensing_matrix import Asked, MatrixSource

__all__ = ["MatrixSource", "Measured", "prepare_sensing", "reconstruct_sensing"]

_PICTURE = (0.05, 1.0)  # root mean squares of pictures in [0, 1]
_PROBES = 4
_ALONE = 0.25  # of what all measurements have of a constant image


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measured:
    """Measurements as `restore` takes them.

    Attributes:
        y: (1, m, 1) float32; of Fourier measurements (1, m, 2), real and imaginary parts.
        given: the operator, what is missing, the scale, notes.
    """

    y: NDArray[np.float32]
    given: Given


def prepare_sensing(
    y: NDArray[Any], matrix: MatrixSource, size: Sequence[int], *, scale: float | None = None
) -> Measured:
    """Return measurements and what is known of them, for `restore`.

    The rows of a matrix of your own are made orthonormal, A ← L⁻¹A and y ← L⁻¹y with L Lᵀ = A Aᵀ:
    the same images solve the equation, and patterns of zeros and ones, which all measure the mean,
    do so once. Where rows depend on each other, it is divided by ‖A‖_F / √n instead.

    Args:
        y: (m,) numbers, complex ones of Fourier measurements; NaN and infinite ones are missing.
        matrix: hadamard:SEED, gaussian:SEED or fourier:SEED (the operators `Hadamard`,
            `GaussianSensing`, `PartialFourier` say which numbers those are), a matrix (m, n), its
            .npy file, or a linear operator from (1, C, H, W) to (1, 1, 1, m).
        size: height and width of the image, and its channels if there are several.
        scale: what is white in the image; None = 1 where y is that of a picture in [0, 1] by its
            size, else four times the root of the image's mean square, which ‖y‖ tells.

    Raises:
        InputError: y, matrix and size that do not go together.
    """
    numbers = _numbers(y)
    height, width, channels = _size(size)
    there = np.isfinite(numbers)
    if not there.any():
        raise InputError("no measurement is a finite number; wanted some to start from")
    if not numbers[there].any():
        raise InputError("every measurement is zero: the image is zero, or the file is not y")
    notes = []
    if not there.all():
        notes.append(f"{(~there).sum()} of {len(there)} measurements are missing and left out")
    asked = Asked(numbers=numbers, there=there, size=(height, width), channels=channels)
    operator, numbers, there = asked.under(matrix)
    clean = np.where(there, numbers, 0)
    complex_ = isinstance(operator, PartialFourier)
    pairs = np.stack([clean.real, clean.imag] if complex_ else [clean], axis=-1)
    if scale is None:
        strength = _image_rms(operator, pairs, there)
        scale = 1.0 if _PICTURE[0] <= strength <= _PICTURE[1] else 4 * strength
        if scale != 1:
            notes.append(
                f"the image's values are about {strength:.3g}, none of a picture in [0, 1]: "
                f"white is taken to be {scale:.3g} (scale=)"
            )
    return Measured(
        y=pairs[None].astype(np.float32),
        given=Given(
            operator=operator, mask=None if there.all() else there[None],
            groups=_groups(operator, pairs.shape), scale=scale, clip=False, notes=tuple(notes),
        ),
    )  # fmt: skip


def reconstruct_sensing(
    y: NDArray[Any],
    *,
    matrix: MatrixSource,
    size: Sequence[int],
    scale: float | None = None,
    prior: Sequence[str | Path] = (),
    restarts: int = 1,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Return the image of random measurements: y = A x, with fewer of them than pixels.

    Args:
        y: (m,) measurements; NaN = missing. Complex ones of Fourier measurements.
        matrix: hadamard:SEED, gaussian:SEED or fourier:SEED, the matrix (m, n), its .npy file, or a
            linear operator.
        size: height and width of the image, and its channels if there are several.
        scale: what is white in the image; None = see `prepare_sensing`.
        prior: folders of earlier fits (`Result.save`), for the recipe paper-learned.
        restarts: how many fits, of seeds one after the other; that which explains the measurements
            best is returned, as Van Veen et al. do.
        **fit: recipe, steps, settings, truth, seed, device, callbacks, progress, return_result: see
            `FitKeywords`.

    Returns:
        the image, (H, W) or (H, W, C), float32. With `return_result=True` the whole `Result`.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
    """
    if as_size(restarts, "restarts") < 1:
        raise InputError(f"restarts is {restarts}; wanted 1 or more")
    measured = prepare_sensing(y, matrix, size, scale=scale)
    if prior:
        recipe = with_prior(as_recipe(fit.get("recipe", "fast"), task="sensing"), prior)
        fit = cast(FitKeywords, {**fit, "recipe": recipe})
    truth = fit.get("truth")
    if isinstance(truth, np.ndarray) and truth.ndim == 2:
        fit = cast(FitKeywords, {**fit, "truth": truth[..., None].astype(np.float32)})
    seed, best = fit.get("seed", 0), None
    for again in range(restarts):
        keywords = cast(FitKeywords, {**fit, "seed": seed + again})
        _, (result,) = fit_task("sensing", measured.y, measured.given, keywords)
        if best is None or _explains(result) > _explains(best):
            best = result
    assert best is not None
    assert best.image is not None
    image = best.image[..., 0] if best.image.shape[-1] == 1 else best.image
    return replace(best, image=image) if fit.get("return_result") else image


def _explains(result: Result) -> float:
    """Return the PSNR of the kept step's measurements against those that were made."""
    levels = result.history.psnr_observed
    return levels[min(result.kept_step, len(levels)) - 1] if levels else -math.inf


def _numbers(y: NDArray[Any]) -> NDArray[Any]:
    numbers = np.asarray(y)
    if numbers.dtype.kind not in "iufc" or numbers.size == 0:
        raise InputError(f"y is of type {numbers.dtype} and size {numbers.size}; wanted numbers")
    if max(numbers.shape, default=1) != numbers.size:
        got = "x".join(map(str, numbers.shape))
        raise InputError(f"y is {got}; wanted the measurements in a row, (m,)")
    numbers = numbers.reshape(-1)
    return numbers.astype(np.complex128 if numbers.dtype.kind == "c" else np.float64)


def _size(size: Sequence[int]) -> tuple[int, int, int]:
    sides = [as_size(side, "size") for side in size]
    if len(sides) not in (2, 3) or min(sides) < 1:
        got = "x".join(map(str, sides))
        raise InputError(f"size is {got}; wanted height and width, and channels if there are some")
    return sides[0], sides[1], sides[2] if len(sides) == 3 else 1


def _groups(operator: LinearOperator, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return a number for each measurement; -1 = never held out: it alone has the image's mean."""
    m, rows = shape
    with torch.no_grad():
        flat = operator(torch.ones(operator.image_shape((1, rows, 1, m))))
    power = flat.square().sum(1).flatten().numpy()
    alone = power > _ALONE * power.sum()
    return np.where(alone, -1, np.arange(m))[None]


def _image_rms(
    operator: LinearOperator, pairs: NDArray[np.float32], there: NDArray[np.bool_]
) -> float:
    """Return the root of the mean square of the image, of its mean and of what is left of y."""
    generator = torch.Generator().manual_seed(0)
    where = torch.from_numpy(there)
    y = torch.from_numpy(np.ascontiguousarray(pairs.T)).float()[None, :, None]
    shape = operator.image_shape((1, pairs.shape[-1], 1, len(there)))
    with torch.no_grad():
        flat = operator(torch.ones(shape)) * where
        mean = float((flat * y).sum() / flat.square().sum().clamp_min(1e-30))
        probes = [torch.empty(shape).normal_(generator=generator) for _ in range(_PROBES)]
        size = sum(float((operator(x) * where).square().sum()) for x in probes) / _PROBES
        rest = float((y - mean * flat).square().sum())
    return math.sqrt(mean**2 + rest / max(size, 1e-30))
