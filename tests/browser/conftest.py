"""A browser, and a studio of its own: a server process on a fresh workspace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained.images import Picture, read_picture, write_picture

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
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        _missing("the package playwright")
    try:
        import fastapi  # noqa: F401
    except ModuleNotFoundError:
        _missing("untrained[studio]")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        _missing("chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


class Studio:
    """A server process; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self.log = folder / "server.log"
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start at any port, or again at the same one."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "untrained", "studio", "--workspace", str(self.workspace),
                 "--port", str(self.port), "--no-browser", "--checkpoint-every", "0.5"],
                stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "http://" in line:
                self.port = int(line.split("http://")[1].split("/")[0].rsplit(":", 1)[1])
                return
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def kill(self) -> None:
        """kill -9 the server alone: its worker has to notice."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server as Ctrl-C does."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api{path}", timeout=20) as answer:
            return json.load(answer)

    def job(self, id_: str) -> dict[str, Any]:
        job: dict[str, Any] = self.get(f"/jobs/{id_}")
        return job

    def wait(self, id_: str, *statuses: str, timeout: float = 60) -> dict[str, Any]:
        """Wait until a job has one of these states."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            job = self.job(id_)
            if job["status"] in statuses:
                return job
            time.sleep(0.2)
        raise AssertionError(f"the job is {job['status']} at step {job['step']}: {job['error']}")

    def result(self, id_: str) -> NDArray[Any]:
        """The pixels in the job's folder."""
        (path,) = [
            path
            for path in (self.workspace / "jobs" / id_).glob("result.*")
            if path.suffix in (".png", ".tif", ".tiff")
        ]
        return read_picture(path).pixels


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
        page.set_default_timeout(30_000)
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
