"""Deblurring with the kernel given and without it, beside Wiener and Richardson-Lucy given it.

    python benchmarks/deblurring.py kodim05 camera --kernel motion --side 128 --work FOLDER

The runs are kept in the folder: killed, the same command goes on.

The truth is the middle of each picture; the blurred picture shows light from beyond its frame, has
noise of --noise (of 255), and 8 bits. Wiener and Richardson-Lucy are given the kernel, a reflected
border, and the setting that is best for the truth, which a user could not know.

A kernel and a picture moved against each other blur to the same: where the kernel is not given, the
PSNR is the best over whole-pixel shifts up to --shift, and the same is granted to everybody. A
border of as many pixels is not scored.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from common import central, load
from skimage.restoration import richardson_lucy, wiener

from untrained import find_recipe
from untrained.images import Picture, read_picture, to_unit, write_picture
from untrained.jobs import Job, run_job
from untrained.operators import Blur
from untrained.operators.blur import gaussian_kernel


def motion_kernel(side: int = 15, seed: int = 1) -> np.ndarray:
    """Return the trace of a shaking hand: a random walk with inertia, its centre in the middle."""
    generator = np.random.default_rng(seed)
    speed, place, places = generator.normal(0, 1, 2), np.zeros(2), []
    for _ in range(400):
        speed = 0.98 * speed + 0.2 * generator.normal(0, 1, 2)
        place = place + speed
        places.append(place)
    path = np.array(places)
    path -= path.mean(0)
    path *= (side // 2 - 1) / np.abs(path).max()
    kernel = np.zeros((side, side))
    for row, column in path + side // 2:  # bilinear, so that the trace is smooth
        top, left = int(row), int(column)
        down, right = row - top, column - left
        kernel[top : top + 2, left : left + 2] += np.outer([1 - down, down], [1 - right, right])
    return kernel / kernel.sum()


KERNELS = {
    "motion": motion_kernel,
    "gauss": lambda: gaussian_kernel(1.6).numpy(),
}


def psnr_shifted(image, truth, reach):
    """Return the best PSNR over whole-pixel shifts, without a border of `reach` pixels."""
    inside = slice(reach, -reach or None)
    best = 0.0
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            moved = np.roll(image, (down, across), (0, 1))
            error = np.mean((np.clip(moved, 0, 1) - truth)[inside, inside] ** 2)
            best = max(best, 10 * np.log10(1 / error))
    return best


def by_channel(method, observed, kernel):
    """Return a classical method's result, the border reflected by two kernels."""
    pad = 2 * len(kernel)
    wide = np.pad(observed, ((pad, pad), (pad, pad), (0, 0)), mode="reflect")
    made = np.stack([method(c) for c in np.moveaxis(wide, -1, 0)], -1)
    return made[pad:-pad, pad:-pad]


def classical(observed, kernel):
    """Return Wiener's and Richardson-Lucy's results at several settings."""
    return {
        "Wiener": [
            by_channel(lambda c, b=balance: wiener(c, kernel, b), observed, kernel)
            for balance in (0.001, 0.003, 0.01, 0.03, 0.1)
        ],
        "Richardson-Lucy": [
            by_channel(lambda c, n=n: richardson_lucy(c, kernel, num_iter=n), observed, kernel)
            for n in (5, 10, 20, 40, 80)
        ],
    }


def run(source, task, recipe, side):
    """Return image, kernel found, seconds; a run that was killed goes on where it was."""
    job = Job(
        task=task, source=source, target=source.with_name(f"{source.stem}-{task}-{recipe}.png"),
        recipe=find_recipe(task, recipe), device="cpu", checkpoint_every=10,
        files={"kernel": source.with_suffix(".npy")} if task == "deblur" else {},
        options={} if task == "deblur" else {"kernel_size": side},
    )  # fmt: skip
    outcome = run_job(job)
    kernel = outcome.folder / "kernel.npy"
    return (
        read_picture(job.target).pixels[0] / 255,
        np.load(kernel) if kernel.exists() else None,
        outcome.record["results"][0]["seconds"],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--kernel", choices=KERNELS, default="motion")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--noise", type=float, default=1)
    parser.add_argument("--shift", type=int, default=6)
    parser.add_argument("--methods", default="deblur/fast,deblur-blind/fast")
    parser.add_argument("--work", type=Path, default=Path("deblurring"))
    options = parser.parse_args()
    kernel = KERNELS[options.kernel]()
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.pictures:
        whole = central(load(name), options.side + len(kernel) - 1)
        truth = central(whole, options.side)
        blurred = Blur(torch.from_numpy(kernel), boundary="valid")(to_unit(whole)[0].double())
        blurred = blurred[0].permute(1, 2, 0).numpy()
        blurred += np.random.default_rng(0).normal(0, options.noise / 255, blurred.shape)
        shown = np.rint(255 * blurred.clip(0, 1)).astype(np.uint8)
        scores = {"blurred": psnr_shifted(shown / 255, truth, options.shift)}
        for method, made in classical(shown / 255, kernel).items():
            scores[method] = max(psnr_shifted(x, truth, options.shift) for x in made)
        sheet = [shown / 255]
        source = options.work / f"{Path(name).stem}-{options.kernel}.png"
        write_picture(source, Picture.from_array(shown))
        np.save(source.with_suffix(".npy"), kernel)
        for method in options.methods.split(","):
            task, recipe = method.split("/")
            image, found, seconds = run(source, task, recipe, len(kernel))
            scores[f"{method} ({seconds:.0f} s)"] = psnr_shifted(image, truth, options.shift)
            sheet.append(image)
            if found is not None:
                at = np.zeros((options.side, options.side, truth.shape[2]))
                for i, k in enumerate((kernel, found)):
                    big = np.kron(k / k.max(), np.ones((3, 3)))[: options.side, : options.side]
                    at[: len(big), i * len(big) : (i + 1) * len(big)] = big[..., None]
                sheet.append(at)
        print(f"{name} {options.kernel}:", ", ".join(f"{k} {v:.2f}" for k, v in scores.items()),
              "dB", flush=True)  # fmt: skip
        row = np.rint(255 * np.concatenate([*sheet, truth], axis=1).clip(0, 1))
        target = source.with_name(f"{source.stem}-sheet.png")
        write_picture(target, Picture.from_array(row.astype(np.uint8)))


if __name__ == "__main__":
    main()
