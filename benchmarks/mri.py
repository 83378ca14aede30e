"""MRI of the head scan with eight coils, undersampled afterwards: recipes beside classical peers.

    python benchmarks/mri.py eq4_acs20 --methods zero-filled,cg-sense,l1-wavelet,fast,best

The scan is complete (`data` set mri_head8), so lines are left out by the named mask and the full
data are the truth: the root of the sum of squares of all coils, largest value 1. The estimate is
that of S x. PSNR is of all pixels and of those above .05 ("fg"). The peers are sigpy's, with its
ESPIRiT maps, and take the best of their weights BY THE TRUTH, which no user has. Ours find their
own maps and stop by lines that they hold out; "best seen" is the best PSNR at any look of that fit,
"gap" what the stop cost. The methods maps-1 and maps-2 are the complete coil images as far as one
and two sets of our maps explain them. CPU s is the process's time, of one thread if
OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch

from untrained import Callback, find_recipe, reconstruct_mri, with_settings
from untrained.calibration import coil_maps
from untrained.metrics import ssim
from untrained.tasks import prepare_mri

FOREGROUND = 0.05
HERE = Path(__file__).resolve().parent
WEIGHTS = {"cg-sense": (1e-3, 3e-3, 1e-2), "l1-wavelet": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3)}


def load(mask):
    """Return k-space (8, 256, 256) whose full images have a largest value of 1, mask, truth."""
    folder = Path(os.environ["UNTRAINED_DATA"]) / "mri_head8"
    images = np.load(folder / "coil_images.npy")
    images = (images / combined(images).max()).astype(np.complex64)
    axes = (-2, -1)
    shifted = np.fft.ifftshift(images, axes=axes)
    kspace = np.fft.fftshift(np.fft.fft2(shifted, norm="ortho", axes=axes), axes=axes)
    where = np.load(folder / "masks.npz")[mask]
    return (kspace * where).astype(np.complex64), where, combined(images)


def combined(images):
    return np.sqrt((np.abs(images) ** 2).sum(0))


def score(image, truth):
    """Return PSNR, PSNR of the foreground, SSIM."""
    error = (image - truth) ** 2
    inside = truth > FOREGROUND
    db = [-10 * np.log10(e.mean()) for e in (error, error[inside])]
    return *db, ssim(image.astype(np.float32), truth.astype(np.float32), peak=1.0)


def peers(method, kspace, where, truth):
    """Return the image of a classical method, its score, weight, and the CPU s of one run."""
    sigpy, app = sigpy_and_its_apps()
    if method == "zero-filled":
        image = combined(sigpy.ifft(kspace, axes=(-2, -1)))
        return image, score(image, truth), "", 0.0
    lines = middle(where)
    maps = app.EspiritCalib(
        kspace, calib_width=lines, thresh=0.02, kernel_width=6, crop=0, show_pbar=False
    ).run()
    found = []
    for weight in WEIGHTS[method]:
        began = time.process_time()
        if method == "cg-sense":
            run = app.SenseRecon(kspace, maps, lamda=weight, max_iter=30, show_pbar=False)
        else:
            run = app.L1WaveletRecon(kspace, maps, lamda=weight, max_iter=100, show_pbar=False)
        image = combined(maps * run.run())
        seconds = time.process_time() - began
        found.append((image, score(image, truth), f"{weight:g}", seconds))
    return max(found, key=lambda one: one[1])


def explained(sets, kspace, where):
    """Return what `sets` of our maps explain of the complete coil images, S S* c."""
    images = np.load(Path(os.environ["UNTRAINED_DATA"]) / "mri_head8" / "coil_images.npy")
    images = torch.from_numpy((images / combined(images).max()).astype(np.complex64))
    maps = our_maps(kspace, where, sets=sets, soft=False)
    return combined((maps * (maps.conj() * images).sum(1)[:, None]).sum(0).numpy())


def our_maps(kspace, where, **settings):
    mask = torch.from_numpy(np.broadcast_to(where, kspace.shape[1:]).copy()).float()
    return coil_maps(torch.from_numpy(kspace), mask, **settings)


def sigpy_and_its_apps():
    """Import sigpy, whose numba wants the package `coverage`, not coverage.py beside this."""
    before = list(sys.path)
    sys.path[:] = [folder for folder in before if Path(folder or ".").resolve() != HERE]
    try:
        import sigpy
        from sigpy.mri import app
    finally:
        sys.path[:] = before
    return sigpy, app


def middle(where):
    """Return the number of lines in a row around the middle."""
    gaps = np.flatnonzero(~where) - len(where) // 2
    return int(2 * min(gaps[gaps > 0].min(), -gaps[gaps < 0].max() - 1))


class Best(Callback):
    """The best PSNR at any look; every look is said with `say`."""

    def __init__(self, see, truth, say=False):
        self.see, self.truth, self.say = see, truth, say
        self.psnr, self.step = -np.inf, 0

    def on_check(self, check):
        pairs = check.image[0].permute(1, 2, 0).contiguous().numpy()
        scores = score(self.see(pairs.view(np.complex64)), self.truth)
        found = scores[0]
        if self.say:
            print(check.step, *(f"{value:.4f}" for value in scores), f"held-out {check.value:.3e}",
                  file=sys.stderr, flush=True)  # fmt: skip
        if found > self.psnr:
            self.psnr, self.step = found, check.step


def ours(recipe, kspace, where, truth, options):
    """Return the image, its score, what is said of the fit, and its CPU seconds."""
    began = time.process_time()
    given = our_maps(kspace, where, soft=True).numpy() if options.maps == "soft" else options.maps
    measured = prepare_mri(kspace, mask=where, maps=given)
    maps = getattr(measured.given.operator.inner, "maps", None)

    def see(pixels):
        images = np.moveaxis(pixels, -1, 0)
        if maps is not None:
            images = (maps.numpy() * images[:, None]).sum(0)
        return combined(images)

    best = Best(lambda pixels: see(pixels * measured.given.scale), truth, options.looks)
    settings = dict(change.split("=", 1) for change in options.set)
    result = reconstruct_mri(
        kspace, mask=where, maps=given, seed=options.seed, callbacks=[best],
        recipe=with_settings(find_recipe("mri", recipe), settings), return_result=True,
    )  # fmt: skip
    image = see(np.moveaxis(np.atleast_3d(result.image.T).T, 0, -1))
    found = score(image, truth)
    note = (
        f"step {result.kept_step} of {result.stop_step}, best seen {best.psnr:.2f} at {best.step}, "
        f"gap {best.psnr - found[0]:.2f}"
    )
    return image, found, note, time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("masks", nargs="+", help="eq4_acs20, rnd4_.08, eq8_acs10")
    parser.add_argument("--methods", default="zero-filled,cg-sense,l1-wavelet,fast")
    parser.add_argument("--maps", default="auto", choices=("auto", "soft", "none"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--looks", action="store_true", help="say every look, on stderr")
    parser.add_argument("--keep", type=Path, help="folder for the images, .npy")
    options = parser.parse_args()
    for mask in options.masks:
        kspace, where, truth = load(mask)
        for method in options.methods.split(","):
            if method == "zero-filled" or method in WEIGHTS:
                image, found, note, seconds = peers(method, kspace, where, truth)
            elif method in ("maps-1", "maps-2"):
                image, note, seconds = explained(int(method[-1]), kspace, where), "", 0.0
                found = score(image, truth)
            else:
                image, found, note, seconds = ours(method, kspace, where, truth, options)
            psnr, inside, similar = found
            print(f"| {mask} | {method} | {psnr:.2f} | {inside:.2f} | {similar:.4f} | "
                  f"{seconds:.0f} | {note} |", flush=True)  # fmt: skip
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                np.save(options.keep / f"{mask}-{method}.npy", image.astype(np.float32))


if __name__ == "__main__":
    main()
