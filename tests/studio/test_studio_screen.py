"""Looks at pictures: small, and in the colours that other viewers show."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from untrained.studio.screen import SIDES, small


def shown(data: bytes) -> NDArray[Any]:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("look", SIDES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_look_is_of_a_bounded_size_and_never_enlarged(look: str, channels: int) -> None:
    tall = np.full((2500, 300, channels), 90, np.uint8)
    assert shown(small(tall, look)).shape[0] == SIDES[look]
    assert shown(small(tall[:100, :50], look)).shape[:2] == (100, 50)


def test_colours_of_a_wide_gamut_are_turned_into_those_of_the_screen() -> None:
    values = np.full((32, 32, 3), (100, 200, 100), np.uint8)
    profile = bytes(pyvips.Operation.call("profile_load", "p3"))
    plain, turned = (
        shown(small(values, "preview")),
        shown(small(values, "preview", profile=profile)),
    )
    assert np.abs(plain.mean((0, 1)) - (100, 200, 100)).max() < 4
    assert turned[..., 0].mean() < plain[..., 0].mean() - 20, "P3's green is outside of sRGB's"
    junk = shown(small(values, "preview", profile=b"no profile"))
    np.testing.assert_array_equal(junk, plain)
