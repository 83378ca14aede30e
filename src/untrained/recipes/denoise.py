"""Denoising: the operator is the identity."""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.fitting import (
    Acceleration,
    Adam,
    FixedSteps,
    HeldOut,
    LowestLoss,
    Muon,
    WindowedVariance,
)
from untrained.networks import DeepDecoder, Noise, Skip
from untrained.objectives import DataFit, MaskedPrediction, Sure
from untrained.recipes.family import FAMILY
from untrained.recipes.recipe import Recipe
from untrained.refinement import Collaborative

__all__ = ["RECIPES", "TASK"]

TASK = "denoise"

DIP = "Ulyanov, Vedaldi & Lempitsky, Deep Image Prior, arXiv 1711.10925"

compact = Skip(
    widths=(32, 32, 32, 32), widths_skip=16, up="nearest", padding="zeros", output="linear",
    norm_concat=False, kernel_refine=3, shuffle=2,
)  # fmt: skip

fast = Recipe(
    name="fast",
    title="Masked prediction, then collaborative filtering (ours, 2026)",
    task=TASK,
    source="ours, measured in docs/measurements.md (the second stage): under a minute for 512x512",
    network=compact,
    objective=MaskedPrediction(
        mask_rate=0.1, recorrupt=0.5, refine_noise=(60, 110), flips=True
    ),
    optimizer=Muon(lr=0.015, vector_lr=0.01),
    max_steps=400,
    stopper=HeldOut(fraction=0.02, patience=150, min_gain=0.002),
    average=ExponentialAverage(decay=0.98, warm_up=True),
    refinement=Collaborative(),
    bounded=True,
    find_impulses=True,
)  # fmt: skip

best = replace(
    fast,
    name="best",
    title="Masked prediction, four wider networks (ours, 2026)",
    source="ours: as fast, four wider networks, whose mean is the second stage's guide",
    network=replace(compact, widths=(64, 64, 64, 64)),
    members=4,
)

sure = replace(
    fast,
    name="sure",
    title="Stein's unbiased risk (Metzler et al., 2018)",
    source="Stein's unbiased risk (Metzler et al., arXiv 1805.10531) on the network of `fast`",
    objective=Sure(),
    max_steps=400,
    stopper=FixedSteps(),
    refinement=None,
    find_impulses=False,  # SURE is for whole images
    acceleration=Acceleration(precision="float32"),  # the divergence is a small difference
)

paper = Recipe(
    name="paper",
    title="Deep Image Prior, 1800 steps (Ulyanov et al., 2018)",
    task=TASK,
    source=f"{DIP}, table of denoising settings: 1800 steps, z jittered by 1/30, average of .99",
    objective=DataFit(z=Noise(channels=32, scale=0.1), jitter=1 / 30),
    optimizer=Adam(lr=0.01),
    max_steps=1800,
    average=ExponentialAverage(decay=0.99),
)

RECIPES = (
    fast,
    best,
    paper,
    sure,
    replace(
        paper,
        name="paper-code",
        title="Deep Image Prior, the authors' notebook, 3000 steps (Ulyanov et al., 2018)",
        source=f"{DIP}, the authors' denoising notebook: as the paper, 3000 steps",
        max_steps=3000,
    ),
    replace(
        paper,
        name="paper-sigma50",
        title="Deep Image Prior for σ = 50 (Ulyanov et al., 2018)",
        source=f"{DIP}, for σ = 50: z jittered by 1/20",
        objective=DataFit(z=Noise(channels=32, scale=0.1), jitter=1 / 20),
    ),
    Recipe(
        name="paper-jpeg",
        title="Deep Image Prior for JPEG artefacts (Ulyanov et al., 2018)",
        task=TASK,
        source=f"{DIP}, JPEG artefacts: a small network, z of 3 channels, 2400 steps",
        network=Skip(widths=(8, 16, 32, 64, 128), widths_skip=(0, 0, 0, 4, 4)),
        objective=DataFit(z=Noise(channels=3, scale=0.1), jitter=1 / 30),
        optimizer=Adam(lr=0.01),
        max_steps=2400,
        average=ExponentialAverage(decay=0.99),
    ),
    replace(
        paper,
        name="es-wmv",
        title="Early Stopping for Deep Image Prior (Wang et al., 2021)",
        source="Wang et al., Early Stopping for Deep Image Prior, arXiv 2112.06074: the DIP "
        "network, window 100, patience 1000, on the iterates themselves",
        max_steps=10000,
        stopper=WindowedVariance(window=100, patience=1000),
        average=None,
    ),
    Recipe(
        name="deep-decoder",
        title="Deep Decoder (Heckel & Hand, 2018)",
        task=TASK,
        source="Heckel & Hand, Deep Decoder, arXiv 1810.03982: k = 128, 1900 steps, lowest loss",
        network=DeepDecoder(width=128, num_up=5),
        objective=DataFit(z=Noise(channels=128, scale=0.1)),
        optimizer=Adam(lr=0.01),
        max_steps=1900,
        stopper=LowestLoss(),
    ),
    *FAMILY,
)
