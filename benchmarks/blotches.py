"""Colour blotches: how much of a denoised picture's error is colour of 4 to 16 pixels in size.

    python benchmarks/blotches.py polyu10 [--crop 256] [--noise camera:400:90]
    python benchmarks/blotches.py kodak24/kodim01.png … --crop 256 --noise camera:400:90

The error to the truth is taken in orthonormal opponent colours, (1, 0, -1) and (1, -2, 1); of its
waves of 4 to 16 pixels (a ring in the plane of frequencies) the root mean square of
both colours in units of 1/255, over the whole picture, and over the half of it where the truth's
brightness varies least within 9x9 pixels: there it is blotches, elsewhere it is edges that bleed.
"truth" is the same of the clean picture itself, its mean taken off. Ours is `denoise/fast`, seed 0,
given nothing. A set of pairs (polyu10) needs no --noise.
"""

from __future__ import annotations

import argparse

import common
import numpy as np
import torch
from common import Image
from numpy.typing import NDArray
from quality import _error, real
from scipy.ndimage import uniform_filter

from untrained import restore
from untrained.noise import to_opponent

_WAVES = (4.0, 16.0)  # pixels


def colours(image: Image) -> NDArray[np.float64]:
    """Return both opponent colours (2, H, W) of a picture (H, W, 3), in units of 1/255."""
    planes = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])).float()
    return to_opponent(planes)[0, 1:].double().numpy() * 255


def band(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return of planes (…, H, W) the waves of 4 to 16 pixels alone."""
    height, width = planes.shape[-2:]
    down, across = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    radius = np.hypot(down, across)
    kept = (radius >= 1 / _WAVES[1]) & (radius <= 1 / _WAVES[0])
    return np.fft.ifft2(np.fft.fft2(planes) * kept).real


def flat_half(truth: Image) -> NDArray[np.bool_]:
    """Return where the brightness of a picture varies least, half of it."""
    gray = truth.mean(axis=2)
    variance = uniform_filter(gray**2, 9) - uniform_filter(gray, 9) ** 2
    return variance <= np.median(variance)


def blotches(image: Image, truth: Image) -> tuple[float, float]:
    """Return the root mean square of the colours' error in the band: everywhere, where flat."""
    found = band(colours(image.clip(0, 1) - truth)) ** 2
    total = found.sum(axis=0)
    return float(np.sqrt(total.mean())), float(np.sqrt(total[flat_half(truth)].mean()))


def observed_of(name: str, options: argparse.Namespace) -> tuple[Image, Image]:
    """Return the truth and what was observed of it."""
    if options.noise is None:
        truth, observed, _, _ = real(name, options)
        return truth, observed
    truth = common.load(name)
    truth = common.central(truth, options.crop) if options.crop else truth
    return truth, common.noisy(truth, options.noise)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--noise")
    parser.add_argument("--peers", default="NLM=0.015,BM3D-model", type=lambda t: t.split(","))
    options = parser.parse_args()
    names = [name for group in options.sets for name in common.pictures_of(group)]
    names = [name for name in names if not name.rpartition(".")[0].endswith("_mean")]
    columns: dict[str, list[tuple[float, float]]] = {}
    for name in names:
        truth, observed = observed_of(name, options)
        ours = restore(observed, recipe="denoise/fast", seed=0).image
        assert ours is not None
        images = {"truth": None, "input": observed}
        images |= {p: common.denoiser(p)(observed, _error(observed, truth)) for p in options.peers}
        images["fast"] = ours
        for label, image in images.items():
            if image is None:  # the picture's own colours
                own = band(colours(truth)) ** 2
                flat = own.sum(axis=0)[flat_half(truth)].mean()
                value = float(np.sqrt(own.sum(axis=0).mean())), float(np.sqrt(flat))
            else:
                value = blotches(image, truth)
            columns.setdefault(label, []).append(value)
        cells = [f"{label} {values[-1][0]:.2f} {values[-1][1]:.2f}" for label, values in
                 columns.items()]  # fmt: skip
        print(f"{name}: {', '.join(cells)}", flush=True)
    rows = [
        [where, *(f"{np.mean([value[i] for value in v]):.2f}" for v in columns.values())]
        for i, where in enumerate(("everywhere", "where it is flat"))
    ]
    print(common.table([f"mean of {len(names)}", *columns], rows))


if __name__ == "__main__":
    main()
