"""Frames restored together: what is alike in several is learned from several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from untrained import InputError, denoise
from untrained.metrics import psnr
from untrained.tasks.frames import restore_series

QUICK: dict[str, Any] = {
    "device": "cpu",
    "steps": 100,
    "settings": {"network.widths": "16,16", "network.widths_skip": "8", "refinement": None},
}
SIGMA = 0.1


def noisy(
    count: int = 4, colours: int = 0, move: int = 1
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A picture that moves by so many pixels a frame, and the same with noise."""
    rows, columns = np.mgrid[:32, : 32 + count]
    wide = 0.5 + 0.3 * np.sin(rows / 3) * np.cos(columns / 4) + 0.15 * (columns % 16 < 8)
    clean = np.stack([wide[:, move * t : move * t + 32] for t in range(count)])
    if colours:
        clean = np.stack([clean * (1 - 0.2 * c) for c in range(colours)], axis=-1)
    noise = np.random.default_rng(0).normal(0, SIGMA, clean.shape)
    return clean, (clean + noise).astype(np.float32)


def test_what_does_not_move_is_learned_from_all_frames() -> None:
    clean, y = noisy(move=0)
    together = restore_series(y, sigma=SIGMA, **QUICK)
    alone = np.stack([denoise(frame, sigma=SIGMA, **QUICK) for frame in y[:2]])
    assert together.shape == y.shape
    assert together.dtype == y.dtype
    assert psnr(together[:2], clean[:2], peak=1.0) > psnr(alone, clean[:2], peak=1.0) + 0.5


def test_colours_stay_in_their_place_and_a_long_series_is_cut() -> None:
    clean, y = noisy(3, colours=3)
    found = restore_series(y, sigma=SIGMA, together=2, **QUICK)
    assert found.shape == clean.shape
    for c in range(3):
        assert psnr(found[..., c], clean[..., c], peak=1.0) > psnr(
            y[..., c], clean[..., c], peak=1.0
        )
    first = restore_series(y[:2], sigma=SIGMA, **QUICK)
    np.testing.assert_array_equal(found[:2], first)


def test_what_is_no_series_is_refused() -> None:
    with pytest.raises(InputError, match=r"wanted \(T, H, W\)"):
        restore_series(np.zeros((8, 8)))
    with pytest.raises(InputError, match="together is 0"):
        restore_series(np.zeros((2, 8, 8)), together=0)
    with pytest.raises(InputError, match="takes no truth"):
        restore_series(np.zeros((2, 8, 8)), truth=np.zeros((2, 8, 8)))
