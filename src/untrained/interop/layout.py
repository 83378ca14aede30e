"""How a tensor of any axes stands as (1, c, h, w) real numbers, and as itself again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from untrained.errors import InputError
from untrained.operators import as_complex, as_pairs

__all__ = ["Layout"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The axes of one sample, (B, *shape) with B = 1, and how they stand as (1, c, h, w).

        (m)               ->  (1, 1, 1, m)
        (C, m)            ->  (1, C, 1, m)
        (C, h, w)         ->  (1, C, h, w)
        (C, N, …, h, w)   ->  (1, N … C, h, w), the axis C last, so that the real and the imaginary
                              part of each coil or frame are neighbours
                              (1, C, N … h, w) where they stand `below` each other
        complex           ->  as its real twin, then each channel as a pair

    Attributes:
        shape: of one sample, without the axis of the batch.
        is_complex: complex numbers, not pairs of channels.
        below: the further axes (frames of a series) stand below each other, not as channels.
        swapped: the last two axes change places: deepinv's sinograms have their projections as
            columns, ours as rows.
    """

    shape: tuple[int, ...]
    is_complex: bool = False
    below: bool = False
    swapped: bool = False

    @classmethod
    def of(cls, sample: Tensor, *, below: bool = False, swapped: bool = False) -> Layout:
        """Return the layout of a tensor (1, …).

        Raises:
            InputError: no axis beside that of the batch.
        """
        if sample.ndim < 2:
            raise InputError(
                f"the sample is {tuple(sample.shape)}; wanted an axis for the batch and one more"
            )
        return cls(
            shape=tuple(sample.shape[1:]), is_complex=sample.is_complex(), below=below,
            swapped=swapped,
        )  # fmt: skip

    @property
    def size(self) -> tuple[int, int, int, int]:
        """(1, c, h, w) of what `pack` returns."""
        channels, height, width = self._packed()
        height, width = (width, height) if self.swapped else (height, width)
        return 1, channels * (2 if self.is_complex else 1), height, width

    def pack(self, sample: Tensor) -> Tensor:
        """Return (1, *shape) as (1, c, h, w) real numbers.

        Raises:
            InputError: another shape.
        """
        if tuple(sample.shape) != (1, *self.shape):
            raise InputError(
                f"the sample is {tuple(sample.shape)}; wanted {(1, *self.shape)}, as the operator's"
            )
        if len(self.shape) > 3 and not self.below:
            sample = sample.movedim(1, -3)
        channels, height, width = self._packed()
        values = sample.reshape(1, channels, height, width)
        values = values.transpose(-2, -1) if self.swapped else values
        if not self.is_complex:
            return values
        return as_pairs(values if values.is_complex() else values + 0j)

    def unpack(self, values: Tensor) -> Tensor:
        """Return (1, c, h, w) real numbers as (1, *shape)."""
        values = as_complex(values) if self.is_complex else values
        values = values.transpose(-2, -1) if self.swapped else values
        if len(self.shape) > 3 and not self.below:
            return values.reshape(1, *self._spread()).movedim(-3, 1)
        return values.reshape(1, *self.shape)

    def _spread(self) -> tuple[int, ...]:
        """Return the axes in the order in which they lie in (1, c, h, w), at least three."""
        if len(self.shape) == 1:
            return 1, 1, *self.shape
        if len(self.shape) == 2:
            return self.shape[0], 1, self.shape[1]
        channels, *between, height, width = self.shape
        return *between, channels, height, width

    def _packed(self) -> tuple[int, int, int]:
        """Return (c, h, w) before complex numbers become pairs and axes change places."""
        *between, channels, height, width = self._spread()
        count = math.prod(between)
        if self.below:
            return channels, count * height, width
        return count * channels, height, width
