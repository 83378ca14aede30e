"""Quality against time: our recipes while they run, other methods as points.

    python benchmarks/curves.py cset9/f16.png -o docs/images/time-to-quality.png
    python benchmarks/curves.py stops FOLDER… -o docs/images/stops.png
    python benchmarks/curves.py engine STEPS.json FLOOR.json -o docs/images/engine.png

All on the same noisy array (σ = 25), one after another; what the JSON beside the picture already
holds is not run again. The clock of a fit stands still while its
image is compared with the truth. `stops` draws where fits stopped against their peaks, from the
JSON of quality.py; `engine` the seconds of a step beside those of its convolutions, from engine.py.
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
from untrained.fitting import Callback, Check
from untrained.images import to_unit
from untrained.metrics import psnr
from untrained.restoring import Execution

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
    path = options.output.with_suffix(".json")
    data = json.loads(path.read_text()) if path.exists() else {"curves": {}, "points": {}}
    truth = common.load(options.what[0])
    truth = common.central(truth, options.crop) if options.crop else truth
    observed = common.noisy(truth, NOISE)
    clean, _, _ = to_unit(truth)
    for name in options.recipes.split(","):
        if name in data["curves"]:
            continue
        recipe = find_recipe("denoise", name)
        if name != "fast":  # the published settings look rarely; the curve needs the points
            recipe = replace(recipe, check_every=10)
        clock = Clock(clean, options.limit)
        restore(
            observed, recipe=recipe, execution=Execution(callbacks=[clock], cancelled=clock.late)
        )
        data["curves"][name] = clock.points
        print(name, f"{clock.points[-1][1]:.2f} dB after {clock.points[-1][0]:.0f} s", flush=True)
    for name, method in common.DENOISERS.items():
        if name == "median" or name in data["points"]:  # the median is for impulses
            continue
        began = time.perf_counter()
        image = method(observed, 25 / 255)
        data["points"][name] = (time.perf_counter() - began, common.psnr(image, truth))
        print(name, "{1:.2f} dB after {0:.0f} s".format(*data["points"][name]), flush=True)
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, curve in data["curves"].items():
        (line,) = axes.plot(*zip(*curve, strict=True))
        axes.annotate(name, curve[-1], textcoords="offset points", xytext=(6, -6),
                      color=line.get_color(), weight="bold")  # fmt: skip
    for name, (seconds, value) in data["points"].items():
        axes.plot(seconds, value, "o", color="0.35")
        axes.annotate(name, (seconds, value), textcoords="offset points", xytext=(6, -3))
    axes.set(xscale="log", xlabel="seconds", ylabel="PSNR (dB)", ylim=(16, None), xlim=(None, 900))
    size = f" {options.crop}×{options.crop}" if options.crop else ""
    axes.set_title(f"{Path(options.what[0]).stem}{size}, σ = 25, the image that would be kept")
    axes.grid(alpha=0.3)
    figure.savefig(options.output, dpi=130)
    return data


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


def engine(options: argparse.Namespace) -> dict[str, Any]:
    steps, floor = (json.loads(Path(path).read_text()) for path in options.what[1:3])
    names = [name for name in steps["steps"] if name in floor["floor"]]
    bars = {
        "eager float32": [steps["steps"][name]["eager"] for name in names],
        "engine": [steps["steps"][name]["engine"] for name in names],
        "its convolutions alone": [floor["floor"][name]["alone"] for name in names],
    }
    figure, all_axes = plt.subplots(1, len(names), figsize=(3 * len(names), 3.4),
                                    layout="constrained", squeeze=False)  # fmt: skip
    for i, (name, axes) in enumerate(zip(names, all_axes[0], strict=True)):
        values = [column[i] for column in bars.values()]
        axes.bar(range(3), values, color=["0.7", "C0", "C1"])
        for place, value in enumerate(values):
            axes.annotate(f"{values[0] / value:.1f}×", (place, value), ha="center", va="bottom")
        axes.set_xticks(range(3), ["eager\nfloat32", "engine", "convolutions\nalone"])
        axes.margins(y=0.12)
        axes.set_title(name)
    all_axes[0][0].set_ylabel("seconds a step, 512×512")
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
    data = {"stops": stops, "engine": engine}.get(options.what[0], race)(options)
    if data:
        common.save(options.output.with_suffix(".json"), {"machine": common.machine(), **data})


if __name__ == "__main__":
    main()
