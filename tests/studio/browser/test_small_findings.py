"""Small things of the audit that need no fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import expect
from steps import drop, middle_of_easel

from untrained.images import Picture, write_picture


def test_a_name_is_shown_as_the_user_has_it(page: Any, studio: Any, tmp_path: Path) -> None:
    path = tmp_path / 'the "old" cat.png'
    write_picture(path, Picture.from_array(np.full((32, 32, 3), 90, np.uint8)))
    page.goto(studio.url)
    drop(page, path)
    expect(page.locator(".preview .hint")).to_contain_text('the "old" cat.png · 32 × 32')


def test_a_job_that_is_gone_leaves_no_address_behind(page: Any, studio: Any) -> None:
    page.goto(f"{studio.url}/#/job/{'0' * 16}")
    expect(page.locator("#complaint")).to_contain_text("it was deleted")
    expect(page).to_have_url(f"{studio.url}/#/")


def test_clear_pixels_are_filled_and_seen_as_clear(page: Any, studio: Any, tmp_path: Path) -> None:
    pixels = np.full((64, 64, 4), 120, np.uint8)
    pixels[..., 3] = 255
    pixels[20:40, 20:40, 3] = 0
    path = tmp_path / "clear.png"
    Image.fromarray(pixels).save(path)
    page.goto(studio.url)
    drop(page, path)
    middle_of_easel(page)
    expect(page.locator(".painter")).to_contain_text("the transparent pixels are filled")
    checks = page.locator(".easel .paper > img").evaluate(
        "i => getComputedStyle(i).backgroundImage"
    )
    assert "conic-gradient" in checks


def test_the_chosen_way_of_comparing_is_seen_in_forced_colours(page: Any, studio: Any) -> None:
    page.emulate_media(forced_colors="active")
    page.goto(studio.url)
    page.get_by_role("button", name="Cat, written on").click()
    page.get_by_label("Task").select_option("inpaint")
    brush, erase = (
        page.get_by_role("button", name=name, exact=True) for name in ("Brush", "Erase")
    )
    colour = "e => getComputedStyle(e).backgroundColor"
    expect(brush).to_have_attribute("aria-pressed", "true")
    assert brush.evaluate(colour) != erase.evaluate(colour)


_BOXES = """(all) => all.map((e) => e.getBoundingClientRect()).map((box) =>
  [Math.round(box.top), Math.round(box.right), box.width, box.height])"""


def test_the_tools_of_the_painter_fit_a_phone_and_its_thumbs(
    page: Any, studio: Any, noisy: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(studio.url)
    drop(page, noisy)
    middle_of_easel(page)
    tools = page.get_by_role("toolbar")
    seen = tools.locator("button, summary, input").locator("visible=true")
    boxes = seen.evaluate_all(_BOXES)
    assert len(boxes) == 6, "brush, eraser, undo, redo, more, size"
    assert len({top for top, *_ in boxes}) <= 2, "rows"
    assert all(right <= 390 and min(sides) >= 44 for _, right, *sides in boxes), boxes
    more = tools.locator("summary")
    more.focus()
    page.keyboard.press("Enter")
    rare = tools.locator(".menu button")
    expect(rare.filter(has_text="Save")).to_be_visible()
    boxes = rare.evaluate_all(_BOXES)
    assert all(right <= 390 and min(sides) >= 44 for _, right, *sides in boxes), boxes
    page.keyboard.press("Tab")  # past Clear: nothing is painted yet
    expect(rare.filter(has_text="Invert")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_text("5120 pixels to fill").wait_for()
    expect(more).to_be_focused()
    expect(rare.first).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 800})  # turned to a wide screen: all are seen
    expect(more).to_have_count(0)
    expect(tools.get_by_role("button", name="Clear")).to_be_visible()
