"""What a mask says: one rule for drawings, labels, transparency and channels, files and arrays."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from untrained.errors import InputError
from untrained.images import Marks, Place, Words, read_marks

SIZE = (48, 40)
PLACE = Place(size=SIZE)
MASK = Words()
HINT = Words(name="hint", white="marked", black="not marked", strokes_are_white=True)


def box(top: int = 6, left: int = 4, height: int = 12, width: int = 10) -> NDArray[np.bool_]:
    """Return true in a box."""
    inside = np.zeros(SIZE, dtype=bool)
    inside[top : top + height, left : left + width] = True
    return inside


HOLE = box()


def both(path: Path, array: NDArray[Any], words: Words = MASK) -> Marks:
    """Read a file and the array that Pillow or tifffile gives of it; they must say the same."""
    read = read_marks(path, PLACE, words)
    again = read_marks(array, PLACE, words)
    np.testing.assert_array_equal(read.white, again.white)
    assert read.notes == again.notes
    return read


def saved(path: Path, array: NDArray[Any], **options: Any) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("white", [
    True, 1, 255, np.uint16(1), np.uint16(65535), np.int32(7), 1.0, 255.0, 0.3, np.uint64(2**63),
])  # fmt: skip
def test_two_values_are_black_and_white(white: Any) -> None:
    mask = np.where(HOLE, np.zeros_like(white), white)
    read = read_marks(mask, PLACE)
    np.testing.assert_array_equal(read.white, ~HOLE)
    assert read.notes == ()


@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_grays_of_smooth_edges_are_shades(width: int) -> None:
    large = Image.new("L", (8 * SIZE[1], 8 * SIZE[0]), 255)
    ImageDraw.Draw(large).line([(20, 30), (280, 300)], fill=0, width=8 * width)
    ImageDraw.Draw(large).ellipse([150, 60, 290, 200], fill=0)
    smooth = np.asarray(large.resize(SIZE[::-1], Image.Resampling.BOX))
    assert len(np.unique(smooth)) > 10
    np.testing.assert_array_equal(read_marks(smooth, PLACE).white, smooth > 127)
    np.testing.assert_array_equal(read_marks(255 - smooth, PLACE).white, smooth < 128)
    soft = smooth.astype(np.float32) / 255
    np.testing.assert_array_equal(read_marks(soft, PLACE).white, smooth > 127)


def test_a_wide_soft_brush_is_shades() -> None:
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    soft = np.clip(255 * np.hypot(y - 24, x - 20) / 25, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(read_marks(soft, PLACE).white, soft > 127)
    terraces = soft // 8 * 8  # in flat steps, but without a jump
    np.testing.assert_array_equal(read_marks(terraces, PLACE).white, terraces > terraces.max() / 2)


@pytest.mark.parametrize("quality", [20, 50, 70, 76, 90, 95])
@pytest.mark.parametrize("aligned", [True, False])
def test_the_ripples_of_jpeg_are_no_labels(quality: int, aligned: bool) -> None:
    hole = box(8, 8, 16, 16) if aligned else HOLE
    for black, white in ((0, 255), (255, 0)):
        file = io.BytesIO()
        drawn = np.where(hole, black, white).astype(np.uint8)
        Image.fromarray(drawn).save(file, "jpeg", quality=quality)
        read = read_marks(np.asarray(Image.open(file)), PLACE)
        wrong = read.white != (drawn > 127)
        assert wrong.mean() < 0.02  # ripples at the very edge


@pytest.mark.parametrize("numbers", [
    (1, 2, 3), (3, 1, 2), (1, 7, 30), (40, 80, 200), (85, 170, 255), (300, 2, 5), (1000, 2000, 9),
])  # fmt: skip
def test_any_label_but_0_is_one_thing(tmp_path: Path, numbers: tuple[int, ...]) -> None:
    labels = np.zeros(SIZE, np.uint16 if max(numbers) > 255 else np.uint8)
    for number, place in zip(numbers, (HOLE, box(30, 5, 5, 4), box(20, 30, 3, 4)), strict=True):
        labels[place] = number
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    read = both(tmp_path / "labels.tif", labels)
    np.testing.assert_array_equal(read.white, labels != 0)
    assert read.notes == ("the mask holds 3 labels: all but 0 are known",)
    if max(numbers) < 40:  # as of many programs: signed, wide, floats
        for dtype in (np.int8, np.int64, np.float32):
            again = read_marks(labels.astype(dtype), PLACE)
            np.testing.assert_array_equal(again.white, labels != 0)


def test_grays_on_white_paper_are_shades() -> None:
    drawn = np.full(SIZE, 255, np.uint8)
    drawn[HOLE], drawn[box(30, 5, 5, 4)], drawn[box(20, 30, 3, 4)] = 0, 76, 150
    np.testing.assert_array_equal(read_marks(drawn, PLACE).white, drawn > 127)


def test_many_labels_are_labels() -> None:
    cells = np.zeros(SIZE, np.uint16)
    for i in range(96):
        y, x = divmod(i, 8)
        cells[4 * y : 4 * y + 3, 5 * x : 5 * x + 4] = 3 * i + 1
    np.testing.assert_array_equal(read_marks(cells, PLACE).white, cells > 0)


def test_labels_in_a_palette_are_all_but_black(tmp_path: Path) -> None:
    labels = np.zeros(SIZE, np.uint8)
    labels[HOLE], labels[box(30, 5, 5, 4)], labels[box(20, 30, 3, 4)] = 1, 2, 15
    labels[5, 4:14] = 255  # their edge
    palette = np.zeros((256, 3), np.uint8)  # PASCAL VOC's first colours
    palette[[1, 2, 15, 255]] = [(128, 0, 0), (0, 128, 0), (192, 128, 128), (224, 224, 192)]
    picture = Image.fromarray(labels, "P")
    picture.putpalette(palette.tobytes())
    picture.save(tmp_path / "voc.png")
    read = both(tmp_path / "voc.png", palette[labels])
    np.testing.assert_array_equal(read.white, labels > 0)
    assert "4 flat colours on black: all but 0 are known" in read.notes[0]
    # a palette of black and white, in any order, is a drawing
    picture = Image.fromarray(HOLE.astype(np.uint8), "P")
    picture.putpalette([255, 255, 255, 0, 0, 0])
    picture.save(tmp_path / "indexed.png")
    np.testing.assert_array_equal(read_marks(tmp_path / "indexed.png", PLACE).white, ~HOLE)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)])
def test_strokes_of_a_colour_on_white_are_to_be_filled(
    tmp_path: Path, colour: tuple[int, ...]
) -> None:
    drawn = np.full((*SIZE, 3), 255, np.uint8)
    drawn[HOLE] = colour
    read = both(saved(tmp_path / "a.png", drawn), drawn)
    np.testing.assert_array_equal(read.white, ~HOLE)
    assert read.notes == ("the mask is coloured: what is light in every channel is known",)
    saved(tmp_path / "a.jpg", drawn, quality=95, subsampling=0)
    assert (read_marks(tmp_path / "a.jpg", PLACE).white != ~HOLE).mean() < 0.02


def test_a_pixel_is_known_where_all_its_channels_are() -> None:
    known = np.ones((*SIZE, 3), dtype=bool)
    known[HOLE, 1] = False
    known[box(30, 5, 5, 4), 0] = False
    for mask in (known, known.astype(np.uint8), known * 255.0):
        np.testing.assert_array_equal(read_marks(mask, PLACE).white, known.all(-1))
    first = np.moveaxis(known, -1, 0)
    read = read_marks(first, PLACE, channel_axis=0)
    np.testing.assert_array_equal(read.white, known.all(-1))


def rgba(colour: Any, alpha: NDArray[Any]) -> NDArray[np.uint8]:
    picture = np.zeros((*SIZE, 4), np.uint8)
    picture[..., :3], picture[..., 3] = colour, alpha
    return picture


PHOTO = np.random.default_rng(0).integers(0, 256, (*SIZE, 3))
GRAY = np.linspace(40, 220, SIZE[0] * SIZE[1]).reshape(*SIZE, 1)


@pytest.mark.parametrize(("picture", "hint"), [
    (rgba(0, 255 * HOLE), HOLE), (rgba((255, 0, 0), 255 * HOLE), HOLE),
    (rgba(0, 128 * HOLE), HOLE), (rgba(255, 255 * ~HOLE), ~HOLE),
    (rgba(PHOTO, 255 * ~HOLE), HOLE), (rgba(GRAY, 255 * ~HOLE), HOLE),
], ids=["black", "red", "half", "erased", "photo", "gray photo"])  # fmt: skip
def test_transparency_is_the_drawing_where_it_hides_something(
    tmp_path: Path, picture: NDArray[np.uint8], hint: NDArray[np.bool_]
) -> None:
    read = both(saved(tmp_path / "a.png", picture), picture)
    np.testing.assert_array_equal(read.white, ~HOLE)
    assert read.notes[0].startswith("the mask is read from its transparency: ")
    tifffile.imwrite(tmp_path / "a.tif", picture)  # says nothing of its fourth channel
    np.testing.assert_array_equal(read_marks(tmp_path / "a.tif", PLACE).white, ~HOLE)
    np.testing.assert_array_equal(both(tmp_path / "a.png", picture, HINT).white, hint)


def test_gray_with_transparency(tmp_path: Path) -> None:
    for shade, drawn in ((0, HOLE), (255, ~HOLE)):
        picture = np.zeros((*SIZE, 2), np.uint8)
        picture[..., 0], picture[..., 1] = shade, 255 * drawn
        Image.fromarray(picture, "LA").save(tmp_path / "la.png")
        np.testing.assert_array_equal(both(tmp_path / "la.png", picture).white, ~HOLE)


@pytest.mark.parametrize("alpha", [255, 0, 200])
def test_an_even_transparency_says_nothing(tmp_path: Path, alpha: int) -> None:
    picture = rgba(np.where(HOLE, 0, 255)[..., None], np.full(SIZE, alpha))
    read = both(saved(tmp_path / "a.png", picture), picture)
    np.testing.assert_array_equal(read.white, ~HOLE)
    assert read.notes == ()


def test_what_can_be_read_in_two_ways_is_refused(tmp_path: Path) -> None:
    drawn = rgba(np.where(HOLE, 0, 255)[..., None], np.where(box(30, 5, 5, 4), 0, 255))
    with pytest.raises(InputError, match="black, white and transparent parts; make it opaque"):
        read_marks(drawn, PLACE)
    with pytest.raises(InputError, match="mask has NaN or infinite values"):
        read_marks(np.where(HOLE, np.nan, 1), PLACE)
    stack = np.zeros((3, *SIZE), np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    with pytest.raises(InputError, match="mask has 3 pages; wanted one"):
        read_marks(tmp_path / "stack.tif", PLACE)
    with pytest.raises(InputError, match="mask has shape"):
        read_marks(np.zeros((2, 2, *SIZE)), PLACE)
    with pytest.raises(InputError, match="mask holds complex128 values"):
        read_marks(np.zeros(SIZE, complex), PLACE)


def test_a_photograph_as_a_mask_is_told() -> None:
    read = read_marks(GRAY[..., 0].astype(np.uint8), PLACE)
    assert "has grays: what is above half of its largest value (220) is known" in read.notes[0]
