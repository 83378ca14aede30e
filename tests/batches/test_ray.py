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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from batch_extras import needed

from untrained.batches import Entry, Piece, RayEngine, Settings, do_piece, run_batch
from untrained.batches import ray_engine as under_test
from untrained.errors import InputError
from untrained.images import Picture, write_picture

ray = needed("ray")

COUNT = int(os.environ.get("UNTRAINED_RAY_PICTURES", "8"))
KILLS = max(2, COUNT // 6)
STEPS = "5"
MIB = 2**20


def pictures(folder: Path, count: int, side: int = 32) -> None:
    folder.mkdir()
    for i in range(count):
        noise = np.random.default_rng(i).normal(0, 20, (side, side, 1))
        pixels = np.clip(np.linspace(60, 190, side)[:, None, None] + noise, 0, 255)
        write_picture(folder / f"{i:04d}.png", Picture.from_array(pixels.astype(np.uint8)))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes on this machine, each with four cores, a GPU by name, and 1.2 GiB."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - else they starve beside other tests
    found = Cluster()
    for _ in range(2):
        found.add_node(
            num_cpus=4, num_gpus=1, memory=1200 * MIB, object_store_memory=80_000_000,
            include_dashboard=False,
        )  # fmt: skip
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture
def joined(cluster: Any) -> str:
    if not ray.is_initialized():
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    return str(cluster.address)


def actors(kind: str = "_Actor") -> list[psutil.Process]:
    """Return the actors of this test's own cluster."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            if words.startswith("ray::") and kind in words:
                found.append(process)
    return found


def done_lines(out: Path) -> Counter[str]:
    """Return how often the ledger says of each source that it is done."""
    lines = [
        json.loads(line)
        for shard in (out / "untrained-batch/ledger").iterdir()
        for line in shard.read_text().splitlines()
    ]
    return Counter(line["source"] for line in lines if line["status"] == "done")


class DriverDiedError(Exception):
    pass


def test_a_killed_actor_and_a_driver_that_ends_lose_nothing(tmp_path: Path, joined: str) -> None:
    pictures(tmp_path / "in", 4, side=16)
    shared = Settings(
        output=str(tmp_path / "out"), task="denoise", options={"sigma": 20},
        changes={"max_steps": "2"},
    )  # fmt: skip
    ended: list[str] = []

    def told(entry: Entry, account: Any) -> None:
        ended.append(account["status"])
        if len(ended) == 1:
            for actor in actors():
                actor.kill()
                actor.wait(20)
        if len(ended) == 2:
            raise DriverDiedError

    one = RayEngine(address=joined, workers=1)
    with pytest.raises(DriverDiedError):
        run_batch([str(tmp_path / "in")], shared, one, tell=told)
    totals = run_batch([str(tmp_path / "in")], shared, one)
    assert ended == ["done", "done"]
    assert totals.counts == {"done": 2, "before": 2}
    assert set(done_lines(tmp_path / "out").values()) == {1}
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for source in (tmp_path / "in").iterdir():
            alone = str(tmp_path / "alone" / source.name)
            entry = Entry(source=str(source), target=alone, task="denoise")
            do_piece(Piece(key="k", entry=entry, settings=shared, runs=tmp_path / "runs"))
            assert (tmp_path / "out" / source.name).read_bytes() == Path(alone).read_bytes()
    finally:
        torch.set_num_threads(before)
    left = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {name for name in left if not name.endswith(".jsonl")} == {
        f"{i:04d}.png" for i in range(4)
    }  # fmt: skip


@dataclass
class Task:
    """In place of a piece, for actors that need no torch."""

    what: str = ""
    memory: int = 0
    entry: Any = None

    @property
    def settings(self) -> Any:
        return self


class Light:
    """An actor that does next to nothing."""

    def __init__(self, threads: int) -> None:
        pass

    def do(self, task: Task) -> dict[str, Any]:
        if task.what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        began = time.monotonic()  # one clock for all processes of a machine
        if task.what == "rest":
            time.sleep(0.1)
        has = ray.get_runtime_context().get_assigned_resources()
        return {
            "status": "done", "pid": os.getpid(), "has": has, "gpus": ray.get_gpu_ids(),
            "from": began, "to": time.monotonic(),
        }  # fmt: skip


class Broken(Light):
    """An actor that cannot begin."""

    def __init__(self, threads: int) -> None:
        raise OSError("no torch here")


@pytest.fixture
def light(joined: str, monkeypatch: pytest.MonkeyPatch) -> str:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(under_test, "_Actor", Light)
    monkeypatch.setattr(under_test, "footprint_of", lambda entry, settings, gpu: settings.memory)
    return joined


def test_no_more_are_begun_than_memory_and_gpus_have_room_for(light: str) -> None:
    """A node of 1200 MiB has room for two of 512; those that wait are done all the same."""
    taken = 0

    def tasks() -> Iterator[Any]:
        nonlocal taken
        for _ in range(12):
            taken += 1
            yield Task("rest", memory=500 * MIB)

    accounts = []
    for _, account in RayEngine(address=light, workers=6, gpus=0.25).run(tasks()):
        assert taken - len(accounts) <= 6  # so many are on their way, and not the whole batch
        accounts.append(account)
    assert [account["status"] for account in accounts] == ["done"] * 12
    for account in accounts:
        assert account["has"]["GPU"] == 0.25
        assert account["has"]["memory"] == 512 * MIB
        assert len(account["gpus"]) == 1
        together = {x["pid"] for x in accounts if x["from"] <= account["to"] <= x["to"]}
        assert len(together) <= 4


def test_an_actor_is_kept_for_pieces_of_like_memory_and_no_others(light: str) -> None:
    sizes = [100, 500, 400, 900, 800, 100]
    done = RayEngine(address=light, workers=1).run(Task(memory=n * MIB) for n in sizes)
    pids = [account["pid"] for _, account in done]
    assert pids[0] == pids[1] == pids[2] != pids[3] == pids[4]
    huge = RayEngine(address=light, workers=1).run(iter([Task(memory=10**15)]))
    assert [account["has"]["memory"] for _, account in huge] == [1200 * MIB]


def test_who_dies_is_told_from_what_cannot_begin(
    light: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = RayEngine(address=light, workers=1).run(iter([Task("die"), Task()]))
    assert [account.get("lost") for _, account in done] == ["worker", None]
    monkeypatch.setattr(under_test, "_Actor", Broken)
    monkeypatch.setattr(under_test, "_MOST_STARTS", 1)
    broken = RayEngine(address=light, workers=1).run(iter([Task()] * 9))
    assert [next(broken)[1]["lost"] for _ in range(2)] == ["start"] * 2
    with pytest.raises(InputError, match=r"2 workers could not begin.*no torch here"):
        next(broken)


def test_settings_that_do_not_do_are_refused(light: str) -> None:
    with pytest.raises(InputError, match="wanted"):
        RayEngine(gpus=-1)
    with pytest.raises(InputError, match="a part of one"):
        RayEngine(gpus=1.5)
    with pytest.raises(InputError, match="fewer --threads or --gpus"):
        list(RayEngine(address=light, threads=50).run(iter([Task()])))
    assert RayEngine(address=light).dashboard() == ""  # this cluster was begun without


@pytest.mark.slow
def test_a_node_that_dies_costs_no_try_and_holds_nobody_up(light: str, cluster: Any) -> None:
    """More workers than the rest has cores for: those that wait get the cores of those that end."""
    node = cluster.add_node(num_cpus=2, object_store_memory=80_000_000)
    parts = [one.process.pid for parts in node.all_processes.values() for one in parts]
    lost = Counter[str]()
    ended = 0
    for _, account in RayEngine(address=light, workers=6).run(Task() for _ in range(60)):
        ended += 1
        lost[account.get("lost", "nothing")] += 1
        if ended == 6:
            family = [psutil.Process(pid) for pid in parts]
            for process in [*family, *(x for one in family for x in one.children(recursive=True))]:
                with contextlib.suppress(psutil.Error):
                    process.kill()
    cluster.worker_nodes.discard(node)
    assert ended == 60
    assert lost["worker"] == lost["start"] == 0


def driver(folder: Path, address: str) -> subprocess.Popen[str]:
    words = ["batch", "in", "-o", "out", "--steps", STEPS, "--option", "sigma=20", "--cluster",
             address, "--json", "--retries", "9"]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "untrained", *words], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1800 if COUNT > 8 else 400)
def test_killed_actors_and_a_killed_driver_lose_nothing(
    tmp_path: Path, cluster: Any, untrained: Any
) -> None:
    pictures(tmp_path / "in", COUNT)
    draws = np.random.default_rng(0)
    out, killed, drivers = tmp_path / "out", 0, 0
    while True:
        drivers += 1
        running = driver(tmp_path, cluster.address)
        killed_driver = False
        while running.poll() is None:
            time.sleep(0.1)
            there = actors()
            ready = len(list(out.glob("*.png"))) if out.exists() else 0
            if there and killed < KILLS and ready > killed * COUNT // (2 * KILLS):
                there[int(draws.integers(len(there)))].kill()
                killed += 1
            if drivers == 1 and ready >= COUNT // 2:
                running.send_signal(signal.SIGKILL)
                killed_driver = True
        _, errors = running.communicate()
        if not killed_driver:
            assert running.returncode == 0, errors[-2000:]
            break
    assert drivers == 2
    assert killed >= 2
    times = done_lines(out)
    assert len(times) == COUNT
    assert set(times.values()) == {1}
    assert not [x for x in out.iterdir() if x.name.endswith(".tmp")]
    untrained("denoise", "in", "-o", "alone", "--sigma", 20, "--steps", STEPS, "--no-run")
    for source in sorted((tmp_path / "in").iterdir()):
        name = source.name
        assert (out / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
