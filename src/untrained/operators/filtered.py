"""The ramp filter of filtered back-projection, and what each view counts."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError

__all__ = ["Window", "apodization", "fan_weights", "filtered", "parallel_weights"]

Window = Literal["ramp", "hann", "cosine", "shepp-logan"]

Array = NDArray[np.float64]


def filtered(rows: Tensor, window: Window, *, spread: Tensor | None = None) -> Tensor:
    """Return rows (…, detectors) convolved with the ramp filter, in units of one detector pixel.

    The kernel is that of the band-limited ramp, 1/4 at 0, -1/(πk)² at odd k (Ramachandran &
    Lakshminarayanan, PNAS 68, 1971), times `spread`, (detectors,) from k = 0 up, if given. Beyond
    their ends rows fall linearly to 0.

    Raises:
        InputError: no such window.
    """
    count = rows.shape[-1]
    room = 2 ** math.ceil(math.log2(max(64, 2 * count)))
    k = torch.arange(room, dtype=torch.float64)
    k = torch.minimum(k, room - k)
    kernel = torch.where(k % 2 == 1, -1 / (math.pi * k.clamp_min(1)).square(), 0.0)
    kernel[0] = 0.25
    if spread is not None:
        kernel = kernel * spread.double()[k.long().clamp_max(count - 1)]
    f = torch.fft.rfftfreq(room, dtype=torch.float64)
    response = (torch.fft.rfft(kernel).real * apodization(f, window)).to(rows)
    spectrum = torch.fft.rfft(_with_slopes(rows, room)) * response
    smooth: Tensor = torch.fft.irfft(spectrum, room)[..., :count]
    return smooth


def apodization(f: Tensor, window: Window) -> Tensor:
    """Return what a window leaves of frequencies f, in cycles a detector pixel, up to 1/2.

    Raises:
        InputError: no such window.
    """
    match window:
        case "ramp":
            return torch.ones_like(f)
        case "hann":
            return 0.5 + 0.5 * torch.cos(2 * math.pi * f)
        case "cosine":
            return torch.cos(math.pi * f)
        case "shepp-logan":
            return torch.sinc(f)
    raise InputError(f"window is {window!r}; wanted one of {', '.join(get_args(Window))}")


def _with_slopes(rows: Tensor, room: int) -> Tensor:
    """Return rows (…, n) filled up to `room`: falling from the last value to 0, and up again."""
    count = rows.shape[-1]
    edge = min(4, count)
    first, last = rows[..., :edge].mean(-1, True), rows[..., -edge:].mean(-1, True)
    slope = torch.linspace(1, 0, (room - count) // 2, dtype=rows.dtype, device=rows.device)
    middle = rows.new_zeros(*rows.shape[:-1], room - count - 2 * len(slope))
    return torch.cat([rows, last * slope, middle, first * slope.flip(0)], -1)


def parallel_weights(angles: Array) -> Array:
    """Return the angle that each parallel view stands for; they sum to π where views go round.

    Half of the gap to either neighbour, angles taken modulo π; views of one direction share. A gap
    of more than two mean ones (a missing wedge) counts as two.
    """
    order = np.argsort(np.mod(angles, np.pi), kind="stable")
    return _shares(np.mod(angles, np.pi), order, np.pi)


def fan_weights(angles: Array) -> Array:
    """Return the angle that each fan-beam view stands for; as `parallel_weights`, modulo 2π."""
    order = np.argsort(np.mod(angles, 2 * np.pi), kind="stable")
    return _shares(np.mod(angles, 2 * np.pi), order, 2 * np.pi)


def _shares(angles: Array, order: NDArray[np.intp], period: float) -> Array:
    if len(angles) == 1:
        return np.full(1, period)
    ordered = angles[order]
    gaps = np.diff(ordered, append=ordered[0] + period)
    positive = gaps[gaps > 1e-6 * period]
    gaps = np.minimum(gaps, 2 * np.median(positive))
    shares = np.empty_like(angles)
    shares[order] = (gaps + np.roll(gaps, 1)) / 2
    return shares
