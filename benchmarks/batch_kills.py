"""A thousand pictures on a Ray cluster whose workers, nodes and drivers are killed at random.

OMP_NUM_THREADS=1 python benchmarks/batch_kills.py --pictures 1000 --worker-kills 40

Each picture must be done once, none lost, none half-written, and each output must have the bytes
that the plain command gives alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from untrained.images import Picture, read_picture, write_picture

WORDS = ("--option", "sigma=20", "--retries", "4", "--json")


def make_pictures(folder: Path, count: int, side: int) -> None:
    folder.mkdir()
    y, x = np.mgrid[:side, :side] / side
    for i in range(count):
        draws = np.random.default_rng(i)
        slope, phase = draws.uniform(2, 9), draws.uniform(0, 6)
        shade = (
            128 + 60 * np.sin(slope * x + phase) * np.cos(slope * y) + draws.normal(0, 20, x.shape)
        )
        pixels = np.clip(shade, 0, 255).astype(np.uint8)[..., None]
        write_picture(folder / f"{i:05d}.png", Picture.from_array(pixels))


class Nodes:
    """A Ray cluster on this machine: a head without cores, and nodes that can be killed."""

    def __init__(self, count: int, cores: int) -> None:
        from ray.cluster_utils import Cluster

        self.cores = cores
        self.cluster = Cluster()
        self.cluster.add_node(num_cpus=0, object_store_memory=80_000_000, include_dashboard=False)
        self.nodes = [self.added() for _ in range(count)]

    def added(self) -> Any:
        return self.cluster.add_node(num_cpus=self.cores, object_store_memory=80_000_000)

    def workers(self) -> list[psutil.Process]:
        found = []
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = " ".join(process.cmdline())
                if words.startswith("ray::") and "_Actor" in words:
                    found.append(process)
        return found

    def kill(self, number: int) -> None:
        """Kill all of a node at once, as a machine that loses power."""
        node = self.nodes.pop(number)
        parents = [
            psutil.Process(one.process.pid) for kind in node.all_processes.values() for one in kind
        ]
        family = [*parents, *(child for one in parents for child in one.children(recursive=True))]
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(family, timeout=20)
        self.cluster.worker_nodes.discard(node)


def ledger_lines(out: Path) -> list[dict[str, Any]]:
    lines = []
    for shard in (out / "untrained-batch/ledger").glob("*.jsonl"):
        for line in shard.read_bytes().split(b"\n"):
            with contextlib.suppress(ValueError):  # half a line of a driver that was killed
                lines.append(json.loads(line))
    return lines


def run(folder: Path, chosen: argparse.Namespace) -> Counter[str]:
    """Run drivers until one comes to its end; return what was killed."""
    draws = np.random.default_rng(chosen.seed)
    kinds = (
        ["worker"] * chosen.worker_kills
        + ["node"] * chosen.node_kills
        + ["driver"] * chosen.driver_kills
    )
    share = draws.uniform(0.02, 0.98, len(kinds))
    events = sorted(zip(share * chosen.pictures, draws.permutation(kinds), strict=True))
    killed: Counter[str] = Counter()
    out = folder / "out"
    before = len(list(out.glob("*.png")))
    events = [event for event in events if event[0] > before]
    nodes = Nodes(chosen.nodes, chosen.cores)
    driver = None
    try:
        while True:
            words = ["batch", "in", "-o", "out", "--steps", str(chosen.steps), *WORDS]
            driver = subprocess.Popen(
                [sys.executable, "-m", "untrained", *words, "--cluster", nodes.cluster.address],
                cwd=folder, stdout=subprocess.DEVNULL, stderr=(folder / "errors").open("ab"),
            )  # fmt: skip
            killed["drivers begun"] += 1
            while driver.poll() is None:
                time.sleep(0.2)
                ready = sum(1 for path in out.glob("*.png"))
                while events and ready >= events[0][0]:
                    kind = str(events[0][1])
                    if kind == "driver":
                        driver.send_signal(signal.SIGKILL)
                    elif kind == "node":
                        nodes.kill(int(draws.integers(len(nodes.nodes))))
                        nodes.nodes.append(nodes.added())
                    else:
                        there = nodes.workers()
                        if not there:
                            break  # until there is one
                        with contextlib.suppress(psutil.Error):
                            there[int(draws.integers(len(there)))].kill()
                    killed[kind] += 1
                    events.pop(0)
                    if kind == "driver":
                        driver.wait()
                        break
            if driver.returncode != -signal.SIGKILL:
                print(f"the last driver ended with {driver.returncode}", flush=True)
                return killed
    finally:
        if driver is not None:
            driver.kill()
        nodes.cluster.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--cores", type=int, default=1, help="of a node")
    parser.add_argument("--worker-kills", type=int, default=40)
    parser.add_argument("--node-kills", type=int, default=1)
    parser.add_argument("--driver-kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="which is kept; a run goes on in it")
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Ray's workers are nice, and would have nothing where others are busy.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
    with contextlib.ExitStack() as stack:
        folder = chosen.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "in").exists():
            make_pictures(folder / "in", chosen.pictures, chosen.side)
        began = time.monotonic()
        killed = run(folder, chosen)
        seconds = time.monotonic() - began
        print(f"killed: {dict(killed)}; {seconds:.0f} s", flush=True)
        lines = ledger_lines(folder / "out")
        done = Counter(line["source"] for line in lines if line["status"] == "done")
        others = Counter(
            line["status"] for line in lines if line["status"] not in ("done", "counted")
        )
        tries = Counter(line["tries"] for line in lines if line["status"] == "done")
        once = sum(n == 1 for n in done.values())
        print(f"done once: {once}, more than once: {len(done) - once}")
        print(f"tries: {dict(tries)}, other lines: {dict(others)}")
        print((folder / "errors").read_text()[-1500:])
        names = {path.name for path in (folder / "in").iterdir()}
        files = {p.name for p in (folder / "out").iterdir() if p.is_file()}
        print(f"lost: {len(names - files)}, left over: {sorted(files - names)}", flush=True)
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "untrained", "denoise", "in", "-o", "alone", "--sigma", "20",
             "--steps", str(chosen.steps), "--no-run", "--quiet"],
            cwd=folder, check=True,
        )  # fmt: skip
        print(f"alone, one after another: {time.monotonic() - began:.0f} s")
        other = [
            n
            for n in names & files
            if (folder / "out" / n).read_bytes() != (folder / "alone" / n).read_bytes()
        ]
        for name in names & files:
            read_picture(folder / "out" / name)
        print(f"read: {len(names & files)}, other bytes than alone: {len(other)}")


if __name__ == "__main__":
    main()
