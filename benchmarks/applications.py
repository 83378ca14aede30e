"""Single kinds of damage, each restored by `fast` and by the classical methods, in dB to the truth.

    python benchmarks/applications.py dejpeg kodim05.png kodim23.png --side 128 --out FOLDER

The truth is the middle of each picture. The classical methods are those of `untrained.baselines`,
with the settings that they have there.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import untrained
from untrained.baselines import BASELINES, Known
from untrained.images import Picture, read_picture, write_picture
from untrained.operators import Blur, Mosaic
from untrained.operators.blur import gaussian_kernel
from untrained.simulation.degrade import jpeg_file
from untrained.tasks.dejpeg import read_tables


def psnr(image, truth):
    return 10 * np.log10(1 / np.mean((np.clip(image, 0, 1) - truth) ** 2))


def tensor(image):
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))


def array(image):
    return image[0].permute(1, 2, 0).numpy()


def eight_bits(image):
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


def middle(image, side):
    top, left = ((n - side) // 2 for n in image.shape[:2])
    return image[top : top + side, left : left + side]


def dejpeg(whole, side):
    truth = middle(whole, side)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "compressed.jpg"
        file.write_bytes(jpeg_file(truth, 10))
        tables, shown = read_tables(file), read_picture(file).to_array()
    return truth, shown, lambda: untrained.dejpeg(shown, tables), Known(tables=tables)


def deblur(whole, side):
    kernel = gaussian_kernel(1.6)
    radius = len(kernel) // 2
    truth = middle(whole, side)
    blurred = array(Blur(kernel, boundary="valid")(tensor(middle(whole, side + 2 * radius))))
    noise = np.random.default_rng(0).normal(0, 2 / 255, blurred.shape)
    shown, k = eight_bits(blurred + noise), kernel.numpy()
    return truth, shown, lambda: untrained.deblur(shown, k), Known(kernel=k)


def demosaic(whole, side):
    truth = middle(whole, side)
    shown = eight_bits(array(Mosaic()(tensor(truth))))[..., 0]
    return truth, shown, lambda: untrained.demosaic(shown), Known()


def deinterlace(whole, side):
    truth = eight_bits(middle(whole, side))
    shown, mask = truth.copy(), np.zeros(truth.shape[:2], bool)
    shown[1::2] = np.roll(truth, 4, axis=1)[1::2]  # the camera has panned by four pixels
    mask[::2] = True
    return truth / 255, shown, lambda: untrained.deinterlace(shown), Known(mask=mask)


def flash(whole, side):
    truth = middle(whole, side)
    guide = eight_bits(0.2 + 0.8 * truth[..., 1:2] ** 0.6 * np.array([1, 0.97, 0.9]))
    shown = eight_bits(truth + np.random.default_rng(0).normal(0, 25 / 255, truth.shape))
    return truth, shown, lambda: untrained.flash(shown, guide), Known(guide=guide / 255)


CASES = {f.__name__: f for f in (dejpeg, deblur, demosaic, deinterlace, flash)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--classical", action="store_true", help="leave the fit out")
    options = parser.parse_args()
    for path in options.pictures:
        whole = read_picture(path).pixels[0] / 255
        began = time.perf_counter()
        truth, shown, fit, known = CASES[options.case](whole, options.side)
        observed = shown.reshape(*shown.shape[:2], -1) / 255
        scores = {} if shown.ndim == 2 else {"input": psnr(observed, truth)}
        for name, method in BASELINES[options.case].items():
            scores[name] = psnr(method(observed, known), truth)
        ours = None if options.classical else fit()
        if ours is not None:
            scores["ours"] = psnr(ours / 255, truth)
        seconds = time.perf_counter() - began
        told = ", ".join(f"{name} {score:.2f}" for name, score in scores.items())
        print(f"{options.case} {path.stem}: {told} dB; {seconds:.0f} s", flush=True)
        if options.out and ours is not None:
            seen = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, -1)
            sheet = np.concatenate([seen, ours, eight_bits(truth)], axis=1)
            target = options.out / f"{options.case}-{path.stem}.png"
            write_picture(target, Picture.from_array(sheet))


if __name__ == "__main__":
    main()
