"""What the benchmarks share: standard pictures, degradations, peers, tables."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.ndimage
import skimage.data
import torch
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, inpaint_biharmonic

from untrained import degrade, find_recipe, restore
from untrained.acceleration import Acceleration
from untrained.images import read_picture

Image = NDArray[np.float64]

PICTURES = ("astronaut", "chelsea", "camera", "coffee")
"""Pictures that come with scikit-image; settings are chosen on these and on Kodak's."""


def data_folder() -> Path:
    """Return the folder of the standard sets."""
    folder = os.environ.get("UNTRAINED_DATA")
    if not folder:
        raise SystemExit("UNTRAINED_DATA is not set; point it at the folder of standard pictures")
    return Path(folder)


def load(name: str) -> Image:
    """Return a picture (H, W, C) in [0, 1]: a file, one of scikit-image's, or SET/NAME."""
    if name in PICTURES:
        values = getattr(skimage.data, name)()
        return (values if values.ndim == 3 else values[:, :, None]) / 255.0
    path = Path(name) if Path(name).exists() else data_folder() / name
    return read_picture(path).pixels[0] / 255.0


def pictures_of(name: str) -> list[str]:
    """Return the names of a set's pictures, or the one picture."""
    if name in PICTURES or Path(name).is_file():
        return [name]
    folder = data_folder() / name
    return sorted(f"{name}/{path.name}" for path in folder.iterdir())


def central(image: Image, side: int) -> Image:
    """Return the central square, no larger than the picture."""
    top, left = (max(0, (n - side) // 2) for n in image.shape[:2])
    return image[top : top + side, left : left + side]


def psnr(image: Image, truth: Image) -> float:
    """Return the PSNR in dB of the clipped image, full scale 1."""
    return float(10 * np.log10(1 / np.mean((np.clip(image, 0, 1) - truth) ** 2)))


def luma(image: Image) -> Image:
    """Return Y of ITU-R BT.601 in [16/255, 235/255], as super-resolution papers do."""
    if image.shape[2] == 1:
        return image
    weights = np.array([65.481, 128.553, 24.966]) / 255
    return (image @ weights + 16 / 255)[:, :, None]


def psnr_y(image: Image, truth: Image, border: int) -> float:
    """Return the PSNR of Y without a border."""
    inside = slice(border, -border)
    a, b = (luma(np.clip(x, 0, 1))[inside, inside] for x in (image, truth))
    return psnr(a, b)


def noisy(truth: Image, noise: str, seed: int = 0) -> Image:
    """Return the truth with noise: gauss:25, poisson:30 (counts at white), salt:10 (percent)."""
    kind, _, value = noise.partition(":")
    generator = np.random.default_rng(seed)
    if kind == "gauss":
        return degrade.gaussian_noise(truth, float(value) / 255, generator=generator)
    if kind == "poisson":
        return degrade.poisson_noise(truth, float(value), generator=generator)
    if kind == "salt":
        hit = generator.random(truth.shape[:2])[:, :, None] < float(value) / 100
        return np.where(hit, generator.integers(0, 2, truth.shape), truth).astype(float)
    raise SystemExit(f"noise is {noise!r}; wanted gauss:SIGMA, poisson:COUNTS or salt:PERCENT")


# ------------------------------------------------------------------------------------ peers


def nlm(observed: Image, sigma: float) -> Image:
    """Return scikit-image's non-local means (patch 5, distance 6, h = .6σ, fast mode)."""
    plain = observed[:, :, 0] if observed.shape[2] == 1 else observed
    axis = -1 if plain.ndim == 3 else None
    result = denoise_nl_means(
        plain, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True,
        channel_axis=axis,
    )  # fmt: skip
    return np.asarray(result).reshape(observed.shape)


def tv(observed: Image, sigma: float) -> Image:
    """Return scikit-image's total variation denoising (Chambolle), weight σ."""
    return np.asarray(denoise_tv_chambolle(observed, weight=sigma, channel_axis=-1))


def bm3d(observed: Image, sigma: float) -> Image:
    """Return BM3D (`pip install bm3d`), the colour version for three channels."""
    import bm3d as package

    if observed.shape[2] == 3:
        return np.asarray(package.bm3d_rgb(observed, sigma))
    return np.asarray(package.bm3d(observed[:, :, 0], sigma)).reshape(observed.shape)


def median(observed: Image, sigma: float) -> Image:
    """Return the switching median: black and white pixels replaced by the median of 3x3."""
    extreme = (observed <= 0) | (observed >= 1)
    return np.where(extreme, scipy.ndimage.median_filter(observed, size=(3, 3, 1)), observed)


def biharmonic(observed: Image, known: NDArray[np.bool_]) -> Image:
    """Return scikit-image's biharmonic inpainting."""
    return np.asarray(inpaint_biharmonic(observed, ~known, channel_axis=-1))


def bicubic(observed: Image, factor: int) -> Image:
    """Return bicubic interpolation (a = -.75) by a whole number."""
    tensor = torch.from_numpy(np.ascontiguousarray(observed.transpose(2, 0, 1)[None]))
    large = torch.nn.functional.interpolate(tensor, scale_factor=factor, mode="bicubic")
    return np.asarray(large[0].permute(1, 2, 0).numpy())


def zs_n2n(observed: Image, sigma: float) -> Image:
    """Return Zero-Shot Noise2Noise (Mansour & Heckel, CVPR 2023), our recipe of that name."""
    recipe = find_recipe("denoise", "zs-n2n")
    recipe = replace(recipe, acceleration=Acceleration(precision="float32"))
    return np.asarray(restore(observed, recipe=recipe, sigma=sigma, device="cpu").image)


DENOISERS: dict[str, Callable[[Image, float], Image]] = {
    "NLM": nlm, "TV": tv, "BM3D": bm3d, "ZS-N2N": zs_n2n, "median": median,
}  # fmt: skip


# ---------------------------------------------------------------------------------- records


def machine() -> dict[str, Any]:
    """Return what the numbers depend on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "threads": torch.get_num_threads(),
        "processor": gpu or platform.processor() or platform.machine(),
        "torch": torch.__version__,
    }


def save(path: Path, data: Any) -> None:
    """Write JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(data, indent=1))
    part.replace(path)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
