"""Which of an array's values are black and white: for all channels, or for each its own.

Shapes: H W C of an array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["UnitRange", "find_outliers", "natural_range", "range_of", "white_of"]

Values = NDArray[np.float64]

# Of less than this share of full scale, the sigmoid, bfloat16 and Adam's epsilon see little: a
# 12-bit camera in a 16-bit file, a thermal picture, floats of .95 to .97 are stretched.
_NARROW = 0.5
_NARROW_OF_8_BITS = 0.25  # most are photographs, whose grain and black are known on the full scale
_STEP = 1e-4  # of 8 bits: how near to whole numbers floats lie that were divided by 255
_WEAK = 0.25  # of the range of all: a channel that uses less gets a range of its own
_TAIL = 0.005  # the share of values that may lie apart, each way …
_APART = 1.0  # … by this many times the range of the rest; noise reaches half of it
_FEW = 4  # outliers within 5x5 pixels; of a line, a letter or a large star there are more
_SAMPLE = 1_000_000  # values of a channel, for the first look


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UnitRange:
    """The map between the caller's values and the unit range: value = offset + scale · unit.

    `offset` and `scale` are numbers, or one for each channel, (C,), where the channels have little
    in common. `peak` is the value that PSNR takes as full scale, in unit-range units: the dtype's
    white for integers, 1 for float pictures in [0, 1], the data's own range for other floats and
    for channels of different ranges.
    """

    offset: float | Values
    scale: float | Values
    peak: float
    dtype: np.dtype[Any]

    @property
    def full_scale(self) -> float:
        """Full scale in the caller's units: 255 for uint8, 65535 for uint16, 1 for [0, 1]."""
        return self.peak * self.typical_scale

    @property
    def typical_scale(self) -> float:
        """The scale in the caller's units: of several channels the root mean square."""
        return float(np.sqrt(np.mean(np.square(self.scale))))

    @property
    def is_apart(self) -> bool:
        """Whether each channel has a range of its own."""
        return np.ndim(self.scale) > 0


def white_of(dtype: np.dtype[Any]) -> float:
    """Return the value of white in a picture: the dtype's largest, 1 for floats."""
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0


def natural_range(dtype: np.dtype[Any]) -> UnitRange:
    """Return the map of a full scale: 0 is black, the dtype's largest (1 for floats) is white."""
    return UnitRange(offset=0.0, scale=white_of(dtype), peak=1.0, dtype=dtype)


def range_of(array: NDArray[Any], usable: NDArray[np.bool_], *, apart: bool = True) -> UnitRange:
    """Return the map of a picture (H, W, C) to the unit range.

    That is the natural full scale, if the values use half of it (of 8 bits a quarter, also where
    they were divided by 255); else the picture's own range, from its smallest to its largest value.
    If one of the channels uses less than a quarter of it, and the picture is no photograph (three
    channels of 8 bits), each channel has a range of its own; a constant channel has the scale of
    the others.

    Args:
        array: the picture, any integer or float dtype.
        usable: (H, W, C) or (H, W), false where a value is missing or an outlier; some are true.
        apart: whether channels may have ranges of their own.
    """
    dtype, white = array.dtype, white_of(array.dtype)
    usable = np.broadcast_to(usable if usable.ndim == 3 else usable[..., None], array.shape)
    extremes = [_extremes(array[..., c][usable[..., c]]) for c in range(array.shape[2])]
    lows, highs = np.array(extremes, np.float64).T
    spans = highs - lows
    low, high = float(np.nanmin(lows)), float(np.nanmax(highs))
    is_picture = low >= 0 and high <= white and not np.issubdtype(dtype, np.signedinteger)
    eight = dtype == np.uint8 or (is_picture and _is_of_8_bits(array, usable))
    photograph = eight and len(spans) == 3
    weak = (spans > 0) & (spans < _WEAK * (high - low))
    if apart and weak.any() and not photograph:
        spans = np.where(spans > 0, spans, np.nanmax(spans))
        return UnitRange(
            offset=np.where(np.isnan(lows), 0.0, lows), peak=1.0, dtype=dtype,
            scale=np.where(np.isnan(spans), 1.0, spans),
        )  # fmt: skip
    narrow = _NARROW_OF_8_BITS if eight else _NARROW
    if is_picture and (high - low >= narrow * white or low == high):
        return natural_range(dtype)
    span = high - low if high > low else 1.0
    return UnitRange(offset=low, scale=span, peak=white / span if is_picture else 1.0, dtype=dtype)


def _is_of_8_bits(array: NDArray[Any], usable: NDArray[np.bool_]) -> bool:
    """Whether floats are the values of 8 bits, divided by 255."""
    if array.dtype.kind != "f" or array.dtype.itemsize < 4:
        return False
    values = array[usable]
    steps = values[:: max(1, values.size // _SAMPLE)].astype(np.float64) * 255
    return bool((np.abs(steps - np.rint(steps)) < _STEP).all())


def _extremes(values: NDArray[Any]) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if values.size else (np.nan, np.nan)


def find_outliers(array: NDArray[Any], usable: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return where a picture (H, W, C) holds hot pixels, cosmic hits, small stars; None = nowhere.

    Of each channel: values beyond the middle 99 % by once the range of these, with no more than
    four like them within 5x5 pixels. Larger things belong to the picture.

    Args:
        array: the picture.
        usable: (H, W), false where a value is missing; some are true.
    """
    found = np.zeros(array.shape, bool)
    for c in range(array.shape[2]):
        channel = array[..., c]
        values = channel[usable]
        sample = values[:: max(1, values.size // _SAMPLE)].astype(np.float64)
        low, high = np.quantile(sample, (_TAIL, 1 - _TAIL))
        margin = _APART * (high - low)
        if float(values.min()) >= low - margin and float(values.max()) <= high + margin:
            continue
        beyond = ((channel < low - margin) | (channel > high + margin)) & usable
        around = _count_in_window(beyond)
        found[..., c] = beyond & (around <= _FEW)
    return found if found.any() else None


def _count_in_window(places: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how many of the 5x5 around each pixel are among the places."""
    total = np.pad(places.astype(np.uint8), 2)
    total = sum(total[i : total.shape[0] - 4 + i] for i in range(5))  # type: ignore[assignment]
    return sum(total[:, i : total.shape[1] - 4 + i] for i in range(5))  # type: ignore[return-value]
