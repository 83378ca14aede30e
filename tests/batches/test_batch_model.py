"""The model of a batch's scale agrees with a real pool, and the driver is as flat as it says."""

from __future__ import annotations

import importlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from untrained.jobs import do_side_by_side

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
WORKERS = 2


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("batch_simulation")


@dataclass
class Sleeping:
    """A picture whose fit takes so long."""

    seconds: float


def sleep(piece: Sleeping, cancelled: Callable[[], bool]) -> tuple[float, float, int]:
    began = time.monotonic()
    time.sleep(piece.seconds)
    return began, time.monotonic(), os.getpid()


def test_the_model_takes_as_long_as_a_real_pool(model: Any) -> None:
    """Within 20 %, from when the workers are there: 40 pictures of known seconds, stubbed."""
    draw = random.Random(0)
    seconds = [draw.uniform(0.05, 0.25) for _ in range(40)]
    pool = do_side_by_side(map(Sleeping, seconds), sleep, workers=WORKERS, threads=1)
    said = sorted((*answer, piece.seconds) for piece, answer in pool)
    there: dict[int, float] = {}  # when each worker was there, which come one after another
    for began, _, worker, _ in said:
        there.setdefault(worker, began)
    first, last = said[0][0], max(ended for _, ended, _, _ in said)
    batch = model.Batch(pictures=40, workers=WORKERS, deaths=0.0, driver=0.0)
    told = model.simulate(
        batch, fits=[fit for _, _, _, fit in said], begins=[x - first for x in there.values()]
    )
    assert told.seconds == pytest.approx(last - first, rel=0.2)


def test_the_model_keeps_the_laws_of_queues(model: Any) -> None:
    free = model.Batch(pictures=200, workers=10, fit=10, spread=0.0, deaths=0.0, driver=0.0)
    assert model.simulate(free).seconds == pytest.approx(200)
    slow = model.Batch(pictures=200, workers=10, fit=1, spread=0.0, deaths=0.0, driver=0.5)
    found = model.simulate(slow)  # the driver is what is waited for: half a second a picture
    assert found.seconds == pytest.approx(100, rel=0.1)
    assert found.driver / found.seconds > 0.95
    storage = model.Batch(
        pictures=400, workers=50, fit=1, spread=0.0, deaths=0.0, driver=0.0, reads=2, writes=2,
        latency=0.01, rate=20,
    )  # fmt: skip
    found = model.simulate(storage)
    assert found.seconds == pytest.approx(400 * 4 / 20, rel=0.1)
    deadly = model.Batch(pictures=300, workers=10, fit=1, deaths=0.2, restart=5)
    found = model.simulate(deadly)
    assert len(found.ends) == 300
    assert found.lost == pytest.approx(75, rel=0.5)  # 300 / 0.8 tries


@pytest.mark.slow
def test_the_driver_is_flat_over_many_entries() -> None:
    """The fits are stubbed: the script measures the driver alone."""
    command = [sys.executable, "batch_scale.py", "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=BENCHMARKS)
    cells = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    tenth, end, files = float(cells[1]), float(cells[2]), int(cells[-1])
    assert end - tenth < 6  # MiB over 18,000 entries
    assert files <= 3
