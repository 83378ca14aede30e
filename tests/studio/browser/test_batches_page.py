"""The page of batches: how far they are, what was set aside, what they made, and no more."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect
from server import Studio
from test_accessible import AXE, violations

from untrained.batches import STATE
from untrained.images import Picture, write_picture


def write_lines(batch: Path, *lines: dict[str, Any], shard: str = "one") -> None:
    """Append to a batch's ledger."""
    (batch / STATE / "ledger").mkdir(parents=True, exist_ok=True)
    with (batch / STATE / "ledger" / f"{shard}.jsonl").open("a") as file:
        file.writelines(json.dumps({"at": time.time(), **line}) + "\n" for line in lines)


def done(batch: Path, name: str) -> dict[str, Any]:
    """The line of an entry that was done, whose output is there."""
    target = batch / f"{name}.png"
    write_picture(target, Picture.from_array(np.full((32, 48, 3), (20, 160, 60), np.uint8)))
    return {"key": name, "status": "done", "target": str(target), "source": f"/in/{name}.png",
            "seconds": 2.5, "gain": 3.25}  # fmt: skip


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """Three pictures done of six, two set aside for one reason."""
    batch = tmp_path / "given" / "archive"
    batch.mkdir(parents=True)
    write_lines(
        batch,
        {"key": "batch", "status": "counted", "total": 6, "dashboard": "http://127.0.0.1:8265"},
        *(done(batch, name) for name in ("first", "second", "third")),
        *({"key": name, "status": "refused", "source": f"/in/{name}", "target": "",
           "reason": f"/in/{name}: is no picture"} for name in ("a.txt", "b.txt")),
    )  # fmt: skip
    return batch


@pytest.fixture
def looking(browser: Any, tmp_path: Path, batch: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path, "--batch", str(batch.parent))
    studio.start()
    yield studio
    studio.stop()


def test_a_batch_is_shown_and_followed(looking: Studio, page: Any, batch: Path) -> None:
    page.goto(looking.url)
    page.get_by_role("link", name="Batches").click()
    card = page.locator(".batches > li")
    expect(card.get_by_role("heading", name="archive")).to_be_visible()
    expect(card).to_contain_text("3 of 6 done")
    expect(card).to_contain_text("2 refused")
    expect(card.get_by_role("link", name="Ray's dashboard")).to_have_attribute(
        "href", "http://127.0.0.1:8265"
    )
    card.get_by_text("2 pictures set aside, by reason").click()
    expect(card.locator("tr")).to_have_text("2is no picture")
    expect(card.locator("figure")).to_have_count(3)
    expect(card.locator("figure").first).to_contain_text("+3.3 dB")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.batch-latest img')].every(i => i.naturalWidth)"
    )
    if AXE.exists():
        assert violations(page) == []
    # another driver goes on; the page looks again by itself, and what was opened stays open
    write_lines(batch, done(batch, "fourth"), shard="two")
    expect(card).to_contain_text("4 of 6 done")
    expect(card.locator("figure")).to_have_count(4)
    expect(card.locator("tr")).to_be_visible()


def test_a_batch_in_the_workspace_is_found(looking: Studio, page: Any) -> None:
    mine = looking.workspace / "batches" / "mine"
    mine.mkdir(parents=True)
    write_lines(mine, {"key": "batch", "status": "counted", "total": 1}, done(mine, "only"))
    page.goto(f"{looking.url}/#/batches")
    expect(page.locator(".batches > li")).to_have_count(2)
    expect(page.locator(".batches > li", has_text="mine")).to_contain_text("1 of 1 done")


def test_nothing_outside_of_a_batch_is_shown(looking: Studio, batch: Path, tmp_path: Path) -> None:
    outside = tmp_path / "private.png"
    write_picture(outside, Picture.from_array(np.full((32, 32, 3), 9, np.uint8)))
    link = batch / "link.png"
    link.symlink_to(outside)
    lines = {"direct": outside, "dots": batch / ".." / ".." / "private.png", "link": link}
    write_lines(batch, *({"key": key, "status": "done", "target": str(path), "source": ""}
                         for key, path in lines.items()))  # fmt: skip
    (found,) = looking.get("/batches")
    address = f"{looking.url}/api/batches/{found['id']}/thumbnail.webp?key="
    with urllib.request.urlopen(address + "first") as answer:
        assert answer.headers["content-type"] == "image/webp"
    assert {line["key"] for line in found["latest"]} >= set(lines)
    for key in (*lines, str(outside), "../private.png"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address + urllib.parse.quote(key, safe=""))
        assert refused.value.code == 404
        refused.value.close()
    for name in ("0" * 16, "..%2F..", "/etc"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{looking.url}/api/batches/{name}/thumbnail.webp?key=first")
        assert refused.value.code in (404, 422)
        refused.value.close()
