"""The `fast` recipes beside classical methods, on the same observations.

    python experiments/quality.py denoise|inpaint|upscale PICTURE… [-o FOLDER]

A picture is a file or the name of one of scikit-image's (astronaut, chelsea, camera, coffee).
Prints a Markdown table; the pictures go into the folder. The truth is used for scoring only.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, inpaint_biharmonic

from untrained import degrade, find_recipe, restore
from untrained.images import Picture, read_picture, write_picture
from untrained.metrics import mse_to_psnr
from untrained.operators import Resample

Image = NDArray[np.float64]
SIGMA = 25 / 255


def load(name: str) -> Image:
    if Path(name).exists():
        return read_picture(name).pixels[0] / 255.0
    image = getattr(skimage.data, name)() / 255.0
    return image if image.ndim == 3 else image[:, :, None]


def score(image: Image, truth: Image) -> float:
    return mse_to_psnr(float(np.mean((np.clip(image, 0, 1) - truth) ** 2)))


def denoising(truth: Image) -> tuple[Image, dict[str, Image], dict[str, Any]]:
    observed = degrade.gaussian_noise(truth, SIGMA, generator=np.random.default_rng(0))
    # scikit-image's non-local means goes wrong on a channel axis of one
    plain = observed[:, :, 0] if truth.shape[2] == 1 else observed
    peers = {
        "NLM": denoise_nl_means(
            plain, patch_size=5, patch_distance=6, h=0.6 * SIGMA, sigma=SIGMA,
            fast_mode=True, channel_axis=-1 if plain.ndim == 3 else None,
        ).reshape(truth.shape),
        "TV": denoise_tv_chambolle(observed, weight=0.1, channel_axis=-1),
    }  # fmt: skip
    return observed, peers, {}


def inpainting(truth: Image) -> tuple[Image, dict[str, Image], dict[str, Any]]:
    known = degrade.missing(truth.shape[:2], 0.5, generator=np.random.default_rng(0))
    observed = truth * known[:, :, None]
    return (
        observed,
        {"biharmonic": inpaint_biharmonic(observed, ~known, channel_axis=-1)},
        {"mask": known},
    )


def upscaling(truth: Image) -> tuple[Image, dict[str, Image], dict[str, Any]]:
    observed = degrade.downscale(truth, 4)
    tensor = torch.from_numpy(observed.transpose(2, 0, 1)[None])
    large = torch.nn.functional.interpolate(tensor, scale_factor=4, mode="bicubic")
    peers = {"bicubic": large[0].permute(1, 2, 0).numpy()}
    return observed, peers, {"operator": Resample(4)}


TASKS = {"denoise": denoising, "inpaint": inpainting, "upscale": upscaling}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--recipe", default="fast")
    options = parser.parse_args()
    header: list[str] = []
    for name in options.pictures:
        truth = load(name)
        if options.task == "upscale":
            truth = degrade.crop_to_multiple(truth, 4)
        observed, peers, extra = TASKS[options.task](truth)
        recipe = find_recipe(options.task, options.recipe)
        result = restore(observed, recipe=recipe, truth=truth, **extra)
        assert result.score is not None
        assert result.image is not None
        if not header:
            header = ["picture", *(["input"] if observed.shape == truth.shape else []), *peers,
                      options.recipe, "SSIM", "peak", "gap", "steps", "stopped by"]  # fmt: skip
            print("| " + " | ".join(header) + " |\n" + "| --- " * len(header) + "|")
        before = [f"{score(observed, truth):.2f}"] if observed.shape == truth.shape else []
        row = [
            f"{Path(name).stem} {truth.shape[0]}×{truth.shape[1]}×{truth.shape[2]}", *before,
            *(f"{score(peer, truth):.2f}" for peer in peers.values()),
            f"**{score(result.image, truth):.2f}**", f"{result.score.ssim_kept:.3f}",
            f"{result.score.peak_psnr:.2f} @ {result.score.peak_step}", f"{result.score.gap:.2f}",
            str(result.stop_step), result.reason.value,
        ]  # fmt: skip
        print("| " + " | ".join(row) + " |", flush=True)
        if options.output:
            options.output.mkdir(parents=True, exist_ok=True)
            images = {"observed": observed, **peers, options.recipe: result.image, "truth": truth}
            for what, image in images.items():
                values = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
                path = options.output / f"{options.task}-{Path(name).stem}-{what}.png"
                write_picture(path, Picture.from_array(values))


if __name__ == "__main__":
    main()
