"""A weaker restoration: brightness and colours blended apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from untrained import InputError
from untrained.images import blended

BEFORE = np.array([[[10, 20, 30], [200, 100, 50]]], dtype=np.uint8)
AFTER = np.array([[[20, 20, 50], [190, 130, 50]]], dtype=np.uint8)


def test_all_is_the_result_and_nothing_is_the_image() -> None:
    assert blended(BEFORE, AFTER) is AFTER
    assert np.array_equal(blended(BEFORE, AFTER, strength=0), BEFORE)
    assert np.array_equal(blended(BEFORE, AFTER, strength=0.5)[0, 0], [15, 20, 40])


def test_the_colours_are_left_and_the_brightness_is_changed() -> None:
    found = blended(BEFORE, AFTER, strength=1, colour_strength=0).astype(int) - BEFORE
    assert found[0, 0].tolist() == [10, 10, 10]
    other = blended(BEFORE, AFTER, strength=0, colour_strength=1).astype(int) - BEFORE
    assert other[0, 0].tolist() == [0, -10, 10]
    turned = blended(
        BEFORE.transpose(2, 0, 1), AFTER.transpose(2, 0, 1), strength=1, colour_strength=0,
        channel_axis=0,
    )  # fmt: skip
    assert np.array_equal(turned.transpose(1, 2, 0), found + BEFORE)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2), (4, 3, 1)])
def test_what_is_no_colour_has_one_strength(shape: tuple[int, ...]) -> None:
    before, after = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    axis = None if len(shape) == 2 else -1
    found = blended(before, after, strength=0.25, colour_strength=1, channel_axis=axis)
    assert found.dtype == np.float32
    assert np.allclose(found, 0.25)


def test_a_filled_hole_stays_filled_and_types_keep_their_range() -> None:
    before = np.array([[np.nan, 0.5]])
    assert blended(before, np.array([[0.7, 0.7]]), strength=0.5).tolist() == [[0.7, 0.6]]
    signed = np.array([[-300, 7]], dtype=np.int16)
    assert blended(signed, signed, strength=0.3).tolist() == signed.tolist()


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan")])
def test_a_strength_is_from_nothing_to_all(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"colour_strength is .*; wanted 0"):
        blended(BEFORE, AFTER, colour_strength=wrong)
