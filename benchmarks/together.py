"""Noisy frames restored together in one fit, and each by a fit of its own.

    python benchmarks/together.py [--frames 6] [--side 80] [--sigma 0.1] [--estimated]

Series with white noise: a window that moves over a Kodak picture by 1 pixel down and 2 across a
frame, in gray; the beginning of the PINCAT phantom; one fluorescence picture (the mean of FMD's
confocal_fish) again and again; and pages that have nothing in common, of different Kodak pictures
(all local data). More than eight frames go in windows, as with `--joint t`. `denoise/fast`,
PSNR of two frames in the middle, clipped to [0, 1]; CPU seconds of one thread a frame.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import common
import numpy as np
from numpy.typing import NDArray

from untrained import data, denoise
from untrained.tasks.frames import restore_series

Frames = NDArray[np.float64]


def moving(count: int, side: int) -> Frames:
    """Return windows (T, H, W) that move over a picture."""
    gray = data.load("kodak24/kodim23.png") @ np.array([0.299, 0.587, 0.114])
    return np.stack([
        gray[200 + t : 200 + t + side, 300 + 2 * t : 300 + 2 * t + side] for t in range(count)
    ])  # fmt: skip


def phantom(count: int, side: int) -> Frames:
    """Return frames of a heart that takes up contrast agent."""
    frames = np.load(data.fetch("mri_dynamic/pincat_perfusion.npy")).astype(np.float64)
    frames = frames[:count, 24 : 24 + side, 24 : 24 + side]
    return frames / frames.max()


def repeats(count: int, side: int) -> Frames:
    """Return one fluorescence picture again and again."""
    clean = data.load("fmd12/confocal_fish_gt.png")[..., 0]
    return np.stack([clean[200 : 200 + side, 200 : 200 + side]] * count)


def unlike(count: int, side: int) -> Frames:
    """Return pages that have nothing in common."""
    gray = np.array([0.299, 0.587, 0.114])
    names = [f"kodak24/kodim{3 + t:02d}.png" for t in range(count)]
    return np.stack([common.central(data.load(name) @ gray, side) for name in names])


def alone(noisy: Frames, sigma: float | None) -> Frames:
    """Return the frames, each denoised by itself."""
    return np.stack([denoise(frame, sigma=sigma, device="cpu") for frame in noisy])


def together(noisy: Frames, sigma: float | None) -> Frames:
    """Return the frames denoised by one fit."""
    return restore_series(noisy, sigma=sigma, device="cpu")


SERIES = (
    ("moving window", moving), ("PINCAT", phantom), ("one picture", repeats), ("unlike", unlike),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--side", type=int, default=80)
    parser.add_argument("--sigma", type=float, default=0.1)
    parser.add_argument("--estimated", action="store_true", help="σ is not given")
    options = parser.parse_args()
    sigma = None if options.estimated else options.sigma
    middle = slice(options.frames // 2 - 1, options.frames // 2 + 1)
    rows = []
    for name, make in SERIES:
        truth = make(options.frames, options.side)
        noise = np.random.default_rng(0).standard_normal(truth.shape)
        noisy = (truth + options.sigma * noise).astype(np.float32)
        cells = [name, f"{common.psnr(noisy[middle], truth[middle]):.2f}"]
        ways: tuple[tuple[Callable[[Frames, float | None], Frames], slice], ...] = (
            (alone, middle), (together, slice(None)),
        )  # fmt: skip
        for way, which in ways:
            began = time.process_time()
            found = way(noisy[which], sigma)
            seconds = (time.process_time() - began) / len(noisy[which])
            found = found if which is middle else found[middle]
            cells.append(f"{common.psnr(found, truth[middle]):.2f} ({seconds:.1f} s)")
        rows.append(cells)
        print(cells, flush=True)
    print(common.table(["series", "noisy", "each alone", "together"], rows))


if __name__ == "__main__":
    main()
