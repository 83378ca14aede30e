"""What the tests share: a small picture with something in it, and the command line."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from untrained.cli import main

# The tests run in several processes side by side, and start others: with a thread each they do not
# wait for each other's cores.
os.environ["OMP_NUM_THREADS"] = "1"
torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what is measured about this machine out of the user's home."""
    os.environ["UNTRAINED_CACHE"] = str(tmp_path_factory.mktemp("cache"))


HERE = Path(__file__).parent
# The files that take longest are begun first: `--dist loadfile` gives whole files away, and no
# process is to be left alone with one of them at the end.
LONGEST = (
    "studio/test_studio_jobs.py", "cli/test_cli.py", "studio/browser/test_studio.py",
    "cli/test_endings.py", "studio/test_studio_restart.py", "restoring/test_tiles.py",
    "restoring/test_restore.py", "fitting/test_fit.py", "studio/browser/test_restart.py",
    "tasks/test_applications.py", "comparison/test_demo.py", "jobs/test_faults.py",
    "jobs/test_workers.py", "interop/test_deepinv_page.py", "fitting/test_devices.py",
    "studio/browser/test_comparing.py", "studio/test_studio_scans.py", "studio/test_studio_api.py",
    "studio/test_studio_command.py", "studio/browser/test_queue.py", "cli/test_pipes.py",
    "interop/test_deepinv.py", "tasks/test_layers.py", "test_benchmarks.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {HERE / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def scene() -> Callable[..., NDArray[np.float64]]:
    """Return a function that paints (H, W, C) in [0, 1]: a shaded sky, discs, stripes, an edge."""

    def paint(height: int = 64, width: int = 64, channels: int = 3) -> NDArray[np.float64]:
        y, x = np.mgrid[0:height, 0:width] / max(height, width)
        image = 0.3 + 0.4 * y
        image = np.where((x - 0.3) ** 2 + (y - 0.35) ** 2 < 0.04, 0.9, image)
        image = np.where((x - 0.7) ** 2 + (y - 0.6) ** 2 < 0.03, 0.1, image)
        image = np.where(y > 0.75, 0.5 + 0.3 * np.sign(np.sin(40 * x)), image)
        shades = np.linspace(1, 0.6, channels)
        return image[:, :, None] * shades

    return paint


@pytest.fixture
def untrained(tmp_path: Path) -> Run:
    """Return a function that runs the command line in tmp_path.

    In this process, since a new one takes seconds to import torch; in one of its own where it must
    be limited (`preexec`) or seen from outside (`own_process`).
    """

    def run(
        *arguments: object, preexec: Callable[[], None] | None = None, own_process: bool = False
    ) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        if preexec is None and not own_process:
            return _in_process(words, tmp_path)
        return subprocess.run(
            [sys.executable, "-m", "untrained", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=220,
            check=False,
            preexec_fn=preexec,
        )

    return run


def _in_process(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    output, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        code = main(words)
    return subprocess.CompletedProcess(words, code, output.getvalue(), errors.getvalue())
