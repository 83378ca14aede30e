"""The page where everything begins."""

from __future__ import annotations

from typing import Any

from steps import frames


def test_the_edge_of_before_and_after_moves_with_the_keys(page: Any, studio: Any) -> None:
    page.goto(studio.url)
    edge = page.get_by_role("slider", name="Edge between before and after")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.hero img')].every((image) => image.naturalWidth > 0)"
    )

    def clipped() -> str:
        frames(page)
        before = page.locator(".hero-before")
        return str(before.evaluate("(image) => getComputedStyle(image).clipPath"))

    half = clipped()
    edge.press("Home")
    none = clipped()
    edge.press("End")
    assert len({half, none, clipped()}) == 3
