"""A browser, and a studio of its own: a server process on a fresh workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from server import Studio
from steps import DEADLINE

from untrained.images import Picture, write_picture

REQUIRED = bool(os.environ.get("UNTRAINED_REQUIRE_BROWSER"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def _missing(what: str) -> None:
    reason = f"the browser tests need {what}"
    if REQUIRED:
        pytest.fail(f"{reason}, and UNTRAINED_REQUIRE_BROWSER is set", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import expect, sync_playwright
    except ModuleNotFoundError:
        _missing("the package playwright")
    try:
        import fastapi  # noqa: F401
    except ModuleNotFoundError:
        _missing("untrained[studio]")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        _missing("chromium on the PATH")
    expect.set_options(timeout=DEADLINE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def studio(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("studio"))
    studio.start()
    yield studio
    studio.stop()


class Tabs:
    """Pages of one browser profile; what goes wrong in any is collected."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.errors: list[str] = []
        self.allowed: tuple[str, ...] = ()

    def open(self) -> Any:
        page = self.context.new_page()
        page.set_default_timeout(DEADLINE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._hear(message))
        return page

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.text} {message.location.get('url')}")

    def unexpected(self) -> list[str]:
        return [error for error in self.errors if not any(part in error for part in self.allowed)]


@pytest.fixture
def tabs(browser: Any) -> Iterator[Tabs]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    tabs = Tabs(context)
    yield tabs
    context.close()
    assert tabs.unexpected() == []


@pytest.fixture
def page(tabs: Tabs) -> Any:
    return tabs.open()


@pytest.fixture
def noisy(tmp_path: Path, scene: Any) -> Path:
    """A small noisy picture."""
    path = tmp_path / "noisy.png"
    noise = np.random.default_rng(1).normal(0, 0.1, (64, 80, 3))
    pixels = np.rint(255 * (scene(64, 80) + noise).clip(0, 1)).astype(np.uint8)
    write_picture(path, Picture.from_array(pixels))
    return path
