"""What the benchmarks share: standard pictures, degradations, peers, tables."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained import data, find_recipe, restore
from untrained.baselines import Known, find_baseline
from untrained.experiments.scenes import luma, psnr
from untrained.fitting import Acceleration
from untrained.images.sheets import central as central
from untrained.noise import estimate_noise, from_opponent, to_opponent
from untrained.restoring import Execution, Given
from untrained.simulation import degrade
from untrained.simulation.camera import camera_jpeg

Image = NDArray[np.float64]

PICTURES = ("astronaut", "chelsea", "camera", "coffee")
"""Pictures that come with scikit-image; settings are chosen on these and on Kodak's."""


def load(name: str) -> Image:
    """Return a picture (H, W, C) in [0, 1]: a file, one of scikit-image's, or SET/NAME."""
    return data.load(f"skimage/{name}" if name in PICTURES else name)


def pictures_of(name: str) -> list[str]:
    """Return the names of a set's pictures, or the one picture."""
    if name in PICTURES or Path(name).is_file():
        return [name]
    return sorted(data.names_in(name))


def psnr_y(image: Image, truth: Image, border: int) -> float:
    """Return the PSNR of Y without a border."""
    inside = slice(border, -border)
    a, b = (luma(np.clip(x, 0, 1))[inside, inside] for x in (image, truth))
    return psnr(a, b)


def noisy(truth: Image, noise: str, seed: int = 0) -> Image:
    """Return the truth with noise: gauss:25, poisson:30 (counts at white), salt:10 (percent).

    camera:400:90 is what a camera makes of it: photons at white, quality of the JPEG.
    """
    kind, _, value = noise.partition(":")
    generator = np.random.default_rng(seed)
    if kind == "gauss":
        return degrade.gaussian_noise(truth, float(value) / 255, generator=generator)
    if kind == "poisson":
        return degrade.poisson_noise(truth, float(value), generator=generator)
    if kind == "salt":
        hit = generator.random(truth.shape[:2])[:, :, None] < float(value) / 100
        return np.where(hit, generator.integers(0, 2, truth.shape), truth).astype(float)
    if kind == "camera":
        photons, _, quality = value.partition(":")
        return camera_jpeg(truth, float(photons), quality=int(quality or 90), generator=generator)
    raise SystemExit(
        f"noise is {noise!r}; wanted gauss:SIGMA, poisson:COUNTS, salt:PERCENT or "
        "camera:PHOTONS:QUALITY"
    )


# ------------------------------------------------------------------------------------ peers


def zs_n2n(observed: Image, sigma: float) -> Image:
    """Return Zero-Shot Noise2Noise (Mansour & Heckel, CVPR 2023), our recipe of that name."""
    recipe = find_recipe("denoise", "zs-n2n")
    recipe = replace(recipe, acceleration=Acceleration(precision="float32"))
    return np.asarray(
        restore(
            observed, recipe=recipe, given=Given(sigma=sigma), execution=Execution(device="cpu")
        ).image
    )


def _classical(name: str) -> Callable[[Image, float], Image]:
    method = find_baseline("denoise", name)
    return lambda observed, sigma: method(observed, Known(sigma=sigma))


def bm3d_of_model(observed: Image, sigma: float) -> Image:
    """Return BM3D (Makinen et al., TIP 2020, for correlated noise) given our own noise model.

    It is what `fast` begins with, without its image: the power spectrum of each opponent channel,
    or one σ for all where the noise is white.
    """
    import bm3d

    # NumPy 2 renamed what bm3d 4 calls.
    vars(np).setdefault("trapz", np.trapezoid)
    y = torch.from_numpy(np.ascontiguousarray(observed.transpose(2, 0, 1)[None])).float()
    model = estimate_noise(y)
    if model is None or model.doubtful:
        return observed
    if model.correlation is None:
        return DENOISERS["BM3D"](observed, model.sigma)
    height, width = observed.shape[:2]
    reach = model.correlation.shape[-1] // 2
    channels = []
    for noisy, correlation in zip(to_opponent(y)[0].numpy(), model.correlation, strict=True):
        covariance = np.zeros((height, width))
        covariance[: 2 * reach + 1, : 2 * reach + 1] = model.sigma**2 * correlation.numpy()
        power = np.fft.fft2(np.roll(covariance, (-reach, -reach), (0, 1))).real.clip(min=0)
        channels.append(bm3d.bm3d(noisy.astype(float), power * height * width))
    found = from_opponent(torch.from_numpy(np.stack(channels)[None]).float())
    return found[0].numpy().transpose(1, 2, 0).astype(float)


DENOISERS: dict[str, Callable[[Image, float], Image]] = {
    "NLM": _classical("nlm"), "TV": _classical("tv"), "BM3D": _classical("bm3d"),
    "wavelet": _classical("wavelet"), "median": _classical("median"), "ZS-N2N": zs_n2n,
    "BM3D-model": bm3d_of_model,
}  # fmt: skip


def _stabilised(image: Image, counts: float) -> Image:
    """Return BM3D of 2 √(n y + 3/8), whose noise has σ = 1, and the unbiased inverse.

    The closed form of Makitalo & Foi, "A closed-form approximation of the exact unbiased inverse
    of the Anscombe variance-stabilizing transformation", TIP 2011.
    """
    stable = 2 * np.sqrt(counts * image + 3 / 8)
    top = float(stable.max())
    d = DENOISERS["BM3D"](stable / top, 1 / top).clip(0.1 / top) * top
    root = np.sqrt(1.5)
    found = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8
    return (found / counts).clip(0, 1)


def denoiser(name: str) -> Callable[[Image, float], Image]:
    """Return a peer by name; NLM=h and blur=pixels have one setting for all pictures.

    Raises:
        KeyError: no such peer.
    """
    kind, _, value = name.partition("=")
    if not value:
        return DENOISERS[name]
    setting = float(value)
    if kind == "VST-BM3D":
        return lambda image, sigma: _stabilised(image, setting)
    if kind == "blur":
        from scipy.ndimage import gaussian_filter

        return lambda image, sigma: np.asarray(gaussian_filter(image, (setting, setting, 0)))
    if kind != "NLM":
        raise KeyError(name)

    def nlm(image: Image, sigma: float) -> Image:
        from skimage.restoration import denoise_nl_means

        flat = image[..., 0] if image.shape[2] == 1 else image
        found = denoise_nl_means(
            flat, h=setting, patch_size=7, patch_distance=11, fast_mode=True,
            channel_axis=None if flat.ndim == 2 else -1,
        )  # fmt: skip
        return np.asarray(found).reshape(image.shape)

    return nlm


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
