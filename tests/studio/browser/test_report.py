"""The report as it is mailed: one file, opened from the disk, with no network at all."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from steps import drawn, drawn_anew, expect


@pytest.fixture
def report(studio: Any, noisy: Path, tmp_path: Path) -> Path:
    """The report of a short run of the studio."""
    edge = "----edge"
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="noisy.png"\r\n\r\n'
    ).encode() + noisy.read_bytes()
    kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    picture = post(studio, "/pictures", body + f"\r\n--{edge}--\r\n".encode(), kind)["id"]
    settings = {"max_steps": 120, "network.widths": "8,8"}
    request = {"task": "denoise", "picture": picture, "settings": settings}
    kind = {"Content-Type": "application/json"}
    id_ = post(studio, "/jobs", json.dumps(request).encode(), kind)["id"]
    studio.wait(id_, "finished")
    path = tmp_path / "report.html"
    with urllib.request.urlopen(f"{studio.url}/api/jobs/{id_}/report.html", timeout=30) as answer:
        path.write_bytes(answer.read())
    return path


def post(studio: Any, path: str, body: bytes, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(f"{studio.url}/api{path}", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_the_report_works_from_a_file_without_a_network(tabs: Any, report: Path) -> None:
    asked: list[str] = []
    tabs.context.set_offline(True)
    page = tabs.open()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    before = drawn(page)
    handle = page.get_by_label("Edge between the left and the right picture")
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 150, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(handle).not_to_have_attribute("aria-valuenow", "50")
    drawn_anew(page, before)  # the wipe has moved
    wiped = drawn(page)

    timeline = page.locator(".timeline input[type=range]")
    timeline.focus()
    page.keyboard.press("Home")
    drawn_anew(page, wiped, before)  # the timeline has changed the picture
    schemes = {url.split(":")[0] for url in asked}
    assert schemes <= {"file", "data", "blob"}, f"asked for {schemes}"
