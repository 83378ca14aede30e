"""Compressed sensing: pictures from a tenth and a quarter of as many random measurements."""

from __future__ import annotations

from dataclasses import replace

import torch

from untrained import data
from untrained.baselines import Known
from untrained.experiments.base import Experiment, shortened
from untrained.experiments.figures import gallery
from untrained.experiments.scenes import Scene, psnr
from untrained.images import central
from untrained.operators import Hadamard
from untrained.recipes import find_recipe

__all__ = ["FULL", "QUICK"]

PICTURES = ("set12/01_cameraman.png", "set12/02_house.png", "set12/03_peppers.png")
RATES = (10, 25)


def measured(picture: str, crop: int, seed: int) -> Scene:
    """Return scrambled Hadamard measurements without noise: "set12/02_house.png at 10"."""
    name, _, percent = picture.partition(" at ")
    truth = central(data.load(name), crop)[..., :1]
    height, width = truth.shape[:2]
    operator = Hadamard(round(height * width * int(percent) / 100), (height, width), seed=seed)
    y = operator(torch.from_numpy(truth[None, None, ..., 0]))
    return Scene(
        truth=truth, observed=y[0].permute(1, 2, 0).numpy(), known=Known(operator=operator),
        operator=operator, seen=operator.adjoint(y)[0].permute(1, 2, 0).numpy().clip(0, 1),
        score=lambda image: psnr(image, truth),
    )  # fmt: skip


FULL = Experiment(
    name="sensing",
    title="Compressed sensing of three pictures",
    text="""
Three pictures of Set12 from 10 % and 25 % of as many scrambled Hadamard measurements as they have
pixels, without noise. Van Veen et al. ("Compressed sensing with deep image prior and learned
regularization", arXiv 1806.06438) fit a DCGAN to such measurements (`paper`, one restart); `fast`
and `best` (ours) pass messages between the measurements and a denoiser that is an untrained network
and a collaborative filter. Beside them the least total variation with A x = y and soft wavelet
thresholds of one weight. No table is published of these pictures: what is reproduced is the order.
""",
    pictures=tuple(f"{name} at {rate}" for rate in RATES for name in PICTURES),
    scene=measured,
    task="sensing",
    methods={
        "TV": "tv",
        "wavelet": "wavelet",
        "fast": find_recipe("sensing", "fast"),
        "best": find_recipe("sensing", "best"),
        "paper": find_recipe("sensing", "paper"),
    },
    figures=(gallery(columns=7),),
)

QUICK = replace(
    FULL,
    crop=128,
    pictures=tuple(f"{name} at 25" for name in PICTURES),
    methods=shortened(FULL.methods, {"fast": 100}),
    quick="The central 128×128 pixels at 25 % and at most 100 steps of `fast`; `best` and "
    "`paper` are left out. Crops are not whole pictures: compare with total variation of the same "
    "crops.",
)
