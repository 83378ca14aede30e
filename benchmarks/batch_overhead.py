"""What Ray costs a picture beside the local pool, and what a second worker brings, in one run.

OMP_NUM_THREADS=1 python benchmarks/batch_overhead.py --side 256 --pictures 5

A turn is a batch of its own. Told of each: seconds until the first picture had begun (workers
start), the pace after that in seconds a picture (from the end of each worker's first picture to
that of the last), and what lies between two pictures of a worker: no part of its own seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from untrained.batches import (
    Account,
    Engine,
    Entry,
    LocalEngine,
    Piece,
    RayEngine,
    Settings,
    do_piece,
    run_batch,
)
from untrained.images import Picture, write_picture


def make_pictures(folder: Path, count: int, side: int) -> None:
    folder.mkdir(parents=True)
    y, x = np.mgrid[:side, :side] / side
    for i in range(count):
        draws = np.random.default_rng(i)
        shade = 128 + 60 * np.sin(9 * x + i) * np.cos(7 * y) + draws.normal(0, 20, x.shape)
        pixels = np.clip(shade, 0, 255).astype(np.uint8)[..., None]
        write_picture(folder / f"{i:03d}.png", Picture.from_array(pixels))


def steps_for(seconds: float, folder: Path) -> int:
    """Return the steps of a fit that takes so long, by two short ones of one thread."""
    torch.set_num_threads(1)
    source = next((folder / "in").iterdir())
    took = []
    for steps in (5, 5, 25):  # the first warms up
        settings = settings_of(folder / f"pilot-{len(took)}", steps)
        entry = Entry(source=str(source), target=f"{settings.output}/a.png", task="denoise")
        runs = folder / f"runs-{len(took)}"
        account = do_piece(Piece(key="a", entry=entry, settings=settings, runs=runs))
        took.append(account["seconds"])
    pace = max(1e-3, (took[2] - took[1]) / 20)
    return max(5, round(5 + (seconds - took[1]) / pace))


def settings_of(output: Path, steps: int) -> Settings:
    return Settings(
        output=str(output), task="denoise", options={"sigma": 20.0},
        changes={"max_steps": str(steps), "stopper": "FixedSteps"},
    )  # fmt: skip


def turn(folder: Path, name: str, engine: Engine, workers: int, steps: int) -> dict[str, float]:
    """Do a batch; return its seconds."""
    settings = settings_of(folder / name, steps)
    ends: list[float] = []
    took: list[float] = []

    def tell(entry: Entry, account: Account) -> None:
        assert account["status"] == "done", account
        ends.append(time.monotonic())
        took.append(account["seconds"])

    began = time.monotonic()
    run_batch([str(folder / "in")], settings, engine, tell=tell)
    pace = (ends[-1] - ends[workers - 1]) / (len(ends) - workers)
    return {
        "start": ends[0] - began - took[0],
        "pace": pace,
        "fit": statistics.fmean(took),
        "between": workers * pace - statistics.fmean(took[workers:]),
        "all": time.monotonic() - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=10, help="that a fit is to take")
    parser.add_argument("--turns", type=int, default=2)
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Ray's workers are nice, and would be compared with others that are not.
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112
    import ray

    ray.init("local", num_cpus=2, include_dashboard=False, object_store_memory=80_000_000,
             log_to_driver=False, logging_level="warning")  # fmt: skip
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_pictures(folder / "in", chosen.pictures, chosen.side)
        steps = steps_for(chosen.seconds, folder)
        print(f"{steps} steps", flush=True)
        for number in range(chosen.turns):
            for workers in (1, 2):
                engines = (
                    ("local", LocalEngine(workers=workers, threads=1)),
                    ("ray", RayEngine(workers=workers, threads=1)),
                )
                for name, engine in engines if number % 2 == 0 else reversed(engines):
                    label = f"{name}, {workers} worker(s)"
                    times = turn(folder, f"{name}-{workers}-{number}", engine, workers, steps)
                    found.setdefault(label, []).append(times)
                    told = ", ".join(f"{key} {value:.3f}" for key, value in times.items())
                    print(f"{label}: {told}", flush=True)
    ray.shutdown()
    pace = {label: statistics.median(x["pace"] for x in turns) for label, turns in found.items()}
    overhead = pace["ray, 1 worker(s)"] / pace["local, 1 worker(s)"] - 1
    print(f"Ray beside the local pool, a picture: {100 * overhead:+.1f} %")
    for name in ("local", "ray"):
        gain = pace[f"{name}, 1 worker(s)"] / pace[f"{name}, 2 worker(s)"]
        print(f"{name}: 2 workers are {gain:.2f} times 1 worker")


if __name__ == "__main__":
    main()
