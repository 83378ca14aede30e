"""A finished result: made weaker, held against the original and against another result."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from steps import (
    drawn,
    drawn_again,
    drawn_anew,
    expect,
    expect_result,
    expect_status,
    restore,
    restored,
    text_of,
)
from test_studio import read_bytes

from untrained.images import blended, read_picture


def test_a_slider_takes_less_of_the_noise_away(page: Any, studio: Any, noisy: Path) -> None:
    id_ = restored(page, studio, noisy, steps=60)
    before, whole = read_picture(noisy).pixels, studio.result(id_)
    strength = page.get_by_role("slider", name="Strength", exact=True)
    seen = drawn(page)
    strength.fill("40")
    drawn_anew(page, seen)
    with page.expect_response(_asks_for_colours) as answer:
        page.get_by_role("slider", name="In the colours").fill("90")
    assert answer.value.ok
    options = studio.job(id_)["options"]
    assert (options["strength"], options["colour_strength"]) == (0.4, 0.9)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    got = read_bytes(Path(waiting.value.path()).read_bytes())
    wanted = blended(before, whole, strength=0.4, colour_strength=0.9)
    np.testing.assert_array_equal(got, wanted[0])
    page.reload()
    expect_status(page, "done")
    expect(strength).to_have_value("40")


def _asks_for_colours(answer: Any) -> bool:
    request = answer.request
    return bool(request.url.endswith("/strength") and request.post_data_json["colour_strength"])


def test_two_results_stand_side_by_side_without_a_new_viewer(
    page: Any, studio: Any, noisy: Path
) -> None:
    first = restored(page, studio, noisy, steps=60)
    page.get_by_role("link", name="Other settings").click()
    page.get_by_label("Noise level").fill("60")
    second = restore(page)
    expect_status(page, "done")
    assert first != second
    box = page.get_by_role("checkbox", name="Noise level estimated")  # only what differs
    expect(box).to_be_checked()  # the one that it was made from stands beside it
    left = page.get_by_label("Left picture")
    expect(left).to_have_value(f"run:{first}")
    expect(page.locator(".tag-right").first).to_contain_text("Noise level 60")
    expect(page.locator(".plot-key", has_text="Noise level estimated")).to_have_count(2)
    expect_result(page)
    zoom = page.locator(".zoom-label")
    for _ in range(2):
        before = text_of(zoom)
        page.get_by_role("button", name="Zoom in").click()
        expect(zoom).not_to_have_text(before)
    zoomed = text_of(zoom)
    box.focus()
    for checked, value in ((False, "observed"), (True, f"run:{first}")):
        page.keyboard.press("Space")
        expect(box).to_be_checked(checked=checked)
        expect(left).to_have_value(value)
        assert text_of(zoom) == zoomed
        expect(box).to_be_focused()
    expect(page).to_have_url(re.compile(rf"{second}\?with={first}$"))


def test_one_kept_step_after_a_step_was_taken(page: Any, studio: Any, noisy: Path) -> None:
    id_ = restored(page, studio, noisy, steps=80)
    page.get_by_label("Timeline of the fit").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Take step").click()
    page.get_by_text("is what downloads").wait_for()
    taken = studio.job(id_)["taken_step"]
    page.get_by_role("button", name="Taken", exact=True).click()
    page.locator(".summary", has_text=f"Taken by hand: the image of step {taken}").wait_for()
    expect(page.locator(".job")).not_to_contain_text("Kept: the", use_inner_text=True)
    plot = page.locator(".plot-holder").first
    expect(plot).to_have_attribute("aria-label", re.compile(rf"taken at step {taken}\b"))
    expect(plot).not_to_have_attribute("aria-label", re.compile("kept at step"))


def test_the_picture_fills_the_stage_and_a_press_shows_the_original(
    page: Any, studio: Any, noisy: Path
) -> None:
    restored(page, studio, noisy, steps=60)
    split = drawn(page)
    page.wait_for_function("""() => {
      const box = document.querySelector(".viewer .pane canvas").getBoundingClientRect();
      const shown = document.querySelector(".zoom-label").textContent;
      const scale = shown.includes("%") ? parseFloat(shown) / 100 : parseFloat(shown);
      return Math.abs(scale - Math.min(box.width / 80, box.height / 64, 16)) < 0.02;
    }""")
    page.keyboard.down("\\")
    original = drawn_anew(page, split)
    page.keyboard.up("\\")
    drawn_again(page, split)
    hold = page.get_by_role("button", name="Hold: original")
    hold.hover()
    page.mouse.down()
    drawn_again(page, original)
    page.mouse.up()
    drawn_again(page, split)
