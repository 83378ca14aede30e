"""The bundled demonstration: a noisy photograph, restored, beside non-local means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from untrained.baselines import Known, find_baseline
from untrained.degrade import gaussian_noise
from untrained.images import read_picture, write_picture
from untrained.metrics import mse_to_psnr

__all__ = ["SIGMA", "run_demo"]

SIGMA = 25.0
"""Noise level of the demonstration on the 0-255 scale."""


def run_demo(folder: Path, restore_file: Callable[[Path, Path, Path], int], *, quiet: bool) -> int:
    """Write clean.png, noisy.png, restored.png and comparison.png into the folder.

    `restore_file(noisy, target, truth)` is the command `untrained denoise`; its exit code is
    returned.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with as_file(files("untrained") / "samples" / "chelsea.png") as path:
        clean = read_picture(path)
    image = clean.pixels[0] / 255
    noisy = gaussian_noise(image, SIGMA / 255, generator=np.random.default_rng(0))
    paths = {name: folder / f"{name}.png" for name in ("clean", "noisy", "restored", "comparison")}
    for name, pixels in (("clean", image), ("noisy", noisy)):
        values = np.rint(pixels * 255).astype(np.uint8)
        write_picture(paths[name], replace(clean, pixels=values[None]))
    code = restore_file(paths["noisy"], paths["restored"], paths["clean"])
    if code != 0:
        return code
    restored = read_picture(paths["restored"]).pixels[0] / 255
    observed = read_picture(paths["noisy"]).pixels[0] / 255
    nlm = find_baseline("denoise", "nlm")(observed, Known(sigma=SIGMA / 255))
    side_by_side = np.concatenate([observed, restored, image], axis=1)
    values = np.rint(side_by_side * 255).astype(np.uint8)
    write_picture(paths["comparison"], replace(clean, pixels=values[None]))
    if not quiet:
        psnrs = {
            name: mse_to_psnr(float(np.mean((pixels - image) ** 2)))
            for name, pixels in (("noisy", observed), ("non-local means", nlm), ("ours", restored))
        }
        print("PSNR to the truth: " + ", ".join(f"{n} {p:.2f} dB" for n, p in psnrs.items()))
        print(f"restored: {paths['restored']}")
        print(f"noisy | restored | clean: {paths['comparison']}")
    return 0
