"""The queue with many jobs: found, chosen, taken together."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server import Studio
from steps import delete, drop, expect, set_steps


@pytest.fixture
def own_studio(browser: Any, tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path)
    studio.start()
    yield studio
    studio.stop()


def test_many_are_chosen_and_taken_as_one_file(
    tabs: Any, page: Any, own_studio: Studio, noisy: Path, tmp_path: Path
) -> None:
    tabs.allowed = ("net::ERR_",)  # the server ends before its page
    files = [noisy, *(tmp_path / f"other-{i}.png" for i in range(2))]
    for file in files[1:]:
        file.write_bytes(noisy.read_bytes())
    page.goto(own_studio.url)
    drop(page, *files)
    set_steps(page, 10)
    page.get_by_role("button", name="Restore 3 pictures").click()
    page.wait_for_url("**/#/queue")
    expect(page.locator(".pill.finished")).to_have_count(3)
    page.get_by_label("Find by name or task").fill("other")
    rows = page.locator(".queue > li")
    expect(rows).to_have_count(2)
    page.get_by_label("Choose all that are shown").check()
    page.get_by_label("Names in the ZIP").fill("{name}, restored")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download 2 results as ZIP").click()
    with zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes())) as archive:
        assert sorted(archive.namelist()) == ["other-0, restored.png", "other-1, restored.png"]
    delete(page.get_by_role("group", name="With those chosen").get_by_role("button"))
    page.get_by_label("Find by name or task").fill("")
    expect(rows).to_have_count(1)
    assert [job["picture_name"] for job in own_studio.get("/jobs")] == ["noisy.png"]
    page.locator(".row-link").click()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Use as the next input").click()
    page.wait_for_url("**/#/new/*")
    page.get_by_text("noisy-denoise.png").first.wait_for()


JOB = {
    "id": "0" * 16, "task": "denoise", "picture": "0" * 16, "picture_name": "a.png",
    "recipe": "fast", "settings": {}, "options": {}, "files": {}, "seed": 0, "status": "stopped",
    "step": 10, "max_steps": 10, "seconds": 1.0, "steps_per_second": 1.0, "seconds_left": None,
    "kept_step": None, "created": "2026-01-01T00:00:00+00:00", "pages": 1, "revision": 1,
    "psnr_observed": None, "position": None, "stopping": False, "error": None,
}  # fmt: skip


def show_made_up(page: Any, studio: Studio, jobs: list[dict[str, Any]]) -> None:
    """The queue as if the server had said that there are these: the page is what is tried."""
    page.route("**/api/jobs", lambda route: route.fulfill(json=jobs))
    page.route("**/thumbnail.webp*", lambda route: route.fulfill(status=204))
    page.route("**/api/events", lambda route: route.fulfill(
        content_type="text/event-stream", body=f"event: job\ndata: {json.dumps(jobs[0])}\n\n"
    ))  # fmt: skip
    page.goto(f"{studio.url}/#/queue")


def test_on_a_phone_names_are_read_and_nothing_leaves_its_row(page: Any, studio: Studio) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    name = "grandmother-1957.jpg"
    show_made_up(page, studio, [
        {**JOB, "picture_name": name, "task": "inpaint", "status": "queued", "position": 12},
    ])  # fmt: skip
    row = page.locator(".queue > li")
    shown = row.get_by_text(name)
    expect(shown).to_be_visible()
    assert shown.evaluate("e => e.scrollWidth <= e.clientWidth"), "the name is cut off"
    expect(row.locator(".pill")).to_have_text("waiting, number 12")
    right = "e => e.getBoundingClientRect().right"
    assert row.locator(".pill").evaluate(right) <= row.evaluate(right) - 8


def test_states_stand_below_each_other_whatever_can_be_done(page: Any, studio: Studio) -> None:
    states: list[dict[str, Any]] = [
        {"status": "queued", "position": 1}, {"status": "queued", "position": 2},
        {"status": "finished", "kept_step": 10}, {"status": "failed", "error": "no"},
    ]  # fmt: skip
    show_made_up(
        page, studio, [{**JOB, **state, "id": f"{i:016x}"} for i, state in enumerate(states)]
    )
    pills = page.locator(".queue .pill")
    expect(pills).to_have_count(4)
    lefts = pills.evaluate_all("(all) => all.map((e) => e.getBoundingClientRect().left)")
    assert max(lefts) - min(lefts) < 1, lefts


def test_five_hundred_jobs_stay_fluid(page: Any, studio: Studio) -> None:
    show_made_up(
        page,
        studio,
        [{**JOB, "id": f"{i:016x}", "picture_name": f"photo {i}.png"} for i in range(500)],
    )
    page.get_by_text("500 jobs").wait_for()
    rows = page.locator(".queue > li")
    expect(rows).to_have_count(100)
    page.get_by_role("button", name="Show 100 more").click()
    expect(rows).to_have_count(200)
    took = page.evaluate("""() => {
      const search = document.querySelector("input[type=search]");
      const rounds = [1, 2, 3].map(() => {  // of a busy machine the quietest counts
        const before = performance.now();
        for (const text of ["p", "ph", "photo 4", "photo 49", ""]) {
          search.value = text;
          search.dispatchEvent(new Event("input"));
        }
        return (performance.now() - before) / 5;
      });
      return Math.min(...rounds);
    }""")
    assert took < 100, f"a letter in the search took {took:.0f} ms"
    page.get_by_label("Find by name or task").fill("photo 499")
    expect(rows).to_have_count(1)
