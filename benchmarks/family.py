"""Every denoising member of the family on one small picture, with as many steps as given.

    python benchmarks/family.py [--side 128] [--steps 300] [--only NAME ...]

The centre of scikit-image's astronaut, Gaussian noise of 25/255, its level given. Most members
are published with many more steps than a CPU has patience for: the table says what they reach with
few, beside `fast` and `paper` under the same limit, not how good they are in the end.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
from common import central, load, machine, noisy, psnr, table
from coverage import shortened

from untrained import find_recipe, restore
from untrained.recipes.family import FAMILY
from untrained.restoring import Execution, Given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--steps", type=int, default=300)
    names = [recipe.name for recipe in FAMILY]
    parser.add_argument("--only", nargs="*", default=["fast", "paper", "deep-decoder", *names])
    options = parser.parse_args()
    truth = central(load("astronaut"), options.side)
    observed = noisy(truth, "gauss:25")
    rows = [["noisy", "", f"{psnr(observed, truth):.2f}", ""]]
    print(machine())
    for name in options.only:
        recipe = find_recipe("denoise", name)
        recipe = shortened(recipe, min(recipe.max_steps, options.steps))
        if name == "self2self":
            recipe = replace(recipe, objective=replace(recipe.objective, num_predictions=20))
        began = time.monotonic()
        result = restore(
            observed, recipe=recipe, given=Given(sigma=25 / 255), execution=Execution(device="cpu")
        )
        assert result.image is not None
        seconds = time.monotonic() - began
        score = psnr(np.asarray(result.image), truth)
        rows.append([name, str(result.stop_step), f"{score:.2f}", f"{seconds:.0f}"])
        print(rows[-1], flush=True)
    print(table(["recipe", "steps", "PSNR", "seconds"], rows))


if __name__ == "__main__":
    main()
