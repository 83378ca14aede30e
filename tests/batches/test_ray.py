"""On a cluster every picture is done once, whatever is killed, and with the bytes of one alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from untrained.errors import InputError
from untrained.images import Picture, write_picture

pytest.importorskip("ray", reason="Ray is not installed (the extra `cluster`)")

COUNT = int(os.environ.get("UNTRAINED_RAY_PICTURES", "8"))
KILLS = max(2, COUNT // 6)
STEPS = "5"


def pictures(folder: Path, count: int) -> None:
    folder.mkdir()
    for i in range(count):
        noise = np.random.default_rng(i).normal(0, 20, (32, 32, 1))
        pixels = np.clip(np.linspace(60, 190, 32)[:, None, None] + noise, 0, 255)
        write_picture(folder / f"{i:04d}.png", Picture.from_array(pixels.astype(np.uint8)))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A cluster of two nodes on this machine."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    found = Cluster()
    found.add_node(num_cpus=1, object_store_memory=80_000_000, include_dashboard=False)
    found.add_node(num_cpus=1, object_store_memory=80_000_000)
    yield found.address
    found.shutdown()


def driver(folder: Path, address: str) -> subprocess.Popen[str]:
    words = ["batch", "in", "-o", "out", "--steps", STEPS, "--option", "sigma=20", "--cluster",
             address, "--json", "--retries", "9"]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "untrained", *words], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def actors() -> list[psutil.Process]:
    """Return the actors of this test's own cluster."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            if words.startswith("ray::") and "_Actor" in words:
                found.append(process)
    return found


@pytest.mark.slow
@pytest.mark.timeout(1800 if COUNT > 8 else 400)
def test_killed_actors_and_a_killed_driver_lose_nothing(
    tmp_path: Path, cluster: str, untrained: Any
) -> None:
    pictures(tmp_path / "in", COUNT)
    draws = np.random.default_rng(0)
    out, killed, drivers = tmp_path / "out", 0, 0
    answers: list[str] = []
    while True:
        drivers += 1
        running = driver(tmp_path, cluster)
        killed_driver = False
        while running.poll() is None:
            time.sleep(0.5)
            there = actors()
            ready = len(list(out.glob("*.png"))) if out.exists() else 0
            if there and killed < KILLS and ready > killed * COUNT // (2 * KILLS):
                there[int(draws.integers(len(there)))].kill()
                killed += 1
            if drivers == 1 and ready >= COUNT // 2:
                running.send_signal(signal.SIGKILL)
                killed_driver = True
        said, errors = running.communicate()
        answers += [line for line in said.splitlines() if line.startswith("{")]
        if not killed_driver:
            assert running.returncode == 0, errors[-2000:]
            break
    assert drivers == 2
    assert killed >= 2
    lines = [
        json.loads(line)
        for shard in (out / "untrained-batch/ledger").iterdir()
        for line in shard.read_text().splitlines()
    ]
    times = Counter(line["source"] for line in lines if line["status"] == "done")
    assert len(times) == COUNT
    assert set(times.values()) == {1}
    assert not [x for x in out.iterdir() if x.name.endswith(".tmp")]
    untrained("denoise", "in", "-o", "alone", "--sigma", 20, "--steps", STEPS, "--no-run")
    for source in sorted((tmp_path / "in").iterdir()):
        name = source.name
        assert (out / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_a_killed_actor_costs_its_own_piece_and_is_replaced(tmp_path: Path) -> None:
    """Of files that are not there, so that nothing is fitted."""
    import ray

    from untrained.batches import Entry, Piece, RayEngine, Settings

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init("local", num_cpus=1, include_dashboard=False, object_store_memory=80_000_000,
             log_to_driver=False, logging_level="warning")  # fmt: skip
    try:
        shared = Settings(output=str(tmp_path / "out"), task="denoise")
        pieces = [
            Piece(
                key=str(i), settings=shared, runs=tmp_path / "runs",
                entry=Entry(source=str(tmp_path / f"{i}.png"), target=f"{i}", task="denoise"),
            )
            for i in range(4)
        ]  # fmt: skip
        said = []
        for piece, account in RayEngine().run(iter(pieces)):
            said.append((piece.key, account["status"]))
            if piece.key == "1":
                for actor in actors():
                    actor.kill()
                    actor.wait(10)
        assert said == [("0", "refused"), ("1", "refused"), ("2", "failed"), ("3", "refused")]
    finally:
        ray.shutdown()


def test_settings_that_do_not_do_are_refused() -> None:
    from untrained.batches import RayEngine

    with pytest.raises(InputError, match="wanted"):
        RayEngine(gpus=-1)
