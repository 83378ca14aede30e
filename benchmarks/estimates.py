"""Do the times that are told before a fit hold? The range told against what it took.

    python benchmarks/estimates.py run --out quiet.jsonl --side 64 128 256
    python benchmarks/estimates.py run --out busy.jsonl --side 64 128 256 --busy 3
    python benchmarks/estimates.py run --out large.jsonl --megapixels 2 12 24
    python benchmarks/estimates.py table quiet.jsonl busy.jsonl large.jsonl

Every picture is asked for twice: on a machine that has never run a fit (cold: crops are timed), and
on one that has finished three fits of the kind, of 96, 128 and 192 pixels a side (learnt). `--busy`
starts so many endless loops beside, half a minute before. The larger pictures (`--megapixels`) are
not restored as a whole, which takes hours: a few steps of a tile (of the whole, if it is not cut)
and what follows them are timed, twice, and scaled by the steps and tiles of the plan, none of which
ends early.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import load
from numpy.typing import NDArray

from untrained import data, find_recipe
from untrained.fitting import FixedSteps, Plan
from untrained.images import Picture
from untrained.operators import Resample
from untrained.recipes import Recipe
from untrained.restoring import Given, plan_picture, restore_picture, timed_from
from untrained.restoring.waiting import Watch, slowdown_now

KINDS = ("denoise", "inpaint", "upscale", "flash")
BEFORE = (96, 128, 192)
PIECES = (4, 12)  # steps


def scene(height: int, width: int) -> NDArray[np.float64]:
    """Return photographs beside each other, (H, W, 3) in [0, 1]: those of Kodak, cut."""
    names = data.names_in("kodak24")
    shown = [np.asarray(load(name))[:512, :512] for name in names]
    down, across = -(-height // 512), -(-width // 512)
    rows = [
        np.concatenate([shown[(i * across + j + 6) % len(shown)] for j in range(across)], axis=1)
        for i in range(down)
    ]
    top = (512 - height) // 2 if height < 512 else 0  # the middle has more in it than a sky
    left = (512 - width) // 2 if width < 512 else 0
    return np.concatenate(rows)[top : top + height, left : left + width]


def case(kind: str, height: int, width: int) -> tuple[Picture, Given, Recipe]:
    """Return a picture, what is given of it, and the recipe."""
    generator = np.random.default_rng(0)
    clean = scene(height, width)
    noisy = clean + generator.normal(0, 25 / 255, clean.shape)
    recipe = find_recipe(kind, "fast")
    given = Given()
    if kind == "inpaint":
        noisy, given = clean, Given(mask=generator.random((height, width)) > 0.3)
    elif kind == "upscale":
        noisy, given = clean, Given(operator=Resample(2))
    elif kind == "flash":
        given = Given(guide=clean.astype(np.float32))
    return Picture.from_array(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)), given, recipe


@contextlib.contextmanager
def cache(kept: Path | None) -> Iterator[Path]:
    """Let paces be read from a copy of a file; none = a machine that knows nothing."""
    before = os.environ.get("UNTRAINED_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        if kept is not None:
            shutil.copy(kept, Path(folder) / "paces.json")
        os.environ["UNTRAINED_CACHE"] = folder
        try:
            yield Path(folder) / "paces.json"
        finally:
            os.environ.pop("UNTRAINED_CACHE")
            if before is not None:
                os.environ["UNTRAINED_CACHE"] = before


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def planned(kind: str, height: int, width: int, kept: Path | None) -> tuple[Plan, float]:
    """Return the plan as the studio asks for it, and the seconds that it took."""
    picture, given, recipe = case(kind, height, width)
    with cache(kept), timed_from(math.inf if kept is not None else 0):
        seconds, plan = timed(lambda: plan_picture(picture, recipe=recipe, given=given))
    return plan, seconds


def took_whole(kind: str, height: int, width: int) -> tuple[float, int]:
    """Return the seconds of a whole fit, and its steps."""
    picture, given, recipe = case(kind, height, width)
    with cache(None), timed_from(math.inf):
        seconds, (_, results) = timed(lambda: restore_picture(picture, recipe=recipe, given=given))
    return seconds, results[0].stop_step


def took_piece(kind: str, plan: Plan) -> float:
    """Return the seconds of all steps of a plan, by a few steps of a tile."""
    side = round(math.sqrt(plan.pixels))
    picture, given, recipe = case(kind, side, plan.pixels // side)
    taken = []
    for steps in PIECES:
        short = replace(recipe, max_steps=steps, check_every=steps, stopper=FixedSteps())
        with cache(None), timed_from(math.inf):
            began = time.perf_counter()
            restore_picture(picture, recipe=short, given=given)
            taken.append(time.perf_counter() - began)
    pace = (taken[1] - taken[0]) / (PIECES[1] - PIECES[0])
    return plan.max_steps * pace + plan.tiles * max(0.0, taken[0] - PIECES[0] * pace)


def learn(kind: str, kept: Path) -> None:
    """Finish three fits of a kind, and keep what is known then."""
    with cache(None) as file, timed_from(math.inf):
        for side in BEFORE:
            picture, given, recipe = case(kind, side, side)
            restore_picture(picture, recipe=recipe, given=given)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, kept)


@contextlib.contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep the processors busy."""
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        if beside:
            time.sleep(30)
        yield
    finally:
        for process in beside:
            process.kill()
            process.wait()


def measure(chosen: argparse.Namespace) -> None:
    sizes = [(side, side, False) for side in chosen.side]
    for millions in chosen.megapixels:
        width = round(math.sqrt(1.5e6 * millions) / 8) * 8
        sizes.append((round(width / 1.5), width, True))
    warm = find_recipe("denoise", "fast")
    restore_picture(case("denoise", 64, 64)[0], recipe=replace(warm, max_steps=2))
    with busy(chosen.busy), chosen.out.open("a", encoding="utf-8") as out:
        for kind in chosen.kind:
            kept = chosen.learnt / f"{kind}.json"
            if not kept.exists():
                learn(kind, kept)
            for height, width, large in sizes:
                plans = {
                    state: planned(kind, height, width, known)
                    for state, known in (("cold", None), ("learnt", kept))
                }
                plan, watch, now = plans["cold"][0], Watch(), slowdown_now()
                if large:
                    took, steps = took_piece(kind, plan), plan.max_steps
                else:
                    took, steps = took_whole(kind, height, width)
                meanwhile = watch.slowdown
                for state, (plan, asked) in plans.items():
                    assert plan.between is not None
                    row = {
                        "kind": kind, "height": height, "width": width, "busy": chosen.busy,
                        "state": state, "told": plan.seconds, "between": plan.between,
                        "took": took, "steps": steps, "of": plan.max_steps, "tiles": plan.tiles,
                        "asked": asked, "load": os.getloadavg()[0], "slowdown": [now, meanwhile],
                        "threads": torch.get_num_threads(),
                    }  # fmt: skip
                    print(json.dumps(row), file=out, flush=True)
                    print(line_of(row), flush=True)


def line_of(row: dict[str, Any]) -> str:
    low, high = row["between"]
    before, meanwhile = row["slowdown"]
    within = "in" if low <= row["took"] <= high else "OUT"
    return (
        f"| {row['kind']} | {row['height']}x{row['width']} | {row['busy']} | {row['state']} "
        f"| {low:.3g} to {high:.3g} | {row['took']:.3g} | {row['took'] / row['told']:.2f} "
        f"| {row['steps']}/{row['of']} | {before:.1f}, {meanwhile:.1f} | {high / low:.1f} "
        f"| {within} |"
    )


def table(files: list[Path]) -> None:
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    print(
        "| kind | size | loops | state | told, s | took, s | took / expected | steps "
        "| slowdown before, meanwhile | most / least | |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(line_of(row))
    for name, of in (("all", rows), *(
        (f"{state}, {'busy' if loops else 'quiet'}",
         [r for r in rows if r["state"] == state and (r["busy"] > 0) == loops])
        for state in ("cold", "learnt") for loops in (False, True)
    )):  # fmt: skip
        if not of:
            continue
        held = sum(r["between"][0] <= r["took"] <= r["between"][1] for r in of)
        factors = [r["between"][1] / r["between"][0] for r in of]
        asked = [r["asked"] for r in of]
        print(
            f"{name}: {held} of {len(of)} held; most / least {statistics.median(factors):.1f} "
            f"(median), {max(factors):.1f} (largest); a plan took {statistics.median(asked):.2f} s "
            f"(median), {max(asked):.2f} s at most"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run")
    run.add_argument("--out", type=Path, required=True)
    run.add_argument("--learnt", type=Path, default=Path("estimates-learnt"))
    run.add_argument("--kind", nargs="+", choices=KINDS, default=KINDS)
    run.add_argument("--side", nargs="*", type=int, default=[])
    run.add_argument("--megapixels", nargs="*", type=float, default=[])
    run.add_argument("--busy", type=int, default=0)
    shown = actions.add_parser("table")
    shown.add_argument("files", nargs="+", type=Path)
    chosen = parser.parse_args()
    if chosen.action == "run":
        measure(chosen)
    else:
        table(chosen.files)


if __name__ == "__main__":
    main()
