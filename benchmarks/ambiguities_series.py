"""What two readings of time-dependent DIP cost: its authors' code beside what it means to do.

    python benchmarks/ambiguities_series.py [-o FOLDER] [--side 64] [--steps 600] [--width 32]

1. The angle between spokes is 111.246 degrees, and goes into cos and sin as radians. No fit is
   needed: the largest angle that no spoke of a frame, or of some frames in a row, comes near.
2. The first frame is not measured, yet drawn for training with a k-space of zeros. A rat's heart of
   8 frames, every second column of k-space of each but the first, is fitted with the first frame
   left out and with it taken for measured zeros; same network, z and seed.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import common
import numpy as np
from numpy.typing import NDArray

from untrained import data, find_recipe, restore
from untrained.networks import Helix, TimeDependent
from untrained.objectives import Series
from untrained.restoring import Execution
from untrained.simulation.sampling import random_lines
from untrained.tasks.series import prepare_series

ANGLE = 111.246

SPOKES = (5, 13, 26, 65)


def largest_gap(step: float, spokes: int, frames: int = 100) -> float:
    """Return the largest angle without a spoke, in degrees, the mean over groups of spokes."""
    gaps = []
    for frame in range(frames):
        angles = np.sort(step * (1 + np.arange(frame * spokes, (frame + 1) * spokes)) % 180)
        gaps.append(np.diff(angles, append=angles[0] + 180).max())
    return float(np.mean(gaps))


def gaps() -> list[list[str]]:
    """Return a row for each angle: degrees as such, degrees taken as radians, evenly spread."""
    steps = {
        f"{ANGLE} degrees, as the comment": ANGLE,
        f"{ANGLE} radians, as the code": np.degrees(ANGLE) % 180,
    }
    rows = [
        [name, f"{step:.2f}", *(f"{largest_gap(step, n):.1f}" for n in SPOKES)]
        for name, step in steps.items()
    ]
    return [*rows, ["evenly spread", "", *(f"{180 / n:.1f}" for n in SPOKES)]]


def fitted(truth: NDArray[np.float64], zeros: bool, steps: int, width: int) -> list[float]:
    """Return the PSNR of the first frame, its two neighbours and the others."""
    frames, side, _ = truth.shape
    rng = np.random.default_rng(0)
    mask = random_lines(frames, side, side // 2, middle=8, generator=rng)
    mask[0] = zeros
    axes = (-2, -1)
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(truth, axes), norm="ortho"), axes)
    k[0] = 0
    measured = prepare_series(np.where(mask[:, None], k, 0), mask)
    size = -(-side // 8)
    recipe = replace(
        find_recipe("series", "paper"), max_steps=steps, objective=Series(code=Helix(cycles=1)),
        network=TimeDependent(size=(size, size), width=width, num_up=3),
    )  # fmt: skip
    result = restore(
        measured.y, recipe=recipe, given=measured.given, execution=Execution(device="cpu")
    )
    assert result.image is not None
    series = np.abs(measured.series(result.image))
    groups = ([0], [1, frames - 1], list(range(2, frames - 1)))
    return [float(common.psnr(series[g], truth[g])) for g in groups]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("ambiguities-series"))
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--width", type=int, default=32, help="channels; the published: 128")
    options = parser.parse_args()
    print(common.table(["angle between spokes", "mod 180", *map(str, SPOKES)], gaps()))
    series = np.load(data.fetch("mri_dynamic/rat_cine.npy")).astype(np.float64)
    top, left = ((n - options.side) // 2 for n in series.shape[1:])
    truth = series[:, top : top + options.side, left : left + options.side] / series.max()
    found: dict[str, Any] = {
        name: fitted(truth, zeros, options.steps, options.width)
        for name, zeros in (("left out", False), ("taken for measured zeros", True))
    }
    common.save(options.output / "ambiguities-series.json", {
        "settings": {"side": options.side, "steps": options.steps, "width": options.width},
        "machine": common.machine(), "gaps": gaps(), "first_frame": found,
    })  # fmt: skip
    header = ["the frame that was not measured", "itself", "its neighbours", "the others"]
    rows = [[name, *(f"{value:.2f}" for value in values)] for name, values in found.items()]
    print()
    print(common.table(header, rows))


if __name__ == "__main__":
    main()
