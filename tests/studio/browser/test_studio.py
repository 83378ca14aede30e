"""The studio in a real browser: what a user does, and what they get."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from steps import (
    delete,
    drawn,
    drawn_anew,
    drop,
    expect,
    expect_status,
    job_id,
    middle_of_easel,
    restore,
    restored,
    set_steps,
    text_of,
    wait_for_step,
)

from untrained.images import (
    Picture,
    as_stored,
    read_picture,
    upright,
    with_orientation,
    write_picture,
)


def test_a_sample_is_restored_with_two_clicks(page: Any, studio: Any) -> None:
    page.goto(studio.url)
    page.get_by_role("button", name="Cat, noisy").click()
    page.get_by_role("button", name="Restore", exact=True).click()
    page.wait_for_url("**/#/job/*")
    expect_status(page, "running")
    job = studio.job(job_id(page))
    assert (job["task"], job["picture_name"]) == ("denoise", "noisy-cat.png")
    page.get_by_role("button", name="Stop, keep the best").click()
    expect_status(page, "stopped")


def test_dropped_watched_stopped_downloaded(
    page: Any, studio: Any, noisy: Path, tmp_path: Path
) -> None:
    page.goto(studio.url)
    drop(page, noisy)
    page.get_by_text("80 × 64").first.wait_for()
    set_steps(page, 100_000)
    page.get_by_text("up to 100000").wait_for()  # the plan follows the form
    id_ = restore(page)
    wait_for_step(page, 5)
    seen = [drawn(page)]
    for _ in range(3):
        seen.append(drawn_anew(page, *seen))  # the estimate changes on the screen
    page.get_by_role("button", name="Stop, keep the best").click()
    expect_status(page, "stopped, best kept")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    target = tmp_path / "got.png"
    waiting.value.save_as(target)
    assert waiting.value.suggested_filename == "noisy-denoise.png"
    got, wanted = read_picture(target).pixels, studio.result(id_)
    np.testing.assert_array_equal(got, wanted)
    assert got.shape == (1, 64, 80, 3)
    assert np.abs(got.astype(int) - read_picture(noisy).pixels).max() > 0


_PAINTED = """() => {
  const context = document.querySelector(".easel canvas").getContext("2d");
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3] > 0);
}"""


def painted_of(page: Any) -> NDArray[np.bool_]:
    """What is painted on the easel, of 80 x 64 pixels, when the page tells of it."""
    page.get_by_text("to fill (").wait_for()
    return np.array(page.evaluate(_PAINTED)).reshape(64, 80)


@pytest.mark.parametrize("orientation", [6, 3])
def test_a_photo_that_is_stored_turned_is_shown_and_painted_upright(
    page: Any, studio: Any, noisy: Path, orientation: int
) -> None:
    seen = read_picture(noisy).pixels[0]
    photo = Picture.from_array(np.ascontiguousarray(as_stored(seen, orientation)))
    write_picture(noisy, with_orientation(photo, orientation))
    page.goto(studio.url)
    drop(page, noisy)
    page.get_by_text("80 × 64").first.wait_for()
    x, y = middle_of_easel(page)
    page.mouse.move(x - 70, y - 60)
    page.mouse.down()
    page.mouse.move(x - 20, y - 60, steps=6)
    page.mouse.up()
    page.get_by_text("to fill (").wait_for()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Undo").click()
    with page.expect_file_chooser() as choosing:  # the mask that was saved lies as it did
        page.get_by_role("button", name="Load…").click()
    choosing.value.set_files({
        "name": "mask.png", "mimeType": "image/png", "buffer": saving.value.path().read_bytes(),
    })  # fmt: skip
    page.get_by_text("as both are seen").wait_for()
    painted = np.array(page.evaluate(_PAINTED)).reshape(64, 80)
    assert 20 < painted.sum() < 2000
    saved = read_bytes(saving.value.path().read_bytes())
    np.testing.assert_array_equal(painted, saved[..., 0] == 0)
    set_steps(page, 20)
    id_ = restore(page)
    expect_status(page, "done")
    after = upright(studio.result(id_)[0], orientation)
    np.testing.assert_array_equal(after[~painted], seen[~painted])
    assert (after[painted] != seen[painted]).any()
    shown = {
        name: read_bytes(page.request.get(f"{studio.url}/api/jobs/{id_}/{name}.png").body())
        for name in ("observed", "estimate", "overlays/missing")
    }
    np.testing.assert_array_equal(shown["observed"], seen)
    np.testing.assert_array_equal(shown["estimate"], after)
    np.testing.assert_array_equal(shown["overlays/missing"][..., 0] > 0, painted)


def test_a_painted_mask_is_filled_and_the_rest_stays(page: Any, studio: Any, noisy: Path) -> None:
    page.goto(studio.url)
    drop(page, noisy)
    x, y = middle_of_easel(page)
    page.mouse.move(x - 60, y - 40)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=6)
    page.mouse.up()
    told = text_of(page.get_by_text("to fill ("))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text(told, exact=True)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()  # the dot
    page.get_by_text(told, exact=True).wait_for()
    painted = painted_of(page)
    assert 50 < painted.sum() < 2000
    assert told.startswith(f"{painted.sum()} pixels")
    with page.expect_download():
        page.get_by_role("button", name="Save").click()
    set_steps(page, 30)
    id_ = restore(page)
    expect_status(page, "done")
    mask = studio.get(f"/pictures/{studio.job(id_)['files']['mask']}")
    assert (mask["width"], mask["height"]) == (80, 64)
    content = page.request.get(f"{studio.url}/api/pictures/{mask['id']}/image.png").body()
    values = read_bytes(content)
    assert set(np.unique(values)) == {0, 255}
    np.testing.assert_array_equal(values[..., 0] == 0, painted)
    before, after = read_picture(noisy).pixels[0], studio.result(id_)[0]
    np.testing.assert_array_equal(after[~painted], before[~painted])
    assert (after[painted] != before[painted]).mean() > 0.5


def test_a_reload_finds_the_job_again(page: Any, studio: Any, noisy: Path) -> None:
    page.goto(studio.url)
    drop(page, noisy)
    set_steps(page, 100_000)
    id_ = restore(page)
    before = wait_for_step(page, 3)
    page.reload()
    wait_for_step(page, before + 1)
    assert job_id(page) == id_
    page.locator(".viewer .pane canvas").first.wait_for()
    page.get_by_role("button", name="Stop, keep the best").click()
    expect_status(page, "stopped")
    page.reload()
    expect_status(page, "stopped, best kept")


def test_many_tabs_stay_in_step(tabs: Any, studio: Any, noisy: Path) -> None:
    tabs.allowed = ("404",)  # a picture that is asked for while its job is deleted
    first = tabs.open()
    first.goto(studio.url)
    # More than the six connections that a browser opens to one server: one stream must do for all.
    others = [tabs.open() for _ in range(7)]
    for other in others:
        other.goto(f"{studio.url}/#/queue")
        other.get_by_role("heading", name="Queue").wait_for()
    drop(first, noisy)
    set_steps(first, 100_000)
    id_ = restore(first)
    for other in (others[0], others[-1]):
        row = other.locator(f"a[href='#/job/{id_}']")
        row.get_by_text("running").wait_for()
    first.close()  # the tab that held the stream
    others[0].locator(f"li:has(a[href='#/job/{id_}'])").get_by_role("button", name="Stop").click()
    others[-1].locator(f"a[href='#/job/{id_}']").get_by_text("stopped").wait_for()
    row = others[-1].locator(f"li:has(a[href='#/job/{id_}'])")
    delete(row.get_by_role("button", name="delete"))
    others[0].locator(f"a[href='#/job/{id_}']").wait_for(state="detached")
    assert id_ not in [job["id"] for job in studio.get("/jobs")]


def test_refusals_are_one_line_in_the_page(
    tabs: Any, page: Any, studio: Any, tmp_path: Path
) -> None:
    tabs.allowed = ("422", "400", "415")  # chromium reports every refused request
    bad = tmp_path / "notes.png"
    bad.write_text("no picture at all")
    page.goto(studio.url)
    drop(page, bad)
    page.locator("#complaint", has_text="notes.png").wait_for()


def test_what_is_refused_of_a_mixed_drop_is_named_on_the_next_screen(
    tabs: Any, page: Any, studio: Any, noisy: Path, tmp_path: Path
) -> None:
    tabs.allowed = ("422",)
    bad = tmp_path / "notes.png"
    bad.write_text("no picture at all")
    page.goto(studio.url)
    drop(page, noisy, bad, on="main")  # anywhere on the page
    page.get_by_label("Task").wait_for()
    page.locator("#complaint", has_text="notes.png").wait_for()


def test_an_error_goes_with_its_task_and_nothing_refused_is_begun(
    tabs: Any, page: Any, studio: Any, noisy: Path
) -> None:
    tabs.allowed = ("422",)
    page.goto(studio.url)
    drop(page, noisy)
    page.get_by_label("Task").select_option("dejpeg")
    refusal = page.locator(".estimate .problem")
    refusal.wait_for()
    restore_button = page.get_by_role("button", name="Restore", exact=True)
    expect(restore_button).to_be_disabled()
    page.route("**/api/plan", lambda route: None)  # the next answer never comes
    page.get_by_label("Task").select_option("denoise")
    refusal.wait_for(state="detached")
    expect(restore_button).to_be_enabled()


def test_a_painted_mask_is_not_asked_for_another_task(page: Any, studio: Any, noisy: Path) -> None:
    page.goto(studio.url)
    drop(page, noisy)
    x, y = middle_of_easel(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y)
    with page.expect_response("**/api/pictures?over=*"):
        page.mouse.up()
        page.get_by_label("Task").select_option("upscale")  # while the mask is on its way
    page.locator(".estimate dd", has_text="MiB").wait_for(timeout=90_000)  # the pace is measured
    expect(page.locator(".estimate .problem")).to_have_count(0)


def test_mask_and_settings_survive_a_reload(page: Any, studio: Any, noisy: Path) -> None:
    page.goto(studio.url)
    drop(page, noisy)
    page.get_by_label("Noise level").fill("33")
    x, y = middle_of_easel(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y)
    page.mouse.up()
    painted = painted_of(page)
    assert painted.any()
    page.reload()
    np.testing.assert_array_equal(painted_of(page), painted)
    page.get_by_label("Task").select_option("denoise")
    expect(page.get_by_label("Noise level")).to_have_value("33")


def test_the_theme_is_remembered(page: Any, studio: Any) -> None:
    page.goto(studio.url)
    theme = page.get_by_role("button", name="Theme")
    for expected in ("light", "dark"):
        theme.click()
        expect(page.locator("html")).to_have_attribute("data-theme", expected)
    page.reload()
    page.get_by_role("button", name="Theme: dark").wait_for()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_several_files_are_several_jobs(
    page: Any, studio: Any, noisy: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second.png"
    second.write_bytes(noisy.read_bytes())
    page.goto(studio.url)
    drop(page, noisy, second)
    set_steps(page, 10)
    page.get_by_role("button", name="Restore 2 pictures").click()
    page.wait_for_url("**/#/queue")
    page.locator("li", has_text="second.png").get_by_text("done").wait_for()
    page.locator("li", has_text="noisy.png").get_by_text("done").first.wait_for()


def read_bytes(content: bytes) -> Any:
    from PIL import Image

    values = np.asarray(Image.open(io.BytesIO(content)))
    return values if values.ndim == 3 else values[..., None]


def test_an_earlier_step_is_taken_and_the_fit_goes_on(page: Any, studio: Any, noisy: Path) -> None:
    id_ = restored(page, studio, noisy, steps=80)
    before = studio.result(id_)
    page.get_by_label("Timeline of the fit").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Take step").click()
    page.get_by_text("is what downloads").wait_for()
    taken = studio.job(id_)["taken_step"]
    assert taken < studio.job(id_)["kept_step"]
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    got = read_bytes(Path(waiting.value.path()).read_bytes())
    np.testing.assert_array_equal(got, studio.result(id_)[0])
    assert (got != before[0]).any()

    page.get_by_text("Extend", exact=True).click()
    page.get_by_label("Further steps").fill("20")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"**/#/job/*?with={id_}")
    assert job_id(page) != id_
    expect_status(page, "done")
    # Both runs are in the viewer: the earlier one is ticked, and can be chosen as a source.
    expect(page.get_by_role("checkbox").first).to_be_checked()
    expect(page.locator(".run-field option")).to_have_count(2)


def test_every_page_of_a_stack_is_shown(page: Any, studio: Any, tmp_path: Path) -> None:
    stack = tmp_path / "stack.tif"
    rng = np.random.default_rng(0)
    pixels = np.stack([np.full((32, 40, 1), level) for level in (8_000, 50_000)])
    noise = rng.normal(0, 2000, pixels.shape)
    write_picture(stack, Picture(pixels=(pixels + noise).clip(0, 65535).astype(np.uint16)))
    page.goto(studio.url)
    drop(page, stack)
    page.get_by_text("2 pages").wait_for()
    set_steps(page, 20)
    id_ = restore(page)
    expect_status(page, "done")
    assert studio.result(id_).dtype == np.uint16
    expect(page.locator(".viewer .status")).to_have_attribute("data-status", "finished")
    first = drawn(page)
    page.get_by_role("spinbutton", name="Page").fill("2")
    page.keyboard.press("Tab")
    page.locator(".viewer h2", has_text="page 2/2").first.wait_for()
    drawn_anew(page, first)
