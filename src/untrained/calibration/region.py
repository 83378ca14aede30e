"""The calibration region: the middle of k-space, where every sample was taken."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from untrained.errors import InputError

__all__ = ["MIN_LINES", "Region", "calibration_region", "check_kspace", "time_average"]

MIN_LINES = 8
"""Fewer lines in a row do not tell how coils differ."""


@dataclass(frozen=True, slots=True)
class Region:
    """A block of k-space: rows top … bottom - 1 and columns left … right - 1."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Its height and width in samples."""
        return self.bottom - self.top, self.right - self.left

    def of(self, values: Tensor) -> Tensor:
        """Return the part (…, height, width) of an array (…, h, w) that lies in the block."""
        return values[..., self.top : self.bottom, self.left : self.right]


def calibration_region(
    mask: Tensor | None, size: tuple[int, int], *, limit: int | None = None
) -> Region:
    """Return the largest fully sampled block around the middle of k-space.

    The middle is (h // 2, w // 2). The block need not lie evenly around it: of partial Fourier
    data it reaches further to one side. Of an elliptical mask it is the largest rectangle inside.

    Args:
        mask: (h, w), 1 where k-space was sampled; None = everywhere.
        size: (h, w).
        limit: samples along either axis at most, evenly around the middle; None = no limit.

    Raises:
        InputError: fewer than 8 lines in a row around the middle.
    """
    (h, w), limit = size, max(size) if limit is None else limit
    top, left = max(0, h // 2 - limit // 2), max(0, w // 2 - limit // 2)
    box = Region(top, min(h, top + limit), left, min(w, left + limit))
    if mask is None:
        found = box
    else:
        if mask.shape != size:
            raise InputError(
                f"mask is {'x'.join(map(str, mask.shape))}, k-space is {h}x{w}; "
                "pass a mask of that size, 1 where it was sampled"
            )
        block = _largest_block(box.of(mask) > 0, h // 2 - top, w // 2 - left)
        found = Region(top + block.top, top + block.bottom, left + block.left, left + block.right)
    if min(found.size) < min(MIN_LINES, h, w):
        raise InputError(
            f"the fully sampled middle of k-space is {found.size[0]}x{found.size[1]}; coil maps "
            f'want at least {MIN_LINES} lines in a row; use maps="none", or give maps'
        )
    return found


def _largest_block(sampled: Tensor, row: int, column: int) -> Region:
    """Return the largest block of true values around (row, column); empty if that is false."""
    if not sampled[row, column]:
        return Region(row, row, column, column)
    after = sampled[:, column:].int().cumprod(1).sum(1)
    before = sampled[:, : column + 1].flip(1).int().cumprod(1).sum(1)
    # What all rows from the middle up to a row have in common, upwards and downwards.
    up = [reach[: row + 1].flip(0).cummin(0).values for reach in (before, after)]
    down = [reach[row:].cummin(0).values for reach in (before, after)]
    left, right = (torch.minimum(u[:, None], d[None]) for u, d in zip(up, down, strict=True))
    heights = torch.arange(len(up[0]))[:, None] + torch.arange(len(down[0]))[None] + 1
    widths = (left + right - 1).clamp_min(0)
    # The larger area; of equal ones the one whose shorter side is longer.
    worth = heights * widths * (sampled.numel() + 1) + torch.minimum(heights, widths)
    above, below = divmod(int(worth.argmax()), worth.shape[1])
    return Region(
        row - above, row + below + 1,
        column - int(left[above, below]) + 1, column + int(right[above, below]),
    )  # fmt: skip


def time_average(kspace: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean over time of what was sampled, (c, h, w), and where anything was, (h, w).

    Frames that sample different lines together fill the middle, which calibration needs, as long
    as the coils stay where they are.

    Args:
        kspace: (t, c, h, w).
        mask: (t, h, w), 1 where a frame was sampled.
    """
    weight = mask.to(kspace.real.dtype)
    count = weight.sum(0)
    total = (kspace * weight[:, None]).sum(0)
    return total / count.clamp_min(1), (count > 0).to(weight.dtype)


def check_kspace(kspace: Tensor, mask: Tensor | None) -> None:
    """Refuse what is no k-space of coils.

    Raises:
        InputError: not complex (c, h, w), NaN or infinite values, a mask of another size, nothing
            but zeros where it was sampled.
    """
    if kspace.ndim != 3 or not kspace.is_complex():
        raise InputError(
            f"k-space is {kspace.dtype} of shape {tuple(kspace.shape)}; "
            "wanted complex numbers (coils, h, w)"
        )
    if not torch.isfinite(torch.view_as_real(kspace)).all():
        raise InputError("k-space has NaN or infinite values; wanted finite ones, zero if missing")
    if mask is not None and mask.shape != kspace.shape[-2:]:
        got, wanted = ("x".join(map(str, s)) for s in (mask.shape, kspace.shape[-2:]))
        raise InputError(f"mask is {got}, k-space is {wanted}; pass a mask of that size")
    seen = kspace if mask is None else kspace[:, mask > 0]
    if not seen.numel() or not seen.abs().max() > 0:
        raise InputError("k-space is zero wherever it was sampled; wanted the measured values")
