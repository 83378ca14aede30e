"""Few photons: `fast` beside BM3D and non-local means behind Anscombe's transform, in dB.

    python benchmarks/photons.py kodim05 kodim20 --photons 4,10,30 --side 128

k ~ Poisson(photons · x), y = k / photons, clipped at white as a picture file must be. `fast` is
run told nothing, and told the photons (`untrained denoise --photons`). The peers are told them:
f = 2 √(k + 3/8) has noise of σ = 1, is denoised, and taken back with the exact unbiased inverse in
closed form (Mäkitalo & Foi, IEEE Trans. Image Processing 20, 2011), which knows nothing of the
clipping. BM3D is also run without the transform, σ estimated, as by one who does not know of it.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from common import central, load, psnr

from untrained import find_recipe, restore
from untrained.baselines import Known, find_baseline
from untrained.restoring import Execution, Given
from untrained.simulation import degrade


def anscombe(counts):
    return 2 * np.sqrt(counts + 3 / 8)


def back(stable):
    """Return the mean whose transform this is on average."""
    d = np.maximum(stable, 0.5)
    c = np.sqrt(3 / 2)
    mean = d**2 / 4 + c / 4 / d - 11 / 8 / d**2 + 5 * c / 8 / d**3 - 1 / 8
    return np.maximum(mean, 0)


def stabilised(name, observed, photons):
    """Return a baseline's result on the transformed picture, which it sees in [0, 1]."""
    stable = anscombe(photons * observed)
    top = stable.max()
    made = find_baseline("denoise", name)(stable / top, Known(sigma=1 / top))
    return back(top * made) / photons


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--photons", default="4,10,30")
    parser.add_argument("--side", type=int, default=128)
    options = parser.parse_args()
    for name in options.pictures:
        truth = central(load(name), options.side)
        for photons in map(float, options.photons.split(",")):
            observed = degrade.poisson_noise(truth, photons, generator=np.random.default_rng(0))
            began = time.perf_counter()
            recipe = find_recipe("denoise", "fast")
            told = restore(
                observed,
                recipe=recipe,
                given=Given(photons=photons),
                execution=Execution(device="cpu"),
            )
            seconds = time.perf_counter() - began
            scores = {
                "input": observed,
                "fast": restore(observed, recipe=recipe, execution=Execution(device="cpu")).image,
                "fast --photons": told.image,
                "Anscombe + NLM": stabilised("nlm", observed, photons),
                "Anscombe + BM3D": stabilised("bm3d", observed, photons),
                "BM3D, σ estimated": find_baseline("denoise", "bm3d")(observed, Known()),
            }
            line = ", ".join(f"{k} {psnr(v, truth):.2f}" for k, v in scores.items())
            print(f"{name} {photons:g} photons: {line} dB; {told.stop_step} steps, "
                  f"{seconds:.0f} s", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
