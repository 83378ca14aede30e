"""What is sent before something can be seen: little, and once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from steps import drop, expect, frames

from untrained.images import Picture, write_picture


def test_the_start_is_drawn_while_the_server_still_thinks(page: Any, studio: Any) -> None:
    held: list[Any] = []
    page.route("**/api/*", lambda route: held.append(route))
    page.goto(studio.url)
    page.get_by_role("heading", name="Restore a picture").wait_for()
    page.get_by_role("button", name="Choose pictures…").wait_for()
    assert held
    page.route("**/api/*", lambda route: route.continue_())  # the newest route counts
    for route in held:
        route.continue_()
    page.get_by_role("button", name="Cat, noisy").get_by_text("Remove noise").wait_for()


def test_the_tasks_are_sent_compressed(page: Any, studio: Any) -> None:
    with page.expect_response("**/api/tasks") as waiting:
        page.goto(studio.url)
    assert waiting.value.headers["content-encoding"] == "gzip"
    sizes = waiting.value.request.sizes()
    assert sizes["responseBodySize"] < 100_000


def test_no_whole_picture_is_sent_for_a_look_at_it(
    page: Any, studio: Any, tmp_path: Path, scene: Any
) -> None:
    large = tmp_path / "large.png"
    pixels = np.rint(255 * np.tile(scene(500, 600), (4, 4, 1))).astype(np.uint8)
    write_picture(large, Picture.from_array(pixels))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(studio.url)
    drop(page, large)
    page.get_by_text("2400 × 2000").first.wait_for()
    expect(page.locator(".preview > img")).to_have_js_property("naturalWidth", 2048)
    page.get_by_label("Task").select_option("inpaint")
    page.get_by_role("application").wait_for()
    frames(page)  # the picture is fitted into the easel: had it to be finer, it would be asked for
    expect(page.locator(".easel img")).to_have_js_property("naturalWidth", 2048)
    looks = [url for url in asked if "/api/pictures/" in url]
    assert looks
    assert not [url for url in looks if "image.png" in url]
    answer = page.request.get(next(url for url in looks if url.endswith("preview.webp")))
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.body()) < 1_500_000
