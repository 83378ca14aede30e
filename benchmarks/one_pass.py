"""Small pictures one after another and many in one pass: pictures a second, and what it costs.

    python benchmarks/one_pass.py PICTURES --side 64 --count 16 --together 1,8,16
    python benchmarks/one_pass.py PICTURES --side 64 --together 1,4,8,16 --steps 60

Crops of the pictures with noise of σ = 25 are a batch, done once for each number that is fitted in
one pass, in turn. `core` counts the seconds of the cores, which other programs lengthen little.
With `--steps` only the steps of such fits are timed: milliseconds of a core a picture and step, the
median over tens of steps.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from untrained.batches import Account, Entry, LocalEngine, Settings, run_batch
from untrained.fitting import Callback, Check, Together
from untrained.images import Picture, read_picture, write_picture
from untrained.noise import white
from untrained.objectives import Problem
from untrained.recipes import find_recipe, with_settings
from untrained.restoring import Execution, solve


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--together", default="1,8,16")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--steps", type=int, default=0)
    asked = parser.parse_args()
    changes = dict(change.split("=", 1) for change in asked.set)
    if asked.steps:
        torch.set_num_threads(1)
        for together in map(int, asked.together.split(",")):
            taken = step_of(together, asked.side, asked.steps, asked.recipe)
            print(f"{asked.side}², {together} in one pass: {1000 * taken:.2f} ms", flush=True)
        return
    print("| in one pass | pictures/s | pictures/core s | PSNR | least, most beside alone dB |")
    print("| --- | --- | --- | --- | --- |")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        manifest = made(asked.pictures, Path(place), asked.side, asked.count)
        for together in map(int, asked.together.split(",")):
            settings = Settings(
                output=f"{place}/{together}", task="denoise", recipe=asked.recipe, changes=changes
            )
            engine = LocalEngine(workers=asked.workers, threads=1, together=together)
            rows.append(row_of(together, *once(manifest, settings, engine), rows))
            shown = rows[-1]
            print(
                f"| {together} | {shown['rate']:.3f} | {shown['core_rate']:.3f} "
                f"| {shown['psnr']:.2f} | {shown['least']:+.2f}, {shown['most']:+.2f} |",
                flush=True,
            )
    if asked.output:
        asked.output.write_text(json.dumps(rows))


def once(manifest: Path, settings: Settings, engine: LocalEngine) -> tuple[float, dict[str, Any]]:
    """Do the batch; return the seconds and what came of each picture."""
    accounts: dict[str, Any] = {}

    def tell(entry: Entry, account: Account) -> None:
        accounts[entry.source] = account

    began = time.monotonic()
    run_batch([str(manifest)], settings, engine, tell=tell)
    return time.monotonic() - began, accounts


class Clock(Callback):
    """Reads the seconds of the cores at every look."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_check(self, check: Check) -> None:
        """Read them."""
        self.times.append(time.process_time())


def step_of(together: int, side: int, steps: int, recipe: str) -> float:
    """Return the seconds of a core that a picture's step takes."""
    settings = {"max_steps": steps, "stopper": "FixedSteps", "refinement": "None"}
    short, clock, room = with_settings(find_recipe("denoise", recipe), settings), Clock(), None
    if together > 1:
        room = Together(together)

    def fit(i: int) -> None:
        torch.set_num_threads(1)
        y = 0.5 + 0.1 * torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(i))
        problem = Problem(observed=y, noise=white(0.1), clip=True, bounded=True)
        with room.seat() if room else contextlib.nullcontext():
            run = Execution(together=room is not None, callbacks=[] if i else [clock])
            solve(problem, short, seed=i, execution=run)

    crew = [threading.Thread(target=fit, args=(i,)) for i in range(together)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    spans = [b - a for a, b in pairwise(clock.times)]
    return statistics.median(spans) / (short.check_every * together)


def row_of(
    together: int, seconds: float, accounts: dict[str, Any], before: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what came of one run; the first of all is the one to compare with."""
    done = {name: one for name, one in accounts.items() if one["status"] == "done"}
    assert len(done) == len(accounts), accounts
    psnr = {name: one["psnr"] for name, one in done.items()}
    base = before[0]["each"] if before else psnr
    apart = [psnr[name] - base[name] for name in psnr]
    return {
        "together": together, "rate": len(done) / seconds,
        "core_rate": len(done) / sum(one["cpu_seconds"] for one in done.values()),
        "psnr": statistics.mean(psnr.values()), "each": psnr,
        "least": min(apart), "most": max(apart),
        "said": [one.get("together") for one in done.values()],
        "steps": [one["steps"] for one in done.values()],
    }  # fmt: skip


def made(pictures: Path, place: Path, side: int, count: int) -> Path:
    """Write noisy crops, their truths and a manifest of them."""
    files = sorted(path for path in pictures.iterdir() if path.suffix in (".png", ".tif"))
    lines = ["path,sigma,truth"]
    for i in range(count):
        pixels = read_picture(files[i % len(files)]).pixels[0]
        drawn = np.random.default_rng(i)
        top, left = (drawn.integers(n - side + 1) for n in pixels.shape[:2])
        clean = pixels[top : top + side, left : left + side]
        noisy = np.clip(np.rint(clean + drawn.normal(0, 25, clean.shape)), 0, 255)
        for name, values in (("clean", clean), ("noisy", noisy)):
            write_picture(
                place / f"{name}-{i:03d}.png", Picture.from_array(values.astype(np.uint8))
            )
        lines.append(f"noisy-{i:03d}.png,25,clean-{i:03d}.png")
    manifest = place / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


if __name__ == "__main__":
    main()
