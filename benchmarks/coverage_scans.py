"""What an interval of a scan's measurements is worth: the share of unseen ones that it holds.

    python benchmarks/coverage_scans.py [head tooth sensing rat pincat] [--fraction 0.1] [--steps n]

The interval is A x ± w for 90 % of the measurements, with noise (`restoring.measured_interval`).
"held-out" is what every fit says by itself: measurements that it did not see, each judged by a
width that was calibrated without its own line, projection or row. Head: 8 coils, every fourth line;
tooth: 60 views; sensing: 25 % scrambled Hadamard of Set12's cameraman; rat, pincat: series of four
and eight times fewer lines. Recipes are `fast`; a share `--fraction` of the lines is held out, and
series, whose fits have a fixed length, keep the step that predicts them best. CPU seconds are the
process's.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from untrained.fitting import HeldOut
from untrained.recipes import find_recipe
from untrained.restoring import Given, restore
from untrained.tasks import prepare_mri
from untrained.tasks.ct import ParallelBeam, prepare_ct
from untrained.tasks.sensing import prepare_sensing
from untrained.tasks.series import prepare_series

DATA = Path(os.environ.get("UNTRAINED_DATA", "data"))


def transformed(x: np.ndarray) -> np.ndarray:
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x, axes), norm="ortho"), axes)


def head() -> tuple[str, np.ndarray, Given]:
    images = np.load(DATA / "mri_head8/coil_images.npy")
    where = np.load(DATA / "mri_head8/masks.npz")["eq4_acs20"]
    measured = prepare_mri((transformed(images) * where).astype(np.complex64), mask=where)
    return "mri", measured.y, measured.given


def tooth() -> tuple[str, np.ndarray, Given]:
    from untrained.calibration import correct_flat_field

    with np.load(DATA / "ct_tooth/tooth.npz") as found:
        counts = (found[k] for k in ("data", "data_white", "data_dark"))
        sinogram = correct_flat_field(*(c[:, 0] for c in counts)).values
        angles = np.deg2rad(found["theta"])
    measured = prepare_ct(
        sinogram, angles, centre=296.4, size=176, binning=2, views=60,
        beam=ParallelBeam(detector=0.5),
    )  # fmt: skip
    return "ct", measured.y, measured.given


def sensing() -> tuple[str, np.ndarray, Given]:
    import pyvips

    from untrained.operators import Hadamard

    picture = pyvips.Image.new_from_file(str(DATA / "set12/01_cameraman.png")).numpy() / 255
    m = picture.size // 4
    y = Hadamard(m, picture.shape)(torch.from_numpy(picture)[None, None].float())
    measured = prepare_sensing(y.flatten().numpy(), matrix="hadamard:0", size=picture.shape)
    return "sensing", measured.y, measured.given


def series(name: str, rate: int) -> tuple[str, np.ndarray, Given]:
    from untrained.simulation.sampling import random_lines

    truth = np.load(DATA / f"mri_dynamic/{name}.npy")[:24].astype(np.float64)
    truth /= truth.max()
    mask = random_lines(
        len(truth), truth.shape[2], truth.shape[2] // rate, middle=8,
        generator=np.random.default_rng(0),
    )  # fmt: skip
    drawn = np.random.default_rng(0).standard_normal((2, *truth.shape))
    k = transformed(truth) + 0.005 * (drawn[0] + 1j * drawn[1])
    measured = prepare_series(np.where(mask[:, None], k, 0), mask)
    return "series", measured.y, measured.given


CASES: dict[str, Callable[[], tuple[str, np.ndarray, Given]]] = {
    "head": head,
    "tooth": tooth,
    "sensing": sensing,
    "rat": lambda: series("rat_cine", 4),
    "pincat": lambda: series("pincat_perfusion", 8),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=0)
    asked = parser.parse_args()
    for name in asked.cases:
        task, y, given = CASES[name]()
        recipe = find_recipe(task, "fast")
        stopper = recipe.stopper if isinstance(recipe.stopper, HeldOut) else HeldOut(patience=10**6)
        recipe = replace(
            recipe, stopper=replace(stopper, fraction=asked.fraction),
            max_steps=asked.steps or recipe.max_steps,
        )  # fmt: skip
        began = time.process_time()
        result = restore(y, recipe=recipe, given=given)
        print(
            f"{name:8} held-out {result.details['held_out_coverage']:.3f}, stopped at "
            f"{result.stop_step}, {time.process_time() - began:.0f} CPU s", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
