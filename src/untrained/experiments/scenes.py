"""Observations of known pictures, and how estimates of them are scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from untrained import data
from untrained.baselines import Image, Known
from untrained.images import central
from untrained.operators import LinearOperator, Resample
from untrained.restoring import Given
from untrained.simulation import degrade

__all__ = ["Scene", "SceneOf", "half_missing", "luma", "noisy", "psnr", "shrunk"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """One test case.

    Attributes:
        truth: (H, W, C) in [0, 1]; scores only.
        observed: what the methods are given.
        known: what classical methods may know; ours get the mask and the operator of it, never σ.
        operator: A; None = the identity.
        given: what our recipes are given instead of the mask and the operator; None = those.
        shown: estimate or truth -> what is drawn of it, (H', W', C') in [0, 1]; of a series a few
            frames.
        seen: what is drawn of the observation, where that is no picture; None = itself.
        score: estimate -> PSNR in dB against the truth, as the task's papers count it.
    """

    truth: Image
    observed: Image
    known: Known = field(default_factory=Known)
    operator: LinearOperator | None = None
    given: Given | None = None
    shown: Callable[[Image], Image] = lambda image: image
    seen: Image | None = None
    score: Callable[[Image], float]


SceneOf = Callable[[str, int, int], Scene]
"""(picture, side of the central crop or 0, seed) -> test case."""


def psnr(image: Image, truth: Image) -> float:
    """Return the PSNR in dB of the image clipped to [0, 1], full scale 1."""
    return float(10 * np.log10(1 / np.mean((np.clip(image, 0, 1) - truth) ** 2)))


def luma(image: Image) -> Image:
    """Return Y of ITU-R BT.601 in [16/255, 235/255], as super-resolution papers do."""
    if image.shape[2] == 1:
        return image
    weights = np.array([65.481, 128.553, 24.966]) / 255
    y: Image = (image @ weights + 16 / 255)[:, :, None]
    return y


def noisy(sigma: float) -> SceneOf:
    """Return test cases with Gaussian noise of this σ (0-255), clipped to [0, 1], not rounded."""

    def scene(picture: str, crop: int, seed: int) -> Scene:
        truth = central(data.load(picture), crop)
        generator = np.random.default_rng(seed)
        observed = degrade.gaussian_noise(truth, sigma / 255, generator=generator)
        return Scene(
            truth=truth, observed=observed, known=Known(sigma=sigma / 255),
            score=lambda image: psnr(image, truth),
        )  # fmt: skip

    return scene


def half_missing(picture: str, crop: int, seed: int) -> Scene:
    """Return a test case with every pixel missing with probability 1/2."""
    truth = central(data.load(picture), crop)
    mask = degrade.missing(truth.shape[:2], 0.5, generator=np.random.default_rng(seed))
    return Scene(
        truth=truth, observed=truth * mask[:, :, None], known=Known(mask=mask),
        score=lambda image: psnr(image, truth),
    )  # fmt: skip


def shrunk(factor: int) -> SceneOf:
    """Return test cases made smaller by bicubic filtering, 8 bits; PSNR of Y without a border."""
    operator = Resample(factor, kernel="bicubic")

    def scene(picture: str, crop: int, seed: int) -> Scene:
        truth = degrade.crop_to_multiple(central(data.load(picture), crop), factor)
        small = _array(operator(_tensor(truth))).clip(0, 1)
        inside = slice(factor, -factor)
        clean = luma(truth)[inside, inside]
        return Scene(
            truth=truth, observed=np.rint(small * 255) / 255, known=Known(factor=factor),
            operator=operator,
            score=lambda image: psnr(luma(np.clip(image, 0, 1))[inside, inside], clean),
        )  # fmt: skip

    return scene


def _tensor(image: Image) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))


def _array(tensor: Tensor) -> Image:
    return np.asarray(tensor[0].permute(1, 2, 0).numpy())
