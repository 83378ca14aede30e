"""Arrays <-> tensors: value range, dtype, channel axis, missing pixels.

Shapes: H W C of the caller's array; tensors are (1, C, H, W), float32, in [0, 1].
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images.picture import MIN_SIDE
from untrained.images.ranges import UnitRange, find_outliers, range_of

if TYPE_CHECKING:  # files are read and written without torch, which takes a second to import
    from torch import Tensor

__all__ = [
    "MIN_SIDE",
    "channels_last",
    "from_unit",
    "image_size",
    "missing_in",
    "shown_range",
    "to_unit",
]

_FARTHEST = 3.0  # beyond black and white: how far an outlier stands out in the unit range


def channels_last(array: NDArray[Any], channel_axis: int | None) -> NDArray[Any]:
    """Return a view (H, W, C), masked arrays as such. Raises InputError: no such axes."""
    if array.ndim == 2:
        return array[:, :, None]
    if array.ndim == 3 and channel_axis is not None:
        if channel_axis not in range(-3, 3):
            raise InputError(f"channel_axis is {channel_axis!r}; wanted one of the axes, -3 to 2")
        return np.moveaxis(array, channel_axis, -1)
    raise InputError(
        f"image has shape {array.shape}; wanted (H, W), or three axes with channel_axis naming "
        "the channels; restore the pages of a stack one by one"
    )


def image_size(array: NDArray[Any], channel_axis: int | None = -1) -> tuple[int, int]:
    """Return the height and width of an image. Raises InputError as `to_unit` does of its axes."""
    height, width, _ = channels_last(np.asarray(array), channel_axis).shape
    return height, width


def missing_in(array: NDArray[Any], channel_axis: int | None = -1) -> NDArray[np.bool_]:
    """Return where an image is NaN, infinite or masked (`numpy.ma`) in any channel, (H, W)."""
    image = channels_last(array, channel_axis)
    missing = ~np.isfinite(np.ma.getdata(image)) | np.ma.getmaskarray(image)
    found: NDArray[np.bool_] = missing.any(axis=-1)
    return found


def to_unit(
    array: NDArray[Any],
    *,
    channel_axis: int | None = -1,
    value_range: UnitRange | None = None,
    outliers: NDArray[np.bool_] | None = None,
    least: int = MIN_SIDE,
) -> tuple[Tensor, Tensor | None, UnitRange]:
    """Return the unit-range tensor, the mask of known pixels and the range that undoes it.

    Args:
        array: (H, W), or (H, W, C) with `channel_axis` naming C. Never modified.
        channel_axis: ignored for two-dimensional arrays.
        value_range: use this range instead of the array's own (a truth beside its observation).
        outliers: (H, W, C): values that have no part in the range (`find_outliers`); they come out
            at most three times its width beyond it.
        least: the shortest side that is taken.

    Returns:
        tensor (1, C, H, W) float32; known (1, 1, H, W) float32 with 0 where any channel is NaN,
        infinite or masked, None if every pixel is there; the range.

    Raises:
        InputError: wrong axes, complex or boolean values, a side under `least`, no finite pixel.
    """
    import torch

    array = np.asanyarray(array)
    if np.iscomplexobj(array):
        raise InputError(
            f"image is of type {array.dtype}; wanted integers or floats: complex numbers as pairs "
            "of channels, np.stack([y.real, y.imag], -1), under an operator that returns such pairs"
        )
    if array.dtype == bool or not (
        np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)
    ):
        raise InputError(f"image is of type {array.dtype}; wanted integers or floats")
    image = channels_last(array, channel_axis)
    if min(image.shape) == 0:
        raise InputError(f"image is empty (shape {array.shape}); wanted at least 8x8 pixels")
    if min(image.shape[:2]) < least:
        raise InputError(
            f"image is {image.shape[0]}x{image.shape[1]}; wanted at least {least}x{least}"
        )
    there = np.isfinite(np.ma.getdata(image)) & ~np.ma.getmaskarray(image)
    image = np.ma.getdata(image)
    if not there.any():
        raise InputError("image has no finite pixel; wanted some known ones")
    usable = there if outliers is None else there & ~outliers
    unit_range = value_range or range_of(image, usable if usable.any() else there)
    unit = (image.astype(np.float64) - unit_range.offset) / unit_range.scale
    if outliers is not None:
        unit = np.where(outliers, unit.clip(-_FARTHEST, 1 + _FARTHEST), unit)
    known = there.all(axis=-1)
    mask = None
    if not known.all():
        unit = np.where(known[..., None], unit, unit[known].mean(axis=0) if known.any() else 0.5)
        mask = torch.from_numpy(known[None, None].astype(np.float32))
    tensor = torch.from_numpy(np.ascontiguousarray(unit.transpose(2, 0, 1)[None], dtype=np.float32))
    return tensor, mask, unit_range


def shown_range(image: NDArray[Any]) -> UnitRange | None:
    """Return the map by which a fit sees (H, W, C) values, and the screen shows them.

    Of more than three channels the map of the first alone; None = no value is finite.
    """
    there = ~missing_in(image)
    if not there.any():
        return None
    outliers = find_outliers(image, there)
    usable = there if outliers is None else there[..., None] & ~outliers
    found = range_of(image, usable)
    if not found.is_apart or image.shape[2] == 3:
        return found
    offset, scale = (float(np.ravel(values)[0]) for values in (found.offset, found.scale))
    return replace(found, offset=offset, scale=scale)


def from_unit(
    tensor: Tensor, unit_range: UnitRange, *, ndim: int = 3, channel_axis: int | None = -1
) -> NDArray[Any]:
    """Undo `to_unit`: (1, C, H, W) -> the caller's layout, range and dtype.

    A gray array whose restored image has colours (a mosaic) becomes (H, W, C).
    Integers are rounded to nearest and clipped to what their dtype holds.
    """
    image = tensor[0].permute(1, 2, 0).cpu().double().numpy()
    image = _as_dtype(image * unit_range.scale + unit_range.offset, unit_range.dtype)
    if ndim == 2 and image.shape[2] == 1:
        return image[:, :, 0]
    return image if ndim == 2 or channel_axis is None else np.moveaxis(image, -1, channel_axis)


def _as_dtype(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return float64 values in a dtype; integers rounded, and clipped to the dtype's limits."""
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    # As a float, the largest 64-bit integer is one more than itself.
    below, above = values <= float(limits.min), values >= float(limits.max)
    inside = np.where(below | above, 0, np.rint(values)).astype(dtype)
    inside[below], inside[above] = limits.min, limits.max
    return inside
