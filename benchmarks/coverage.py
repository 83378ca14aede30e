"""What an uncertainty map is worth: the fraction of clean pixels inside its 90 % interval.

    python benchmarks/coverage.py [--side 128] [--steps 1000] [--recipe sgld-fast] [--members 1]
        [--pictures NAME ...]

Three pictures of scikit-image, cut from the middle, Gaussian noise of 25/255. The interval is
mean ± 1.645 s; a map that is right covers 90 %. `raw` takes s as the samples (or the members)
give it; `calibrated` adds what pixels that the fit has not seen show to be missing
(`untrained.uncertainty`); none sees the clean picture, which only scores. For comparison `scaled`
stretches s to the same root mean square and `constant` is that number everywhere. spread,
uncertainty, error: root mean squares on the 0-255 scale; rank: of spread and error, Spearman's.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from common import central, load, machine, noisy, save, table

from untrained import find_recipe, restore
from untrained.averaging import SampleAverage
from untrained.images import Picture, write_picture
from untrained.metrics import psnr
from untrained.recipes import Recipe
from untrained.restoring import Execution, Given, coverage

PICTURES = ("astronaut", "camera", "coffee")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--recipe", default="sgld-fast")
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--pictures", nargs="*", default=PICTURES)
    parser.add_argument("--out", type=Path, default=Path("coverage"))
    options = parser.parse_args()
    recipe = shortened(find_recipe("denoise", options.recipe), options.steps)
    recipe = replace(recipe, members=options.members)
    rows, records = [], []
    for name in options.pictures:
        truth = central(load(name), options.side)
        record, maps = measure(truth, recipe)
        records.append({"picture": name, **record})
        rows.append([name, *(f"{record[key]:{form}}" for key, form in COLUMNS.items())])
        write_picture(options.out / f"{name}.png", Picture.from_array(maps))
        print(rows[-1], flush=True)
    save(options.out / f"{options.recipe}-{options.members}-{'-'.join(options.pictures)}.json", {
        "machine": machine(), "side": options.side, "steps": recipe.max_steps, "rows": records,
    })  # fmt: skip
    print(table(["picture", *COLUMNS], rows))


COLUMNS = {
    "psnr": ".2f", "raw": ".1%", "calibrated": ".1%", "scaled": ".1%", "constant": ".1%",
    "spread": ".2f", "uncertainty": ".2f", "error": ".2f", "rank": ".2f", "seconds": ".0f",
}  # fmt: skip


def shortened(recipe: Recipe, steps: int | None) -> Recipe:
    """Return the recipe with fewer steps, and the burn-in and thinning in proportion."""
    if steps is None:
        return recipe
    ratio = steps / recipe.max_steps
    average = recipe.average
    if isinstance(average, SampleAverage):
        average = replace(
            average,
            burn_in=round(average.burn_in * ratio),
            every=max(1, round(average.every * ratio)),
        )
    return replace(recipe, max_steps=steps, average=average)


def measure(truth: np.ndarray, recipe: Recipe) -> tuple[dict[str, float], np.ndarray]:
    """Return the numbers of one picture, and noisy | mean | error | spread side by side."""
    observed = noisy(truth, "gauss:25")
    began = time.monotonic()
    result = restore(
        observed, recipe=recipe, given=Given(sigma=25 / 255), execution=Execution(device="cpu")
    )
    clean = torch.from_numpy(truth.transpose(2, 0, 1)[None]).float()
    mean, spread = result.estimate, result.extras["spread"]
    shown = result.extras.get("uncertainty", spread)
    error = (clean - mean).abs()
    record = {
        "psnr": float(psnr(mean, clean)),
        "raw": coverage(clean, mean, spread),
        "calibrated": coverage(clean, mean, shown) if "uncertainty" in result.extras else np.nan,
        "scaled": coverage(clean, mean, spread * power(shown) / power(spread)),
        "constant": coverage(clean, mean, torch.full_like(mean, power(shown))),
        "spread": 255 * power(spread),
        "uncertainty": 255 * power(shown),
        "error": 255 * power(error),
        "rank": rank_correlation(error, spread),
        "seconds": time.monotonic() - began,
    }
    wide = [clean * 0 + x for x in (mean, 6 * error, 6 * 1.645 * shown)]
    noisy_one = torch.from_numpy(observed.transpose(2, 0, 1)[None]).float()
    row = torch.cat([noisy_one, *wide], dim=3)[0].permute(1, 2, 0).clamp(0, 1)
    return record, np.rint(row.numpy() * 255).astype(np.uint8)


def power(x: torch.Tensor) -> float:
    """Return the root mean square."""
    return float(x.square().mean().sqrt())


def rank_correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return Spearman's: 1 = where the spread is larger, so is the error."""
    ranks = [x.flatten().argsort().argsort().double() for x in (a, b)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])


if __name__ == "__main__":
    main()
