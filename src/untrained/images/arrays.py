"""Arrays <-> tensors: value range, dtype, channel axis, missing pixels.

Shapes: H W C of the caller's array; tensors are (1, C, H, W), float32, in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images.picture import MIN_SIDE

if TYPE_CHECKING:  # files are read and written without torch, which takes a second to import
    from torch import Tensor

__all__ = [
    "MIN_SIDE",
    "UnitRange",
    "from_unit",
    "image_size",
    "range_of",
    "to_unit",
    "white_of",
]

# Below this share of full scale the sigmoid and Adam's epsilon both start to hurt, so the data
# (a 12-bit camera in a 16-bit file, a float stack of 0..0.01) are stretched to their own range.
_DARK = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitRange:
    """The map between the caller's values and the unit range: value = offset + scale · unit.

    `peak` is the value that PSNR takes as full scale, in unit-range units: the dtype's white
    for integers, 1 for float pictures in [0, 1], the data's own range for other floats.
    """

    offset: float
    scale: float
    peak: float
    dtype: np.dtype[Any]

    @property
    def full_scale(self) -> float:
        """Full scale in the caller's units: 255 for uint8, 65535 for uint16, 1 for [0, 1]."""
        return self.peak * self.scale


def white_of(dtype: np.dtype[Any]) -> float:
    """Return the value of white in a picture: the dtype's largest, 1 for floats."""
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0


def range_of(array: NDArray[Any], finite: NDArray[np.bool_]) -> UnitRange:
    """Return the map to the unit range: the natural full scale, the data's own if they are dark."""
    dtype = array.dtype
    low, high = float(array[finite].min()), float(array[finite].max())
    white = white_of(dtype)
    if dtype == np.uint8 or (low >= 0 and _DARK * white <= high <= white):
        return UnitRange(offset=0.0, scale=white, peak=1.0, dtype=dtype)
    span = high - low if high > low else 1.0
    is_picture = low >= 0 and high <= white and not np.issubdtype(dtype, np.signedinteger)
    return UnitRange(offset=low, scale=span, peak=white / span if is_picture else 1.0, dtype=dtype)


def _channels_last(array: NDArray[Any], channel_axis: int | None) -> NDArray[Any]:
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
    height, width, _ = _channels_last(np.asarray(array), channel_axis).shape
    return height, width


def to_unit(
    array: NDArray[Any],
    *,
    channel_axis: int | None = -1,
    value_range: UnitRange | None = None,
    least: int = MIN_SIDE,
) -> tuple[Tensor, Tensor | None, UnitRange]:
    """Return the unit-range tensor, the mask of known pixels and the range that undoes it.

    Args:
        array: (H, W), or (H, W, C) with `channel_axis` naming C. Never modified.
        channel_axis: ignored for two-dimensional arrays.
        value_range: use this range instead of the array's own (a truth beside its observation).
        least: the shortest side that is taken.

    Returns:
        tensor (1, C, H, W) float32; known (1, 1, H, W) float32 with 0 where any channel is NaN or
        infinite, None if every pixel is finite; the range.

    Raises:
        InputError: wrong axes, complex or boolean values, a side under `least`, no finite pixel.
    """
    import torch

    array = np.asarray(array)
    if np.iscomplexobj(array):
        raise InputError(
            f"image is of type {array.dtype}; wanted integers or floats: complex numbers as pairs "
            "of channels, np.stack([y.real, y.imag], -1), under an operator that returns such pairs"
        )
    if array.dtype == bool or not (
        np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)
    ):
        raise InputError(f"image is of type {array.dtype}; wanted integers or floats")
    image = _channels_last(array, channel_axis)
    if min(image.shape) == 0:
        raise InputError(f"image is empty (shape {array.shape}); wanted at least 8x8 pixels")
    if min(image.shape[:2]) < least:
        raise InputError(
            f"image is {image.shape[0]}x{image.shape[1]}; wanted at least {least}x{least}"
        )
    finite = np.isfinite(image)
    if not finite.any():
        raise InputError("image has no finite pixel; wanted some known ones")
    unit_range = value_range or range_of(image, finite)
    unit = (image.astype(np.float64) - unit_range.offset) / unit_range.scale
    known = finite.all(axis=-1)
    mask = None
    if not known.all():
        unit = np.where(known[..., None], unit, unit[known].mean(axis=0) if known.any() else 0.5)
        mask = torch.from_numpy(known[None, None].astype(np.float32))
    tensor = torch.from_numpy(np.ascontiguousarray(unit.transpose(2, 0, 1)[None], dtype=np.float32))
    return tensor, mask, unit_range


def from_unit(
    tensor: Tensor, unit_range: UnitRange, *, ndim: int = 3, channel_axis: int | None = -1
) -> NDArray[Any]:
    """Undo `to_unit`: (1, C, H, W) -> the caller's layout, range and dtype.

    A gray array whose restored image has colours (a mosaic) becomes (H, W, C).
    Integers are rounded to nearest and clipped to what their dtype holds.
    """
    image = tensor[0].permute(1, 2, 0).cpu().double().numpy()
    image = image * unit_range.scale + unit_range.offset
    if np.issubdtype(unit_range.dtype, np.integer):
        limits = np.iinfo(unit_range.dtype)
        image = np.clip(np.rint(image), limits.min, limits.max)
    image = image.astype(unit_range.dtype)
    if ndim == 2 and image.shape[2] == 1:
        return image[:, :, 0]
    return image if ndim == 2 or channel_axis is None else np.moveaxis(image, -1, channel_axis)
