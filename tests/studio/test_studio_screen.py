"""Looks at pictures: small, and in the colours that other viewers show."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from untrained import InputError, psnr
from untrained.studio.samples import RESTORED, restored_sample, sample_image
from untrained.studio.screen import (
    SIDES,
    TILE,
    Tiles,
    encode_png,
    small,
    smaller_file,
    smaller_numbers,
)


def shown(data: bytes) -> NDArray[Any]:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("look", SIDES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_look_is_of_a_bounded_size_and_never_enlarged(look: str, channels: int) -> None:
    tall = np.full((2500, 300, channels), 90, np.uint8)
    assert shown(small(tall, look)).shape[0] == SIDES[look]
    assert shown(small(tall[:100, :50], look)).shape[:2] == (100, 50)


def test_colours_of_a_wide_gamut_say_what_they_are() -> None:
    values = np.full((32, 32, 3), (100, 200, 100), np.uint8)
    profile = bytes(pyvips.Operation.call("profile_load", "p3"))
    plain, wide = small(values, "preview"), small(values, "preview", profile=profile)
    assert np.abs(in_srgb(plain) - (100, 200, 100)).max() < 4
    assert in_srgb(wide)[0] < 80, "P3's green is outside of sRGB's"
    assert small(values, "preview", profile=b"no profile") == plain
    srgb = bytes(pyvips.Operation.call("profile_load", "srgb"))
    assert small(values, "preview", profile=srgb) == plain


def in_srgb(data: bytes) -> NDArray[Any]:
    """The mean colour that a viewer shows on a screen of sRGB."""
    image = pyvips.Image.new_from_buffer(data, "")
    if image.get_typeof("icc-profile-data"):
        image = image.icc_transform("srgb", embedded=True)
    mean: NDArray[Any] = image.numpy().mean((0, 1))
    return mean


def test_what_is_subtracted_are_means_of_the_stored_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    profile = bytes(pyvips.Operation.call("profile_load", "p3"))
    clean = np.full((128, 2 * SIDES["preview"], 3), (100, 200, 100), np.uint8)
    noisy = np.rint(clean + rng.normal(0, 20, clean.shape)).clip(0, 255).astype(np.uint8)
    path = tmp_path / "whole.png"
    copies = []
    for values in (clean, noisy):
        path.write_bytes(encode_png(values, compression=1, profile=profile))
        copies.append(shown(smaller_numbers(path)))
    assert (copies[0] == (100, 200, 100)).all(), "the file's numbers, not those of other colours"
    means = (noisy.astype(float) - clean).reshape(64, 2, SIDES["preview"], 2, 3).mean((1, 3))
    got = copies[1] - copies[0]
    assert got.shape == means.shape
    assert np.corrcoef(got.ravel(), means.ravel())[0, 1] > 0.85  # finer than means of four
    lossy = shown(smaller_file(path, "preview")) - copies[0]
    assert np.corrcoef(lossy.ravel(), means.ravel())[0, 1] < 0.8, "else one copy would do for both"


def test_tiles_are_the_picture(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 256, (1100, 1030, 3), np.uint8)
    path = tmp_path / "whole.png"
    path.write_bytes(encode_png(values, compression=1))
    tiles = Tiles()
    rows = [np.concatenate([shown(tiles.tile(path, x, y)) for x in (0, TILE)], axis=1)
            for y in (0, TILE)]  # fmt: skip
    np.testing.assert_array_equal(np.concatenate(rows), values)
    for x, y in ((TILE, 2 * TILE), (2 * TILE, 0), (1, 0), (-TILE, 0)):
        with pytest.raises(InputError, match="there is no tile"):
            tiles.tile(path, x, y)
    path.write_bytes(encode_png(255 - values, compression=1))  # another picture at this place
    os.utime(path, ns=(1, 1))
    np.testing.assert_array_equal(shown(tiles.tile(path, 0, 0)), 255 - values[:TILE, :TILE])


def test_what_the_start_page_shows_came_of_its_sample() -> None:
    from importlib.resources import files

    clean = shown((files("untrained.simulation") / "samples" / "chelsea.png").read_bytes())
    before, after = shown(sample_image(RESTORED)), shown(restored_sample())
    assert psnr(after, clean, peak=255) > psnr(before, clean, peak=255) + 10
