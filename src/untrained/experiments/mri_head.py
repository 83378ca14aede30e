"""A head scan with eight coils from a fourth and an eighth of its lines of k-space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from untrained import data
from untrained.baselines import Image
from untrained.experiments.base import Experiment, shortened
from untrained.experiments.figures import gallery
from untrained.experiments.scenes import Scene, psnr
from untrained.recipes import find_recipe
from untrained.simulation.sampling import equispaced_lines
from untrained.tasks import prepare_mri

__all__ = ["FULL", "QUICK"]

MASKS = {"four times, 20 lines in the middle": (4, 20), "eight times, 10 lines": (8, 10)}
"""Acceleration, and how many lines are in the middle."""

_AXES = (-2, -1)


def sampled(picture: str, crop: int, seed: int) -> Scene:
    """Return k-space with columns left out; the truth is that of all of them.

    `crop` is the side of the middle of k-space that is taken: a picture with less detail, of the
    same field of view; 0 = all of it.
    """
    coils = np.load(data.fetch("mri_head8/coil_images.npy"))
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(coils, _AXES), norm="ortho"), _AXES)
    top, left = ((n - (crop or n)) // 2 for n in k.shape[1:])
    k = k[:, top : top + (crop or k.shape[1]), left : left + (crop or k.shape[2])]
    truth = _combined(
        np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(k, _AXES), norm="ortho"), _AXES)
    )
    k, truth = (k / truth.max()).astype(np.complex64), truth / truth.max()
    acceleration, middle = MASKS[picture]
    mask = equispaced_lines(k.shape[2], acceleration, middle=min(middle, k.shape[2] // 12 + 4))
    measured = prepare_mri(k * mask, mask=mask)
    assert measured.given.first is not None
    return Scene(
        truth=truth[..., None],
        observed=measured.y.astype(np.float64),
        given=measured.given,
        shown=lambda image: _magnitude(image).clip(0, 1),
        seen=measured.given.first[..., None].astype(np.float64).clip(0, 1),
        score=lambda image: psnr(_magnitude(image), truth[..., None]),
    )


def _combined(coils: Image) -> Image:
    root: Image = np.sqrt(np.square(np.abs(coils)).sum(axis=0))
    return root


def _magnitude(image: Image) -> Image:
    """Return |x| of a pair of channels, (H, W, 1); a magnitude as it is."""
    if image.shape[2] == 1:
        return image
    root: Image = np.sqrt(np.square(image).sum(axis=2, keepdims=True))
    return root


FULL = Experiment(
    name="mri-head",
    title="A head scan from a fourth and an eighth of its lines",
    text="""
A complete scan of a head with eight coils, of which lines are left out (equispaced, more in the
middle; fastMRI's masks). The truth is the root of the sum of squares over the coils of the complete
data, and so has their noise; its largest value is 1. The recipes find the coils' maps in the middle
of what is left and stop by lines that they hold out. Yaman et al. ("Zero-Shot Self-Supervised
Learning for MRI Reconstruction", arXiv 2102.07737), after whom the samples are split, publish no
figures for this scan; peers with their weights chosen by the truth are in docs/measurements.md:
zeros filled in 30.8 / 28.4, SENSE by conjugate gradients 34.6 / 30.0, l1-wavelet 39.7 / 29.9 dB.
""",
    pictures=tuple(MASKS),
    scene=sampled,
    task="mri",
    methods={name: find_recipe("mri", name) for name in ("fast", "best")},
    figures=(gallery(*MASKS),),
)

QUICK = replace(
    FULL,
    crop=96,
    methods=shortened({"fast": FULL.methods["fast"]}, {"fast": 60}),
    quick="The middle 96×96 samples of k-space and 60 steps of `fast`; `best` is left out.",
)
