"""Quality against time: our recipes while they run, other methods as points.

    python benchmarks/curves.py cset9/f16.png -o docs/images/time-to-quality.png
    python benchmarks/curves.py stops FOLDER… -o docs/images/stops.png

All on the same noisy array (σ = 25), one after another. The clock of a fit stands still while its
image is compared with the truth. `stops` draws where fits stopped against their peaks, from the
JSON of quality.py.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import common
import matplotlib as mpl
import numpy as np
from torch import Tensor

from untrained import find_recipe, restore
from untrained.arrays import to_unit
from untrained.callbacks import Callback, Check
from untrained.metrics import psnr

mpl.use("Agg")
from matplotlib import pyplot as plt

NOISE = "gauss:25"


class Clock(Callback):
    """Note the time and the PSNR of the kept image at every look."""

    def __init__(self, truth: Tensor, limit: float) -> None:
        self.truth, self.limit = truth, limit
        self.lost = 0.0
        self.began = time.perf_counter()
        self.points: list[tuple[float, float]] = []

    def on_check(self, check: Check) -> None:
        now = time.perf_counter()
        self.points.append((now - self.began - self.lost, psnr(check.image, self.truth)))
        self.lost += time.perf_counter() - now

    def late(self) -> bool:
        return bool(self.points) and self.points[-1][0] > self.limit


def race(options: argparse.Namespace) -> dict[str, Any]:
    truth = common.load(options.what[0])
    truth = common.central(truth, options.crop) if options.crop else truth
    observed = common.noisy(truth, NOISE)
    clean, _, _ = to_unit(truth)
    curves: dict[str, Any] = {}
    for name in options.recipes.split(","):
        recipe = find_recipe("denoise", name)
        if name != "fast":  # the published settings look rarely; the curve needs the points
            recipe = replace(recipe, check_every=10)
        clock = Clock(clean, options.limit)
        restore(observed, recipe=recipe, callbacks=[clock], cancelled=clock.late)
        curves[name] = clock.points
        print(name, f"{clock.points[-1][1]:.2f} dB after {clock.points[-1][0]:.0f} s", flush=True)
    points = {}
    for name, method in common.DENOISERS.items():
        began = time.perf_counter()
        image = method(observed, 25 / 255)
        points[name] = (time.perf_counter() - began, common.psnr(image, truth))
        print(name, f"{points[name][1]:.2f} dB after {points[name][0]:.0f} s", flush=True)
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, curve in curves.items():
        axes.plot(*zip(*curve, strict=True), label=f"untrained {name}")
    for name, (seconds, value) in points.items():
        axes.plot(seconds, value, "o", color="0.35")
        axes.annotate(name, (seconds, value), textcoords="offset points", xytext=(6, -3))
    axes.set(xscale="log", xlabel="seconds", ylabel="PSNR (dB)", ylim=(20, None))
    axes.set_title(f"{Path(options.what[0]).stem}, σ = 25, the image that would be kept")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(options.output, dpi=130)
    return {"curves": curves, "points": points}


def stops(options: argparse.Namespace) -> dict[str, Any]:
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for folder in options.what[1:]:
        data = json.loads((Path(folder) / "quality.json").read_text())
        rows = [row["fast"] for row in data["rows"].values() if "fast" in row]
        axes.plot(
            [row["peak"] for row in rows], [row["gap"] for row in rows], "o", alpha=0.7,
            label=f"{data['arguments']['noise']}, mean {np.mean([r['gap'] for r in rows]):.3f} dB",
        )  # fmt: skip
    axes.set(xlabel="PSNR of the best image of the fit (dB)", ylabel="dB lost by the stop")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(options.output, dpi=130)
    return {}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="+")
    parser.add_argument("--recipes", default="fast,sure,deep-decoder,paper")
    parser.add_argument("--limit", type=float, default=120, help="seconds a recipe")
    parser.add_argument("--crop", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    data = stops(options) if options.what[0] == "stops" else race(options)
    if data:
        common.save(options.output.with_suffix(".json"), {"machine": common.machine(), **data})


if __name__ == "__main__":
    main()
