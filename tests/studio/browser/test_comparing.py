"""A finished result: made weaker, held against the original and against another result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from steps import canvas, drop, expect_status, restore, set_steps
from test_studio import read_bytes

from untrained.images import blended, read_picture


def restored(page: Any, studio: Any, picture: Path, *, steps: int = 60) -> str:
    page.goto(studio.url)
    drop(page, picture)
    set_steps(page, steps)
    id_ = restore(page)
    expect_status(page, "done")
    page.locator(".viewer .pane canvas").first.wait_for()
    page.locator(".timeline").wait_for()
    return id_


def test_a_slider_takes_less_of_the_noise_away(page: Any, studio: Any, noisy: Path) -> None:
    id_ = restored(page, studio, noisy)
    before, whole = read_picture(noisy).pixels, studio.result(id_)
    strength = page.get_by_role("slider", name="Strength", exact=True)
    page.wait_for_timeout(500)
    seen = canvas(page)
    strength.fill("40")
    page.wait_for_function(
        "(src) => document.querySelector('.viewer .pane canvas').toDataURL() !== src", arg=seen
    )
    with page.expect_response("**/strength") as answer:
        page.get_by_role("slider", name="In the colours").fill("90")
    assert answer.value.ok
    page.wait_for_timeout(300)
    assert studio.job(id_)["options"]["strength"] == 0.4
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    got = read_bytes(Path(waiting.value.path()).read_bytes())
    wanted = blended(before, whole, strength=0.4, colour_strength=0.9)
    np.testing.assert_array_equal(got, wanted[0])
    page.reload()
    expect_status(page, "done")
    assert strength.input_value() == "40"


def test_two_results_stand_side_by_side_without_a_new_viewer(
    page: Any, studio: Any, noisy: Path
) -> None:
    first = restored(page, studio, noisy)
    page.get_by_role("link", name="Other settings").click()
    page.get_by_label("Noise level").fill("60")
    second = restore(page)
    expect_status(page, "done")
    assert first != second
    box = page.get_by_role("checkbox", name="Noise level estimated")  # only what differs
    assert box.is_checked(), "the one that it was made from stands beside it"
    left = page.get_by_label("Left picture")
    page.wait_for_function(
        "(id) => document.querySelector('select[aria-label=\"Left picture\"]').value === id",
        arg=f"run:{first}",
    )
    assert "Noise level 60" in page.locator(".tag-right").first.inner_text()
    assert page.locator(".plot-key", has_text="Noise level estimated").count() == 2
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    zoom = page.locator(".zoom-label").inner_text()
    box.focus()
    for checked, value in ((False, "observed"), (True, f"run:{first}")):
        page.keyboard.press("Space")
        assert box.is_checked() == checked
        page.wait_for_function(
            "(id) => document.querySelector('select[aria-label=\"Left picture\"]').value === id",
            arg=value,
        )
        assert page.locator(".zoom-label").inner_text() == zoom
        assert page.evaluate("document.activeElement.type") == "checkbox"
    assert left.input_value() == f"run:{first}"
    assert page.url.endswith(f"{second}?with={first}")


def test_one_kept_step_after_a_step_was_taken(page: Any, studio: Any, noisy: Path) -> None:
    id_ = restored(page, studio, noisy, steps=80)
    page.get_by_label("Timeline of the fit").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Take step").click()
    page.get_by_text("is what downloads").wait_for()
    taken = studio.job(id_)["taken_step"]
    page.get_by_role("button", name="Taken", exact=True).click()
    page.locator(".summary", has_text=f"Taken by hand: the image of step {taken}").wait_for()
    words = page.locator(".job").inner_text()
    assert "Kept: the" not in words
    marks = page.locator(".plot-holder").first.get_attribute("aria-label")
    assert f"taken at step {taken}" in marks
    assert "kept at step" not in marks


def test_the_picture_fills_the_stage_and_a_press_shows_the_original(
    page: Any, studio: Any, noisy: Path
) -> None:
    restored(page, studio, noisy)
    page.wait_for_timeout(500)
    box = page.locator(".viewer .pane canvas").first.bounding_box()
    percent = page.locator(".zoom-label").inner_text()
    scale = float(percent.split()[0]) / 100 if "%" in percent else float(percent.split(":")[0])
    assert abs(scale - min(box["width"] / 80, box["height"] / 64, 16)) < 0.02
    split = canvas(page)
    page.keyboard.down("\\")
    page.wait_for_timeout(200)
    original = canvas(page)
    page.keyboard.up("\\")
    page.wait_for_timeout(200)
    assert original != split
    assert canvas(page) == split
    hold = page.get_by_role("button", name="Hold: original")
    hold.hover()
    page.mouse.down()
    page.wait_for_timeout(200)
    assert canvas(page) == original
    page.mouse.up()
    page.wait_for_timeout(200)
    assert canvas(page) == split
