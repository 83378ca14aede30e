"""Colour denoising of nine pictures, σ = 25: the table of the Deep Image Prior literature."""

from __future__ import annotations

from dataclasses import replace

from untrained.data import names_in
from untrained.experiments.base import Experiment, shortened
from untrained.experiments.figures import gallery
from untrained.experiments.scenes import noisy
from untrained.recipes import find_recipe

__all__ = ["FULL", "QUICK"]

dip = find_recipe("denoise", "paper")

FULL = Experiment(
    name="denoise-cset9",
    title="Nine colour pictures with Gaussian noise, σ = 25",
    text="""
Ulyanov et al. ("Deep Image Prior", arXiv 1711.10925) report mean PSNRs over nine colour pictures:
DIP, with an exponential average of its iterates, and with two runs averaged, beside non-local means
and CBM3D; Quan et al. (Self2Self, CVPR 2020) add theirs. Protocols differ (clipping, rounding): the
classical methods are run here on the same arrays, with the true σ, which ours are never told.
""",
    pictures=tuple(names_in("cset9")),
    scene=noisy(25),
    methods={
        "NLM": "nlm",
        "wavelet": "wavelet",
        "BM3D": "bm3d",
        "DIP": replace(dip, average=None),
        "DIP + average": dip,
        "DIP + average, 2 runs": replace(dip, members=2),
        "fast": find_recipe("denoise", "fast"),
        "best": find_recipe("denoise", "best"),
    },
    published={
        "NLM": {"mean": 30.26},
        "CBM3D": {"mean": 31.42},
        "DIP": {"mean": 29.22},
        "DIP + average": {"mean": 30.43},
        "DIP + average, 2 runs": {"mean": 31.00},
        "Self2Self": {"mean": 31.74},
    },
    beside={
        "NLM": "NLM",
        "BM3D": "CBM3D",
        "DIP": "DIP",
        "DIP + average": "DIP + average",
        "DIP + average, 2 runs": "DIP + average, 2 runs",
        "fast": "Self2Self",
        "best": "Self2Self",
    },
    reasons={
        "NLM": "scikit-image's fast mode with its own patch sizes; the paper's are not stated.",
        "fast": "Another method, in a small part of Self2Self's time.",
        "best": "Another method, in a small part of Self2Self's time.",
    },
    figures=(gallery("cset9/f16.png", "cset9/kodim03.png"),),
)

QUICK = replace(
    FULL,
    crop=128,
    methods=shortened(FULL.methods, {"fast": 500}),
    quick="The central 128×128 pixels of every picture, at most 500 steps of `fast`; the networks "
    "of the paper and `best` are left out. Crops are not whole pictures: their means stand beside "
    "the published ones for orientation only, to be compared with NLM and BM3D on the same crops.",
)
