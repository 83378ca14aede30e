"""What the values of an image mean before a fit, and how they stand in the image after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.images import (
    MIN_SIDE,
    UnitRange,
    channels_last,
    find_outliers,
    from_unit,
    missing_in,
    natural_range,
    to_unit,
    white_of,
)
from untrained.operators import Identity, LinearOperator
from untrained.recipes import Recipe
from untrained.restoring.given import Given

__all__ = ["Values", "enlarged", "read_values", "set_missing"]

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Values:
    """An image as the fit sees it.

    Attributes:
        source: the caller's image, perhaps masked (`numpy.ma`).
        channel_axis: its axis of the channels.
        observed: y in the unit range, (1, c, h, w).
        finite: (1, 1, h, w), 0 where a value is missing; None = nowhere.
        outliers: (1, c, h, w), 1 where a value lies far outside the range; None = nowhere.
        range: the map to the unit range.
        repeat: how many channels the one of `observed` stands for: a gray picture's stored as RGB.
        is_gray: whether all channels of the caller's image are the same.
    """

    source: NDArray[Any]
    channel_axis: int | None
    observed: Tensor
    finite: Tensor | None
    outliers: Tensor | None
    range: UnitRange
    repeat: int
    is_gray: bool

    def is_constant(self, known: Tensor | None) -> bool:
        """Whether every channel of y has one value wherever it is known, (1, 1, h, w)."""
        y = self.observed[0].flatten(1)
        if known is not None:
            y = y[:, known.flatten() > 0]
        return self.outliers is None and bool((y == y[:, :1]).all())

    def as_image(self, estimate: Tensor) -> NDArray[Any]:
        """Return an estimate in the caller's range, dtype and layout."""
        if self.is_gray and estimate.shape[1] == 3:  # by an operator that knows colours only
            luma = estimate.new_tensor(_LUMA).view(1, 3, 1, 1)
            estimate = (estimate * luma).sum(1, keepdim=True).expand_as(estimate)
        if self.repeat > 1:
            estimate = estimate.expand(-1, self.repeat, -1, -1)
        return from_unit(
            estimate, self.range, ndim=self.source.ndim, channel_axis=self.channel_axis
        )

    def as_it_was(self, image: NDArray[Any], where: Tensor | None) -> NDArray[Any]:
        """Return the image with the caller's own values at some places, to the bit.

        These are (1, 1, h, w) for all channels, or (1, c, h, w) for each its own. An enlarged image
        has them at all pixels that stand for one of those places.
        """
        if where is None or not where.any():
            return image
        own = channels_last(np.ma.getdata(self.source), self.channel_axis)
        result = channels_last(image, self._axis_of(image)).copy()
        if where.shape[1] != result.shape[2]:
            where = where.amax(1, keepdim=True)
        place = enlarged(where[0].permute(1, 2, 0).cpu().numpy() > 0, result.shape)
        np.copyto(result, enlarged(own, result.shape), where=place)
        if image.ndim == 2:
            return result[..., 0]
        return np.moveaxis(result, -1, self._axis_of(image))

    def with_missing(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the image with what was missing missing again: NaN, a nodata value, masked."""
        if self.finite is None:
            return image
        image = self.as_it_was(image, 1 - self.finite)
        if not isinstance(self.source, np.ma.MaskedArray):
            return image
        axis = self._axis_of(image)
        shape = channels_last(image, axis).shape
        mask = np.ma.getmaskarray(channels_last(self.source, self.channel_axis))
        mask = np.broadcast_to(enlarged(mask, shape), shape)
        return np.ma.masked_array(image, np.moveaxis(mask, -1, axis).reshape(image.shape))

    def _axis_of(self, image: NDArray[Any]) -> int:
        """Return the axis of an image's channels; that of a mosaic has more than its source."""
        with_axis = self.source.ndim == 3 and image.ndim == 3 and self.channel_axis is not None
        return self.channel_axis if with_axis and self.channel_axis is not None else -1


def read_values(
    image: NDArray[Any], *, channel_axis: int | None, given: Given, recipe: Recipe
) -> Values:
    """Return what a fit is to see of an image.

    Raises:
        InputError: as `to_unit`.
    """
    source = np.asanyarray(image)
    alike = _all_alike(source, channel_axis) if given.of_a_picture else 1
    alone = alike > 1 and _one_channel_does(given)
    shown = channels_last(source, channel_axis)[..., :1] if alone else source
    axis = -1 if alone else channel_axis
    value_range = _range_under(given, recipe, source.dtype)
    outliers = None
    if value_range is None and _is_direct(given) and source.dtype != bool:
        outliers = _outliers(shown, axis)
    observed, finite, unit_range = to_unit(
        shown, channel_axis=axis, value_range=value_range, outliers=outliers,
        least=MIN_SIDE if given.operator is None else 1,
    )  # fmt: skip
    return Values(
        source=source, channel_axis=channel_axis, observed=observed, finite=finite,
        outliers=None if outliers is None else _as_place(outliers),
        range=unit_range, repeat=alike if alone else 1, is_gray=alike > 1,
    )  # fmt: skip


def set_missing(image: NDArray[Any], value: float) -> NDArray[Any]:
    """Return an image (H, W, C) whose pixels of this value in every channel are masked.

    NaN, infinite pixels stay what they are: missing as well.
    """
    nowhere = np.ma.nomask
    same = (image == value).all(axis=-1)
    mask = np.broadcast_to(same[..., None], image.shape).copy() if same.any() else nowhere
    return np.ma.masked_array(image, mask=mask)


def enlarged(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an array (h, w, …) with so many rows and columns, each the nearest of its own."""
    if array.shape[:2] == shape[:2]:
        return array
    rows, columns = (
        np.arange(new) * old // new for new, old in zip(shape[:2], array.shape[:2], strict=True)
    )
    larger: NDArray[Any] = array[rows][:, columns]
    return larger


def _range_under(given: Given, recipe: Recipe, dtype: np.dtype[Any]) -> UnitRange | None:
    """Return the range that the operator or the objective needs; None = the picture's own."""
    if given.of_a_picture:
        full = getattr(given.operator, "full_scale", False) or not getattr(
            recipe.objective, "any_range", True
        )
        return natural_range(dtype) if full and dtype == np.uint8 else None
    linear = isinstance(given.operator, LinearOperator) and np.issubdtype(dtype, np.integer)
    scale = given.scale or (white_of(dtype) if linear else 1.0)
    return UnitRange(offset=0.0, scale=scale, peak=1.0, dtype=dtype)


def _is_direct(given: Given) -> bool:
    return given.operator is None or isinstance(given.operator, Identity)


def _one_channel_does(given: Given) -> bool:
    """Whether the operator treats every channel alike, so that one stands for all."""
    each = _is_direct(given) or getattr(given.operator, "each_channel", False)
    return each and given.guide is None


def _all_alike(image: NDArray[Any], channel_axis: int | None) -> int:
    """Return the number of channels if they are the same everywhere, else 1."""
    if image.ndim != 3 or channel_axis not in range(-3, 3) or image.dtype.kind not in "iuf":
        return 1
    values = channels_last(image, channel_axis)
    data, mask = np.ma.getdata(values), np.ma.getmaskarray(values)
    same = all(
        np.array_equal(data[..., 0], data[..., c], equal_nan=data.dtype.kind == "f")
        and np.array_equal(mask[..., 0], mask[..., c])
        for c in range(1, data.shape[2])
    )
    return data.shape[2] if same and data.shape[2] > 1 else 1


def _outliers(image: NDArray[Any], channel_axis: int | None) -> NDArray[np.bool_] | None:
    if image.dtype.kind not in "iuf" or image.ndim not in (2, 3) or min(image.shape) == 0:
        return None
    there = ~missing_in(image, channel_axis)
    if not there.any():
        return None
    return find_outliers(channels_last(np.ma.getdata(image), channel_axis), there)


def _as_place(where: NDArray[np.bool_]) -> Tensor:
    """Return (1, C, H, W), 1 where (H, W, C) is true."""
    return torch.from_numpy(where.transpose(2, 0, 1)[None].astype(np.float32))
