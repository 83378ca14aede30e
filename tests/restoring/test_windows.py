"""Windows of pages: each is kept once, beside its neighbours, along the axis that is named."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from untrained import InputError, denoise
from untrained.images import Metadata, Picture
from untrained.images.picture import TiffLayout
from untrained.restoring import cut_into_windows, windows_along


def stack(axes: str, *lead: int, dtype: Any = np.uint16) -> Picture:
    """A stack whose file names these axes of pages; "" = none."""
    pages = np.zeros((int(np.prod(lead)), 8, 9, 1), dtype)
    layout = TiffLayout(axes=f"{axes}YX", flavour="imagej") if axes else None
    return replace(
        Picture.from_array(pages[0]), pixels=pages, lead=lead, has_channel_axis=False,
        metadata=Metadata(tiff=layout),
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 13, 40])
@pytest.mark.parametrize("most", [1, 3, 4, 8])
def test_every_page_is_kept_once_and_has_its_neighbours_beside_it(count: int, most: int) -> None:
    windows = cut_into_windows(range(count), most)
    assert [page for window in windows for page in window.kept] == list(range(count))
    for window in windows:
        assert len(window.shown) <= most
        assert sorted(window.shown) == list(range(min(window.shown), max(window.shown) + 1))
        if most >= 4:
            for page in window.kept:
                around = {page - 1, page, page + 1} & set(range(count))
                assert around <= set(window.shown)


def test_the_axes_are_those_that_the_file_names() -> None:
    picture = stack("TZC", 2, 3, 4)
    kept = {axis: [w.kept for w in windows_along(picture, axis)[0]] for axis in "tzc"}
    assert kept["c"][:2] == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert kept["z"][:4] == [(0, 4), (8,), (1, 5), (9,)]
    assert kept["t"][:2] == [(0, 12), (1, 13)]
    for windows in kept.values():
        assert sorted(page for window in windows for page in window) == list(range(24))


def test_three_gray_pages_are_never_taken_for_a_colour_picture() -> None:
    windows, _ = windows_along(stack("Z", 3), "z")
    assert [(window.kept, window.beside) for window in windows] == [((0, 1), ()), ((2,), (1,))]
    colours = replace(stack("Z", 3), pixels=np.zeros((3, 8, 9, 3), np.uint8))
    assert [window.kept for window in windows_along(colours, "z")[0]] == [(0, 1, 2)]


def test_pages_without_names_are_z_and_t_and_that_is_said() -> None:
    for picture, axis in itertools.product((stack("", 5), stack("Q", 5)), "zt"):
        windows, note = windows_along(picture, axis)
        assert [w.kept for w in windows] == [(0, 1, 2, 3, 4)]
        assert note == f"the file names no axis; its 5 pages were taken for {axis}"
    assert windows_along(stack("Z", 5), "z")[1] == ""


@pytest.mark.parametrize(("picture", "axis", "message"), [
    (stack("ZC", 3, 2), "t", r"its axes are z \(3 pages\) and c \(2 pages\); wanted one of these"),
    (stack("Z", 3), "t", r"its axes are z \(3 pages\)"),
    (stack("", 3), "c", "names no axis of channels"),
    (stack("", 3, 2), "z", r"its 2 axes of pages \(3 x 2\) have no names"),
    (stack("", 1), "z", "there is one page"),
    (stack("TZ", 1, 3), "t", "has the length 1"),
])  # fmt: skip
def test_what_is_no_such_stack_is_refused_in_a_line(
    picture: Picture, axis: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        windows_along(picture, axis)
    assert "\n" not in str(caught.value)


def test_pages_that_lack_different_pixels_are_not_joined() -> None:
    picture = stack("Z", 4, dtype=np.float32)
    picture.pixels[:, 2, 2] = np.nan
    assert len(windows_along(picture, "z")[0]) == 1
    picture.pixels[1, 4, 4] = np.nan
    with pytest.raises(InputError, match=r"pages 1 and 2 lack different pixels.*leave --joint out"):
        windows_along(picture, "z")
    hole = np.ones((4, 8, 9), np.uint16)
    hole[2, 0, 0] = 0
    with pytest.raises(InputError, match="pages 1 and 3 lack"):
        windows_along(replace(stack("Z", 4), alpha=hole), "z")


def test_an_array_is_no_stack_of_a_file() -> None:
    with pytest.raises(InputError, match="restore_series takes an array"):
        denoise(np.zeros((16, 16)), joint="z")
    with pytest.raises(InputError, match="joint is 'y'; wanted z, t or c"):
        denoise(np.zeros((16, 16)), joint="y")  # type: ignore[arg-type]
