"""A server that is killed in mid-fit: the page waits, the job goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from server import Studio
from steps import drop, expect_status, job_id, restore, set_steps, wait_for_step


@pytest.fixture
def own_studio(browser: Any, tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(tmp_path)
    studio.start()
    yield studio
    studio.stop()


def test_a_killed_server_comes_back_and_the_job_finishes(
    tabs: Any, own_studio: Studio, noisy: Path
) -> None:
    tabs.allowed = ("net::ERR_",)  # what chromium says of a server that is gone
    page = tabs.open()
    page.goto(own_studio.url)
    drop(page, noisy)
    set_steps(page, 200)
    id_ = restore(page)
    wait_for_step(page, 5)
    own_studio.kill()
    page.get_by_text("The studio has stopped").wait_for()
    before = wait_for_step(page, 5)
    own_studio.start()
    page.get_by_text("The studio has stopped").wait_for(state="hidden")
    expect_status(page, "done")
    assert job_id(page) == id_
    assert own_studio.job(id_)["status"] == "finished"
    wait_for_step(page, before)
    assert own_studio.result(id_).shape == (1, 64, 80, 3)
