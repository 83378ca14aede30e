"""Series of frames from few lines of k-space each, and the time-dependent deep image prior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from untrained import data
from untrained.baselines import Image
from untrained.experiments.base import Experiment, shortened
from untrained.experiments.figures import gallery
from untrained.experiments.scenes import Scene, psnr
from untrained.fitting import Adam
from untrained.networks import Helix, TimeDependent
from untrained.objectives import Series, Stacked
from untrained.recipes import find_recipe
from untrained.simulation.sampling import random_lines
from untrained.tasks.series import prepare_series

__all__ = ["FULL", "QUICK"]

RATES = {
    "mri_dynamic/rat_cine.npy": 4,
    "mri_dynamic/pincat_perfusion.npy": 8,
    "mri_dynamic/brain_t2_t1.npy": 6,
}
"""How many times fewer columns of k-space than there are a frame has."""

FRAMES = 24
MIDDLE = 8  # columns around the zero frequency, of every frame
NOISE = 0.005


def sampled(picture: str, crop: int, seed: int) -> Scene:
    """Return k-space of a series: random columns, another choice in every frame, and noise.

    `crop` is the side of the middle of the frames that is taken; 0 = all of them.
    """
    truth = np.load(data.fetch(picture))[:FRAMES].astype(np.float64)
    top, left = ((n - (crop or n)) // 2 for n in truth.shape[1:])
    truth = truth[:, top : top + (crop or None or truth.shape[1]), left:][:, :, : crop or None]
    truth /= truth.max()
    frames, _, width = truth.shape
    mask = random_lines(
        frames, width, max(width // RATES[picture], MIDDLE + 2), middle=MIDDLE,
        generator=np.random.default_rng(seed),
    )  # fmt: skip
    rng, axes = np.random.default_rng(seed), (-2, -1)
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(truth, axes), norm="ortho"), axes)
    k = k + NOISE * (rng.standard_normal(k.shape) + 1j * rng.standard_normal(k.shape))
    measured = prepare_series(np.where(mask[:, None], k, 0), mask)
    return Scene(
        truth=measured.channels(truth).astype(np.float64),
        observed=measured.y.astype(np.float64),
        given=measured.given,
        shown=lambda image: _three(np.abs(measured.series(image))),
        seen=_three(np.abs(_zero_filled(k, mask))),
        score=lambda image: psnr(np.abs(measured.series(image)), truth),
    )


def _zero_filled(k: NDArray[np.complex128], mask: NDArray[np.bool_]) -> NDArray[np.complex128]:
    axes = (-2, -1)
    image = np.fft.ifftshift(np.where(mask[:, None], k, 0), axes)
    return np.asarray(np.fft.fftshift(np.fft.ifft2(image, norm="ortho"), axes))


def _three(series: Image) -> Image:
    """Return the first, the middle and the last frame side by side, (H, 3 W, 1)."""
    chosen = [series[0], series[len(series) // 2], series[-1]]
    return np.concatenate(chosen, axis=1)[:, :, None].clip(0, 1)


_fast = find_recipe("series", "fast")
_parts = _fast.objective
assert isinstance(_parts, Stacked)
_alone = replace(
    _fast,
    name="variation",
    source="the first part of `fast`, without a network to speak of",
    objective=replace(_parts, second=None, third=None, folds=2),
    optimizer=Adam(lr=1e-9),
    max_steps=1,
)


FULL = Experiment(
    name="dynamic",
    title="Series of frames from few lines of k-space",
    text="""
Three series of magnitude images (a rat's heart, the PINCAT phantom, a slice at 24 contrasts), of
which each frame has a fourth, an eighth and a sixth of its columns of k-space: 8 in the middle, the
others drawn anew for every frame with a density of (1 - |k|)²; noise of .005. PSNR is of
magnitudes, over all frames.

Yoo et al. ("Time-dependent deep image prior for dynamic MRI", IEEE TMI 40(12), 2021) draw every
frame from its place on a helix, 10000 steps of one frame (`paper`; their scans are radial, of 32
coils, and not public). `fast` is ours: classical series stacked by a network; "variation alone" is
the first of them. No figures are published for these series: what is reproduced is how the methods
compare.
""",
    pictures=tuple(RATES),
    scene=sampled,
    task="series",
    methods={
        "variation alone": _alone,
        "fast": _fast,
        "paper": replace(
            find_recipe("series", "paper"),
            network=TimeDependent(size=(12, 12)),
            objective=Series(code=Helix(cycles=1)),
        ),
    },
    figures=(gallery(side=0, columns=1),),
)  # fmt: skip

QUICK = replace(
    FULL,
    crop=64,
    methods=shortened(
        {**FULL.methods, "paper": replace(
            find_recipe("series", "paper"),
            network=TimeDependent(size=(8, 8), width=32, num_up=3),
            objective=Series(code=Helix(cycles=1)),
        )},
        {"fast": 100, "paper": 400, "variation alone": 1},
    ),
    quick="The middle 64×64 pixels, 100 steps of `fast` instead of 200, and 400 of `paper` with 32 "
    "channels instead of 10000 with 128.",
)  # fmt: skip
