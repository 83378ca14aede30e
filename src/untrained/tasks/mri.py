"""MRI: an image from undersampled k-space, y = M F S x + noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Unpack, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.calibration import (
    ENOUGH_COILS,
    coil_maps,
    mix_coils,
    noise_covariance,
    virtual_coils,
    whitening,
)
from untrained.errors import InputError
from untrained.operators import Fourier, Mask, Sense, as_pairs
from untrained.scans import places_measured
from untrained.tasks.base import Given
from untrained.tasks.calling import FitKeywords, fit_task
from untrained.tasks.scanned import magnitude

__all__ = [
    "Measured",
    "alike_coils",
    "check_centre",
    "maps_before",
    "prepare_mri",
    "reconstruct_mri",
]

Maps = Literal["auto", "none"] | NDArray[Any]

_BRIGHT = 0.99  # the quantile of |A* y| that becomes 1: fat at the skin is several times as bright
_STRONGEST = 0.01  # of the values of k-space, which are taken for as strong as each other
_BLIND = 1e-4  # of the coils' largest power: what they see less of is left black at first
_EMPTY = 0.4  # of what a mask says was measured: with more zeros it is another's
_MIDDLE = 24  # lines at most that are never held out


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Measured:
    """A scan, ready for `restore`.

    Attributes:
        y: (h, w, 2c), pairs of channels; transformed back along an axis whose lines are whole.
        given: operator, mask, groups and scale.
        sets: pairs of channels of the image: sets of maps, or coils.
    """

    y: NDArray[np.float32]
    given: Given
    sets: int


def prepare_mri(
    kspace: NDArray[Any],
    *,
    mask: NDArray[Any] | None = None,
    maps: Maps = "auto",
    noise: NDArray[Any] | None = None,
) -> Measured:
    """Return y and what is given of it for a fit: Mask, Fourier transform, coil maps, scale.

    Where the mask is of whole lines, the readout says nothing of the other axis: y is transformed
    back along it, and A is the transform along the other axis alone, row by row of the image.
    Lines are held out whole, those in the middle never. The scale is the 99th percentile of |A* y|,
    so that the unit of k-space does not matter.

    Args:
        kspace: (coils, h, w) or (h, w), complex, centred: the zero frequency at (h // 2, w // 2).
        mask: (w,) for lines, (h, w), (1, w) or (h, 1); not 0 = measured, and what else is in
            k-space is not looked at. None = where any coil is not 0, but for a few zeros within
            lines.
        maps: the coils' sensitivity, (coils, h, w) or (sets, coils, h, w); "auto" = by ESPIRiT from
            the middle of k-space; "none" = an image for each coil.
        noise: (coils, n), complex samples without a signal, to prewhiten the coils with; with
            maps="auto" the image is that of the coils as they were, in the unit of k-space.

    Raises:
        InputError: no complex (coils, h, w), NaN or infinite values, k-space of zeros or with the
            zero frequency in a corner, a mask, maps or noise of another size, too few lines in the
            middle for maps="auto".
    """
    samples, where = _checked(kspace, mask)
    if not bool((samples != 0).any()):
        raise InputError("k-space is zero everywhere; check the file, or the mask")
    check_centre(samples[None].numpy())
    notes: list[str] = []
    sensitivity = None if isinstance(maps, str) else _checked_maps(maps, samples)
    mixing = torch.eye(len(samples), dtype=torch.complex128)
    if noise is not None:
        mixing = alike_coils(_checked_noise(noise, len(samples)))
        samples = mix_coils(mixing, samples)
        sensitivity = None if sensitivity is None else mix_coils(mixing, sensitivity)
    if isinstance(maps, str) and maps not in ("auto", "none"):
        raise InputError(f'maps is {maps!r}; wanted "auto", "none", or an array of maps')
    alone = len(samples) == 1 and isinstance(maps, str)
    wanted = not alone and not (isinstance(maps, str) and maps == "none")
    if wanted and len(samples) > ENOUGH_COILS:
        matrix, kept = virtual_coils(samples, where, coils=ENOUGH_COILS)
        notes.append(f"{len(samples)} coils became {ENOUGH_COILS}, with {kept:.1%} of the energy")
        samples = mix_coils(matrix, samples)
        sensitivity = None if sensitivity is None else mix_coils(matrix, sensitivity)
        mixing = matrix.to(mixing) @ mixing
    if wanted and sensitivity is None:
        sensitivity = maps_before(mixing, coil_maps(samples, where))
    whole, axes = _whole_axis(where)
    y = as_pairs(samples[None])
    if whole is not None:
        y = Fourier((whole,)).adjoint(y)
    of_coils = Fourier(axes) if sensitivity is None else Sense(sensitivity.to(samples), axes)
    operator = Mask(where[None, None].float()) @ of_coils
    y = y.float()
    first = magnitude(operator.adjoint(y))
    if sensitivity is not None:  # in the unit of the image, whatever the unit of the maps
        power = sensitivity.abs().square().sum((0, 1)).float()
        first = torch.where(power > _BLIND * power.max(), first / power, 0)
    return Measured(
        y=np.ascontiguousarray(y[0].permute(1, 2, 0).numpy()),
        given=Given(
            operator=operator,
            mask=None if bool(where.all()) else where.numpy(),
            groups=_groups(where, whole),
            scale=_typical(first),
            clip=False,
            look=magnitude,
            first=first[0, 0].numpy(),
            notes=tuple(notes),
        ),
        sets=len(samples) if sensitivity is None else len(sensitivity),
    )  # fmt: skip


def reconstruct_mri(
    kspace: NDArray[Any],
    *,
    mask: NDArray[Any] | None = None,
    maps: Maps = "auto",
    noise: NDArray[Any] | None = None,
    **fit: Unpack[FitKeywords],
) -> Any:
    """Return the complex image of undersampled k-space.

    Args:
        kspace, mask, maps, noise: as for `prepare_mri`.
        **fit: recipe, steps, settings, truth (the magnitude, (H, W)), seed, device, callbacks,
            progress, return_result: see `FitKeywords`.

    Returns:
        the image, (H, W), complex, in the unit of k-space (the transform is unitary); of several
        sets of maps or, without maps, of several coils (sets or coils, H, W). With
        `return_result=True` the whole `Result`, with that image.

    Raises:
        InputError: input that cannot be used; one line with the remedy.
    """
    measured = prepare_mri(kspace, mask=mask, maps=maps, noise=noise)
    fit = cast(FitKeywords, {**fit, "channel_axis": -1})
    truth = fit.get("truth")
    if isinstance(truth, np.ndarray) and truth.ndim == 2:
        fit["truth"] = np.abs(truth).astype(np.float32)[..., None]
    restored, (result,) = fit_task("mri", measured.y, measured.given, fit)
    pairs = np.ascontiguousarray(restored, np.float32)
    image = np.moveaxis(pairs.view(np.complex64), -1, 0)
    image = image[0] if measured.sets == 1 else image
    return replace(result, image=image) if fit.get("return_result") else image


def alike_coils(noise: Tensor) -> Tensor:
    """Return the matrix (c, c) after which coils have the same noise, the middle of what they had.

    So the unit of k-space stays what it was.

    Args:
        noise: (c, n), complex samples without a signal.

    Raises:
        InputError: as `noise_covariance`.
    """
    mixing = whitening(noise_covariance(noise))
    return mixing / mixing.abs().square().sum(1).sqrt().median()


def maps_before(mixing: Tensor, maps: Tensor) -> Tensor:
    """Return maps (sets, c', h, w) of mixed coils, of length 1 at every place before the mixing.

    So the image is that of the coils as they were: prewhitening does not shade it.

    Args:
        mixing: (c', c), of `mix_coils`.
        maps: of the mixed coils, of any length.
    """
    before = mix_coils(torch.linalg.pinv(mixing), maps)
    length = before.abs().square().sum(1, keepdim=True).sqrt()
    return maps / length.clamp_min(torch.finfo(torch.float32).tiny)


def check_centre(samples: NDArray[Any]) -> None:
    """Refuse k-space (n, coils, h, w) whose strong values lie around a corner, not the middle.

    They are counted around the circle, the hundredth part of them that is strongest alike, so that
    a single spike says nothing.

    Raises:
        InputError: it is so.
    """
    strength = np.abs(samples).sum(axis=(0, 1), dtype=np.float64)
    strength = np.minimum(strength, np.quantile(strength[strength > 0], 1 - _STRONGEST))
    near_corner = []
    for axis, size in enumerate(strength.shape):
        around = np.exp(2j * np.pi * (np.arange(size) - size // 2) / size)
        near_corner.append(bool((strength.sum(axis=1 - axis) * around).sum().real < 0))
    if all(near_corner):
        raise InputError(
            "k-space is strongest near a corner; wanted the zero frequency in the middle: "
            "np.fft.fftshift(kspace, axes=(-2, -1)), and the mask likewise"
        )


def _checked(kspace: NDArray[Any], mask: NDArray[Any] | None) -> tuple[Tensor, Tensor]:
    """Return k-space (c, h, w), complex, 0 where it was not measured, and (h, w), where it was.

    Raises:
        InputError: it is something else; a mask of what was not measured.
    """
    values = np.asarray(kspace)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or not np.iscomplexobj(values) or not values.size:
        raise InputError(
            f"k-space is {values.dtype} of shape {np.shape(kspace)}; "
            "wanted complex numbers (coils, h, w)"
        )
    where = places_measured(values[None])[0] if mask is None else _mask(mask, values.shape[-2:])
    values = np.where(where, values, 0)
    empty = float((values[:, where] == 0).all(0).mean()) if where.any() else 1.0
    if mask is not None and _EMPTY < empty < 1:
        raise InputError(
            f"{empty:.0%} of what the mask says was measured is 0; give the mask of this "
            "scan, of columns (w,) or rows (h, 1), or leave it out"
        )
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise InputError(
            f"k-space has {count} NaN or infinite values; give a mask of what was measured, which "
            "leaves them out"
        )
    largest = float(np.abs(values).max()) or 1.0
    if not 1e-30 < largest < 1e30:  # float32 ends not far beyond
        raise InputError(f"k-space's largest value is {largest:.3g}; bring it nearer to 1")
    return torch.from_numpy(values.astype(np.complex64)), torch.from_numpy(where)


def _mask(mask: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return (h, w), true where k-space was measured. Raises InputError: another size."""
    h, w = shape
    values = np.asarray(mask)
    if values.shape not in ((w,), (h, w), (1, w), (h, 1)):
        got = "x".join(map(str, values.shape))
        raise InputError(
            f"mask is {got}, k-space is {h}x{w}; wanted ({w},), a number a column, ({h}, 1), one a "
            f"row, or ({h}, {w})"
        )
    return np.broadcast_to(values != 0, (h, w)).copy()


def _checked_maps(maps: NDArray[Any], samples: Tensor) -> Tensor:
    """Return maps (sets, c, h, w). Raises InputError: of other coils or size."""
    values = np.asarray(maps)
    values = values[None] if values.ndim == 3 else values
    if values.ndim != 4 or values.shape[1:] != tuple(samples.shape):
        got, wanted = ("x".join(map(str, s)) for s in (np.shape(maps), samples.shape))
        raise InputError(f"coil maps are {got}, k-space is {wanted}; wanted maps of that shape")
    if not np.isfinite(values).all() or not values.any():
        raise InputError("coil maps have NaN or are zero everywhere; wanted finite sensitivities")
    return torch.from_numpy(values.astype(np.complex64))


def _checked_noise(noise: NDArray[Any], coils: int) -> Tensor:
    """Return noise (c, n). Raises InputError: of other coils."""
    values = np.asarray(noise)
    if values.ndim != 2 or len(values) != coils or not np.iscomplexobj(values):
        got = "x".join(map(str, values.shape))
        raise InputError(f"noise is {got}; wanted complex samples ({coils}, n), a row a coil")
    return torch.from_numpy(values.astype(np.complex64))


def _whole_axis(where: Tensor) -> tuple[int | None, tuple[int, ...]]:
    """Return the axis along which lines were sampled whole, and the axes that are left."""
    if bool((where == where[:1]).all()):
        return -2, (-1,)
    if bool((where == where[:, :1]).all()):
        return -1, (-2,)
    return None, (-2, -1)


def _groups(where: Tensor, whole: int | None) -> NDArray[np.int64]:
    """Return what is held out together: a line, or a sample; -1 = never, the middle of k-space.

    Lines of a partial echo, all of which begin late, are lines.
    """
    h, w = where.shape
    rows, columns = where.any(1), where.any(0)
    if whole is None and bool((where == rows[:, None] & columns).all()):
        whole = -2 if _is_run(rows) else -1 if _is_run(columns) else None
    if whole is None:
        numbers = torch.arange(h * w).view(h, w)
        middle = torch.zeros_like(where)
        rows, columns = _middle(where[:, w // 2]), _middle(where[h // 2])
        middle[rows.nonzero(), columns.nonzero().T] = True
    else:
        line = columns if whole == -2 else rows
        numbers, middle = torch.arange(len(line)), _middle(line)
        if whole == -1:
            numbers, middle = numbers[:, None], middle[:, None]
    numbers = torch.where(middle, -1, numbers)
    return numbers.expand(h, w).contiguous().numpy()


def _is_run(line: Tensor) -> bool:
    """Whether the true values stand in a row."""
    return int(line[1:].ne(line[:-1]).sum()) + int(line[0]) + int(line[-1]) == 2


def _middle(line: Tensor) -> Tensor:
    """Return where a line was sampled without a gap around its middle, so many at most."""
    count, centre = len(line), len(line) // 2
    limit = max(1, min(_MIDDLE, int(line.sum()) // 2))
    gaps = (~line).nonzero().flatten()
    first = int(gaps[gaps <= centre].max()) + 1 if bool((gaps <= centre).any()) else 0
    last = int(gaps[gaps >= centre].min()) if bool((gaps >= centre).any()) else count
    middle = torch.zeros_like(line)
    middle[max(first, centre - limit // 2) : min(last, centre + (limit + 1) // 2)] = True
    return middle


def _typical(first: Tensor) -> float:
    """Return the 99th percentile of |A* y|."""
    value = float(np.quantile(first.numpy(), _BRIGHT))
    return value if value > 0 else float(first.max()) or 1.0
