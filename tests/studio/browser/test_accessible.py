"""Every screen is looked over by axe-core: names, roles, contrast, in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from steps import drop, expect_result, expect_status, middle_of_easel, restore, set_steps

AXE = Path(__file__).parents[3] / "studio-ui" / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Any) -> list[str]:
    """What axe finds on the page that is open."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.mark.skipif(not AXE.exists(), reason="axe-core comes with npm ci in studio-ui")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_against_any_screen(
    page: Any, studio: Any, noisy: Path, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(studio.url)
    page.get_by_role("button", name="Cat, noisy").get_by_text("Remove noise").wait_for()
    found = {"start": violations(page)}
    drop(page, noisy)
    page.get_by_text("Every setting").click()
    found["form"] = violations(page)
    middle_of_easel(page)
    found["painter"] = violations(page)
    page.get_by_label("Task").select_option("denoise")
    set_steps(page, 20)
    restore(page)
    expect_status(page, "done")
    expect_result(page)
    found["job"] = violations(page)
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keys").wait_for()
    found["keys"] = violations(page)
    page.keyboard.press("Escape")
    page.goto(f"{studio.url}/#/queue")
    page.get_by_label("Choose all that are shown").check()
    found["queue"] = violations(page)
    assert {screen: lines for screen, lines in found.items() if lines} == {}
