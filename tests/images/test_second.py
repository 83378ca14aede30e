"""Second pictures lie over the first as both are seen, whichever way up they are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from untrained.errors import InputError
from untrained.images import (
    Picture,
    Place,
    aligned,
    orientation_of,
    read_picture,
    read_second,
    with_orientation,
    write_picture,
)
from untrained.images.orientation import as_stored, upright, upright_size

TURNS = range(1, 9)
RNG = np.random.default_rng(0)


def stored(path: Path, array: NDArray[Any], orientation: int) -> Path:
    """Write pixels as they are, with an EXIF orientation, as a camera does."""
    picture = Image.fromarray(array)
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", TURNS)
def test_upright_is_what_viewers_show(tmp_path: Path, orientation: int, suffix: str) -> None:
    path = stored(
        tmp_path / f"a.{suffix}", RNG.integers(0, 256, (12, 20, 3), np.uint8), orientation
    )
    picture = read_picture(path)
    assert orientation_of(picture) == orientation
    with Image.open(path) as opened:
        shown = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    seen = upright(picture.pixels[0], orientation)
    if suffix in ("png", "tif"):
        np.testing.assert_array_equal(seen, shown)
    assert seen.shape == shown.shape
    assert upright_size((12, 20), orientation) == shown.shape[:2]
    np.testing.assert_array_equal(as_stored(seen, orientation), picture.pixels[0])
    np.testing.assert_array_equal(
        as_stored(upright(picture.pixels, orientation, rows=1), orientation, rows=1), picture.pixels
    )


def test_a_damaged_or_missing_orientation_is_upright(tmp_path: Path) -> None:
    array = RNG.integers(0, 256, (12, 20), np.uint8)
    for number in (0, 9, 700):
        assert orientation_of(read_picture(stored(tmp_path / "a.png", array, number))) == 1
    tifffile.imwrite(tmp_path / "b.tif", array)
    assert orientation_of(read_picture(tmp_path / "b.tif")) == 1
    assert orientation_of(Picture.from_array(array)) == 1


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_an_orientation_is_written(tmp_path: Path, suffix: str) -> None:
    picture = with_orientation(Picture.from_array(np.zeros((8, 9, 3), np.uint8)), 6)
    write_picture(tmp_path / f"a.{suffix}", picture)
    assert orientation_of(read_picture(tmp_path / f"a.{suffix}")) == 6


@pytest.mark.parametrize("side", [20, 12], ids=["wide", "square"])
@pytest.mark.parametrize("own", [1, 3, 6, 8])
@pytest.mark.parametrize("wanted", TURNS)
def test_upright_lies_over_upright(tmp_path: Path, own: int, wanted: int, side: int) -> None:
    seen = RNG.integers(0, 256, (12, side), np.uint8)
    file = stored(tmp_path / "second.png", np.ascontiguousarray(as_stored(seen, own)), own)
    place = Place(size=upright_size((12, side), wanted), orientation=wanted, channels=1)
    second = read_second("guide", file, place)
    np.testing.assert_array_equal(upright(second.pixels[..., 0], wanted), seen)
    assert bool(second.notes) == (own != wanted)
    for note in second.notes:
        assert note.startswith("the guide was turned to lie over the picture as both are seen")
    if own == 1:
        again = read_second("guide", seen, place)  # an array is upright as its file is
        np.testing.assert_array_equal(again.pixels, second.pixels)


@pytest.mark.parametrize(("own", "wanted"), [(1, 6), (1, 8), (1, 5), (6, 1), (8, 3)])
def test_pixels_lie_over_stored_pixels_where_only_that_fits(
    tmp_path: Path, own: int, wanted: int
) -> None:
    array = RNG.integers(0, 256, (12, 20), np.uint8)
    file = stored(tmp_path / "second.png", array, own)
    second = read_second("mask", file, Place(size=(12, 20), orientation=wanted))
    np.testing.assert_array_equal(second.pixels[..., 0], array)
    assert second.notes[0].startswith("the mask lies over the pixels as they are stored")


@pytest.mark.parametrize(("size", "orientation", "message"), [
    ((24, 40), 1, "mask is 24x40, image is 12x20; pass a mask of that height and width"),
    ((20, 13), 6, r"mask is 20x13, image is 20x12 upright \(it is stored turned\)"),
    ((12, 19), 1, "neither scaled nor cut"),
])  # fmt: skip
def test_another_size_is_refused(size: tuple[int, int], orientation: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_second("mask", np.zeros(size), Place(size=(12, 20), orientation=orientation))


def test_a_stack_is_turned_page_by_page() -> None:
    pages = RNG.integers(0, 256, (3, 12, 12, 2), np.uint8)
    stack = Picture(pixels=pages, alpha=pages[..., 0], lead=(3,))
    turned, _ = aligned("truth", stack, Place(size=(12, 12), orientation=8))
    for page, alpha, was in zip(turned.pixels, turned.alpha, pages, strict=True):  # type: ignore[arg-type]
        np.testing.assert_array_equal(upright(page, 8), was)
        np.testing.assert_array_equal(alpha, page[..., 0])
