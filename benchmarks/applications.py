"""Single kinds of damage, each restored by `fast` and by a classical peer, in dB to the truth.

    python benchmarks/applications.py dejpeg kodim05.png kodim23.png --side 128 --out FOLDER

The truth is the middle of each picture. The peers take their setting that is best for the truth,
which a user could not know.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import convolve
from skimage.restoration import denoise_nl_means, richardson_lucy, wiener

import untrained
from untrained.images import Picture, read_picture, write_picture
from untrained.operators import Blur, JpegTables, Mosaic
from untrained.operators.blur import gaussian_kernel


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
    buffer = io.BytesIO()
    Image.fromarray(eight_bits(truth)).save(buffer, "JPEG", quality=10)
    with Image.open(buffer) as picture:
        steps = picture.quantization
        shown = np.asarray(picture)
    tables = JpegTables(luma=tuple(steps[0]), chroma=tuple(steps[1]))
    return truth, shown, untrained.dejpeg(shown, tables), {}


def deblur(whole, side):
    kernel = gaussian_kernel(1.6)
    radius = len(kernel) // 2
    truth = middle(whole, side)
    blurred = array(Blur(kernel, boundary="valid")(tensor(middle(whole, side + 2 * radius))))
    noise = np.random.default_rng(0).normal(0, 2 / 255, blurred.shape)
    shown = eight_bits(blurred + noise)
    values, k = shown / 255, kernel.numpy()
    peers = {
        "Wiener": [
            np.stack([wiener(values[..., c], k, balance) for c in range(3)], -1)
            for balance in (0.003, 0.01, 0.03, 0.1)
        ],
        "Richardson-Lucy": [
            np.stack([richardson_lucy(values[..., c], k, num_iter=n) for c in range(3)], -1)
            for n in (3, 5, 10, 20)
        ],
    }
    return truth, shown, untrained.deblur(shown, k), peers


def demosaic(whole, side):
    truth = middle(whole, side)
    mosaic = eight_bits(array(Mosaic()(tensor(truth))))[..., 0]
    masks = Mosaic().masks(side, side)[0].permute(1, 2, 0).numpy()
    taps = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4

    def spread(x):
        return np.stack([convolve(x[..., c], taps, mode="mirror") for c in range(3)], -1)

    bilinear = spread(mosaic[..., None] / 255 * masks) / spread(masks)
    return truth, mosaic, untrained.demosaic(mosaic), {"bilinear": [bilinear]}


def deinterlace(whole, side):
    truth = eight_bits(middle(whole, side))
    shown = truth.copy()
    shown[1::2] = np.roll(truth, 4, axis=1)[1::2]  # the camera has panned by four pixels
    mean = truth / 255
    below = np.concatenate([mean[2::2], mean[-2:-1]])
    mean[1::2] = (mean[::2] + below) / 2
    return truth / 255, shown, untrained.deinterlace(shown), {"line averaging": [mean]}


def flash(whole, side):
    truth = middle(whole, side)
    guide = eight_bits(0.2 + 0.8 * truth[..., 1:2] ** 0.6 * np.array([1, 0.97, 0.9]))
    shown = eight_bits(truth + np.random.default_rng(0).normal(0, 25 / 255, truth.shape))
    means = [
        denoise_nl_means(shown / 255, h=h, sigma=25 / 255, channel_axis=-1)
        for h in (0.04, 0.06, 0.08)
    ]
    peers = {"non-local means": means, "denoise": [untrained.denoise(shown) / 255]}
    return truth, shown, untrained.flash(shown, guide), peers


CASES = {f.__name__: f for f in (dejpeg, deblur, demosaic, deinterlace, flash)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    for path in options.pictures:
        whole = read_picture(path).pixels[0] / 255
        began = time.perf_counter()
        truth, shown, ours, peers = CASES[options.case](whole, options.side)
        seconds = time.perf_counter() - began
        scores = {name: max(psnr(x, truth) for x in made) for name, made in peers.items()}
        if shown.ndim == 3:
            scores = {"input": psnr(shown / 255, truth), **scores}
        scores["ours"] = psnr(ours / 255, truth)
        told = ", ".join(f"{name} {score:.2f}" for name, score in scores.items())
        print(f"{options.case} {path.stem}: {told} dB; {seconds:.0f} s", flush=True)
        if options.out:
            seen = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, -1)
            sheet = np.concatenate([seen, ours, eight_bits(truth)], axis=1)
            target = options.out / f"{options.case}-{path.stem}.png"
            write_picture(target, Picture.from_array(sheet))


if __name__ == "__main__":
    main()
