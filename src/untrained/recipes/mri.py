"""MRI from undersampled k-space: y = M F S x + noise."""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.fitting import Adam, Cosine, HeldOut, LowestLoss, Muon
from untrained.networks import ConvDecoder, Noise, Skip
from untrained.objectives import DataFit, SplitMeasurement, ZeroFilled
from untrained.recipes.mri_family import FAMILY
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "mri"

_SPLIT = (
    "ours, docs/measurements.md: the samples split into shown and compared, after Yaman et al., "
    "arXiv 2102.07737"
)

fast = Recipe(
    name="fast",
    title="The scan's samples split into shown and compared (ours, 2026)",
    task=TASK,
    source=_SPLIT,
    network=Skip(
        widths=(32,) * 4, widths_skip=16, up="nearest", padding="zeros", norm_concat=False,
        kernel_refine=0, output="linear",
    ),
    objective=SplitMeasurement(),
    optimizer=Muon(lr=0.01, step_size=Cosine(hold=0.5)),
    max_steps=160,
    stopper=HeldOut(fraction=0.08, patience=100),
    average=ExponentialAverage(decay=0.95, warm_up=True),
)  # fmt: skip

best = replace(
    fast,
    name="best",
    title="The scan's samples split, several networks (ours, 2026)",
    max_steps=200,
    members=3,
)

paper = Recipe(
    name="paper",
    title="ConvDecoder (Darestani & Heckel, 2020)",
    task=TASK,
    source="Darestani & Heckel, ConvDecoder, arXiv 2007.02471, and the authors' notebook of the "
    'comparison with the Deep Decoder; every coil is an output, so maps="none"',
    network=ConvDecoder(width=160, layers=8, in_size=(8, 4), bias=False),
    objective=DataFit(z=Noise(channels=160, scale=1.0), data_term=ZeroFilled()),
    optimizer=Adam(lr=0.008),
    max_steps=20_000,
    stopper=LowestLoss(min_gain=0.005),
    exact_known=True,
)

RECIPES = (fast, best, paper, *FAMILY)
