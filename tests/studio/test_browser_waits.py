"""The browser's tests wait for what they want: a page is never read straight after it was asked."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

# What Playwright answers with at once, whatever the page is about to draw; and mere time.
AT_ONCE = {
    "all_inner_texts", "all_text_contents", "count", "get_attribute", "inner_html", "inner_text",
    "input_value", "is_checked", "is_disabled", "is_editable", "is_enabled", "is_hidden",
    "is_visible", "sleep", "text_content", "wait_for_timeout",
}  # fmt: skip


def read_at_once(source: str) -> list[str]:
    """Return the calls of these, as LINE: NAME."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [
        (call.lineno, call.func.attr) for call in calls if isinstance(call.func, ast.Attribute)
    ]
    return [f"{line}: {name}" for line, name in named if name in AT_ONCE]


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parent / "browser").glob("test_*.py")),
    ids=lambda path: path.name,
)
def test_no_browser_test_reads_at_once_or_waits_for_mere_time(path: Path) -> None:
    found = read_at_once(path.read_text(encoding="utf-8"))
    assert found == [], "use expect(…).to_… or a function of steps.py, which wait"


def test_a_read_at_once_is_found() -> None:
    source = "zoom = page.locator('.zoom').inner_text()\npage.wait_for_timeout(300)"
    assert read_at_once(source) == ["1: inner_text", "2: wait_for_timeout"]
