"""Large pictures and pictures of a wide gamut: what is sent, what is shown, what is read out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect
from steps import (
    drop,
    frames,
    middle_of_easel,
    restored,
)
from test_studio import read_bytes

from untrained.images import Metadata, Picture, read_picture, write_picture

P3 = bytes(pyvips.Operation.call("profile_load", "p3"))
WIDE = (2300, 96)  # width and height: larger than a screen, and few pixels


def in_srgb(values: NDArray[Any]) -> NDArray[Any]:
    """What another viewer shows of pixels in P3."""
    height, width, channels = values.shape
    image = pyvips.Image.new_from_memory(values.tobytes(), width, height, channels, "uchar")
    image = image.copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", P3)
    return np.asarray(image.icc_transform("srgb", embedded=True).numpy())


def sent(page: Any) -> list[str]:
    """The pictures that the page has asked for, in order."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition("/api/")[2]))
    return asked


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A long picture in which the red of every pixel says its column, 16 columns a step."""
    width, height = WIDE
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width) // 16
    pixels[..., 1] = 120
    pixels[..., 1] += np.random.default_rng(0).integers(0, 20, (height, width), np.uint8)
    pixels[..., 2] = 60
    path = tmp_path / "large.png"
    write_picture(path, Picture.from_array(pixels))
    return path


def point_of(page: Any, column: int, row: int) -> tuple[float, float]:
    """Where a pixel is on the page, at 1:1 with the picture's left edge at that of the pane."""
    box = page.locator(".viewer .pane").first.bounding_box()
    return box["x"] + column + 0.5, box["y"] + (box["height"] - WIDE[1]) / 2 + row + 0.5


def test_of_a_large_picture_only_what_is_seen_is_sent(page: Any, studio: Any, large: Path) -> None:
    asked = sent(page)
    id_ = restored(page, studio, large, steps=4)
    expect(page.locator(".stage-message")).to_be_hidden()
    expect(page.locator(".readout-size")).to_contain_text("2300 × 96 · shown at")

    def pixels() -> list[str]:
        return [url for url in asked if id_ in url and ".png" in url]

    assert pixels() == [], "a copy of the size of the screen is enough"
    assert any("estimate.webp" in url for url in asked)

    page.get_by_role("button", name="1:1").click()
    page.wait_for_function(
        "() => performance.getEntriesByType('resource').some(e => /x=0&y=0/.test(e.name))"
    )
    pane = page.locator(".viewer .pane").first
    pane.focus()
    for _ in range(12):  # to the left edge
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout-size")).to_contain_text("1:1, exact pixels")
    x, y = point_of(page, 200, 40)
    page.mouse.move(x, y)
    # 200 // 16 = 12; the numbers are those of the file, which the copy is not
    expect(page.locator(".readout-values")).to_contain_text(
        re.compile(r"x 200\s+y \d+\s+left\s+12\s")
    )
    assert pixels()
    assert all("x=" in url for url in pixels()), "tiles, never the whole"
    assert not any("x=2048" in url for url in pixels()), "the right end is not seen"


SEEN = slice(800, 1500)  # columns in the middle of the large picture, over two tiles

# What of a row of it is on the canvas at 1:1, before anything is moved.
_ROW = """(row) => {
  const canvas = document.querySelector('.viewer .pane canvas');
  const left = Math.round(canvas.width / 2 - 2300 / 2) + 800;
  const top = Math.round((canvas.height - 96) / 2) + row;
  const copy = new OffscreenCanvas(700, 1).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, left, top, 700, 1, 0, 0, 700, 1);
  const { data } = copy.getImageData(0, 0, 700, 1);
  return Array.from({ length: 2100 }, (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]);
}"""


def expect_row(page: Any, wanted: NDArray[Any], first: int = 0) -> None:
    """Wait until these pixels of row 40 are on the canvas, from the first that is seen on."""
    page.wait_for_function(
        f"""([first, wanted]) => {{
          const shown = ({_ROW})(40).slice(3 * first);
          return wanted.every((value, i) => value === shown[i]);
        }}""",
        arg=[first, wanted.ravel().tolist()],
        polling=200,
    )


def shown_pixels(page: Any, studio: Any, id_: str, name: str) -> NDArray[Any]:
    """A picture that is shown, whole, as it is stored for the screen."""
    return read_bytes(page.request.get(f"{studio.url}/api/jobs/{id_}/{name}.png").body())


def test_a_difference_is_that_of_the_stored_pixels_where_they_are_seen(
    page: Any, studio: Any, large: Path
) -> None:
    asked = sent(page)
    id_ = restored(page, studio, large, steps=4, noise_level=20)
    with (
        page.expect_request(re.compile(r"observed\.webp.*numbers=true")),
        page.expect_request(re.compile(r"estimate\.webp.*numbers=true")),
    ):
        page.get_by_text("Difference", exact=True).click()
    expect(page.locator(".stage-message")).to_be_hidden()
    expect(page.locator(".readout-size")).to_contain_text("from a smaller copy")
    assert not any(id_ in url and ".png" in url for url in asked), "copies are enough"
    page.get_by_role("button", name="1:1").click()
    before, after = (
        shown_pixels(page, studio, id_, n).astype(int) for n in ("observed", "estimate")
    )
    page.get_by_label("Amplify").fill("2")
    gain = 4
    for signed in (True, False):
        page.get_by_label("Lighter and darker apart").set_checked(signed)
        change = after - before
        wanted = (128 + gain * change if signed else gain * abs(change)).clip(0, 255)
        assert np.ptp(wanted[40, SEEN]) > 20
        expect_row(page, wanted[40, SEEN])
    parts = [url for url in asked if id_ in url and ".png" in url]
    assert parts
    assert all("x=" in url and "x=2048" not in url for url in parts), "tiles that are seen alone"


def test_a_map_over_a_large_picture_comes_in_tiles_and_covers_it_once(
    page: Any, studio: Any, large: Path
) -> None:
    pixels = read_picture(large).pixels[0]
    alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    alpha[30:60, 1200:1240] = 0
    Image.fromarray(np.concatenate([pixels, alpha], axis=-1)).save(large)
    asked = sent(page)
    id_ = restored(page, studio, large, steps=4)
    with page.expect_response("**/overlays/missing.webp?*"):
        page.get_by_label("Overlay").select_option("missing")
    page.get_by_role("button", name="1:1").click()
    under = shown_pixels(page, studio, id_, "estimate")[40, SEEN].astype(int)
    shown = {}
    for opacity in (100, 50):
        page.get_by_label("Opacity").fill(str(opacity))
        expect_row(page, under[500:], 500)  # not darkened: nothing is missing there
        frames(page)
        shown[opacity] = np.array(page.evaluate(_ROW, 40)).reshape(-1, 3)[420]
    assert shown[100].min() > 150, "the map's light yellow"
    np.testing.assert_allclose(shown[50], (shown[100] + under[420]) / 2, atol=3)
    parts = [url for url in asked if "overlays/missing.png" in url]
    assert parts
    assert all("x=" in url and "x=2048" not in url for url in parts)


def test_the_painter_loads_the_tiles_that_are_seen(page: Any, studio: Any, tmp_path: Path) -> None:
    path = tmp_path / "board.png"
    write_picture(path, Picture.from_array(np.full((900, 2300, 3), 128, np.uint8)))
    asked = sent(page)
    page.goto(studio.url)
    drop(page, path)
    middle_of_easel(page)
    tiles = page.locator(".easel .tiles img")
    expect(tiles).to_have_count(0)
    page.get_by_role("button", name="1:1").click()
    expect(tiles).not_to_have_count(0)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.easel .tiles img')].every(i => i.naturalWidth > 0)"
    )
    places = {
        url.partition("x=")[2] for url in tiles.evaluate_all("(all) => all.map((tile) => tile.src)")
    }
    assert "1024&y=0" in places, "the middle is seen"
    assert "2048&y=0" not in places, "the right end is not"
    assert all("x=" in url for url in asked if "image.png" in url and "samples" not in url)


# Whether the left picture has nearly this colour, in a colour space of the canvas.
_SHOWN = """([red, green, space]) => {
  const canvas = document.querySelector('.viewer .pane canvas');
  const context = canvas?.getContext('2d');
  if (!context || context.getContextAttributes().colorSpace !== space) return false;
  const at = context.getImageData(canvas.width / 2 - 20, canvas.height / 2, 1, 1).data;
  return Math.abs(at[0] - red) < 4 && Math.abs(at[1] - green) < 4;
}"""


def test_wide_colours_are_shown_as_elsewhere_and_read_out_as_stored(
    page: Any, studio: Any, tmp_path: Path, browser: Any
) -> None:
    stored = np.full((48, 64, 3), (100, 200, 100), np.uint8)
    stored += np.random.default_rng(0).integers(0, 2, stored.shape, np.uint8)
    path = tmp_path / "wide-gamut.png"
    write_picture(path, Picture(pixels=stored[None], metadata=Metadata(icc=P3)))
    restored(page, studio, path, steps=4)
    wanted = in_srgb(stored).mean((0, 1))
    assert wanted[0] < 80, "sRGB has no such green"
    page.wait_for_function(_SHOWN, arg=[float(wanted[0]), float(wanted[1]), "srgb"])
    box = page.locator(".viewer .pane").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 20, box["y"] + box["height"] / 2)
    expect(page.locator(".readout-values")).to_contain_text(
        re.compile(r"left\s+10[01]\s+20[01]\s+10[01]")
    )
    # a screen that can show that green
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    wider = browser.browser_type.launch(
        executable_path=chromium, args=["--no-sandbox", "--force-color-profile=display-p3-d65"]
    )
    try:
        other = wider.new_page()
        other.goto(page.url)
        other.wait_for_function(_SHOWN, arg=[100, 200, "display-p3"])
    finally:
        wider.close()
