"""How well σ is estimated before a fit: white and photon noise on pictures that are known.

    python benchmarks/noise_estimates.py set12 set14 kodak24 [--noise gauss:10,gauss:25,poisson:120]

Of each picture's central 256x256, in gray and in colour: the mean over its blocks of 8x8 pixels of
|σ found / σ there - 1|, and without the bars (the bias); the mean over the pictures, and how many
were left alone as grain or texture or taken for noise that neighbours share.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import common
import numpy as np
import torch
import torch.nn.functional as F

from untrained.noise import NoiseModel, clipped_gaussian, clipped_poisson, estimate_noise


def truth_of(noise: str) -> NoiseModel:
    """Return the noise that was added."""
    kind, _, value = noise.partition(":")
    if kind == "gauss":
        return clipped_gaussian(float(value) / 255)
    if kind == "poisson":
        return clipped_poisson(float(value))
    raise SystemExit(f"noise is {noise!r}; wanted gauss:SIGMA or poisson:COUNTS")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--noise", default="gauss:10,gauss:15,gauss:25,gauss:50,poisson:120")
    options = parser.parse_args()
    rows: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    other: dict[tuple[str, str], int] = defaultdict(int)
    for name in [name for group in options.sets for name in common.pictures_of(group)]:
        clean = common.load(name)
        clean = common.central(clean, min(256, *clean.shape[:2]))
        pictures = {"gray": clean.mean(axis=2, keepdims=True)}
        if clean.shape[2] == 3:
            pictures["colour"] = clean
        for kind, picture in pictures.items():
            for noise in options.noise.split(","):
                observed = common.noisy(picture, noise).transpose(2, 0, 1)[None]
                y = torch.from_numpy(np.ascontiguousarray(observed)).float()
                model = estimate_noise(y)
                if model is None or model.doubtful or model.correlation is not None:
                    other[kind, noise] += 1
                    continue
                levels = F.avg_pool2d(y, 8)
                off = model.at(levels) / truth_of(noise).at(levels).clamp_min(1e-3) - 1
                rows[kind, noise].append((float(off.abs().mean()), float(off.mean())))
    lines = []
    for (kind, noise), found in rows.items():
        error, bias = np.mean(found, axis=0)
        lines.append([kind, noise, f"{error:.3f}", f"{bias:+.3f}", str(other[kind, noise])])
    print(common.table(["pictures", "noise", "error", "bias", "taken for something else"], lines))


if __name__ == "__main__":
    main()
