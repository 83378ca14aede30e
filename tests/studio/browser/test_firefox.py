"""The main path in Firefox, which node drives (studio-ui/firefox.mjs); the rest is in Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from server import Studio

from untrained.images import read_picture

UI = Path(__file__).parents[3] / "studio-ui"
REQUIRED = bool(os.environ.get("UNTRAINED_REQUIRE_FIREFOX"))


def needed() -> str | None:
    """What is missing here."""
    if shutil.which("node") is None:
        return "node"
    if not (UI / "node_modules" / "puppeteer-core").is_dir():
        return "puppeteer-core (cd studio-ui && npm ci)"
    return None if firefox() else "firefox-esr on the PATH"


def firefox() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


@pytest.fixture(scope="module")
def own_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    missing = needed()
    if missing is not None and REQUIRED:
        pytest.fail(
            f"the test in Firefox needs {missing}, and UNTRAINED_REQUIRE_FIREFOX is set",
            pytrace=False,
        )
    if missing is not None:
        pytest.skip(f"the test in Firefox needs {missing}")
    pytest.importorskip("fastapi")
    studio = Studio(tmp_path_factory.mktemp("firefox"))
    studio.start()
    yield studio
    studio.stop()


def test_dropped_restored_compared_downloaded_in_firefox(
    own_studio: Studio, noisy: Path, tmp_path: Path
) -> None:
    got = tmp_path / "downloads"
    got.mkdir()
    done = subprocess.run(
        ["node", str(UI / "firefox.mjs"), own_studio.url, str(noisy), str(got)],
        capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "FIREFOX": firefox() or ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["browser"].startswith("firefox/")
    assert seen["problems"] == []
    assert "40" in seen["estimate"], "the plan follows the form"
    assert seen["compared"] == 1
    assert seen["shades"] > 100
    assert own_studio.job(seen["second"])["options"]["sigma"] == 60
    (file,) = got.iterdir()
    assert file.name == "noisy-denoise.png"
    np.testing.assert_array_equal(read_picture(file).pixels, own_studio.result(seen["second"]))
