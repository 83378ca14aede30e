"""Denoising by other members of the family, each with its published settings.

Where a setting is ours, because the paper has none for denoising or measures it otherwise, the
source says so.
"""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage, SampleAverage
from untrained.fitting import Adam, Halving, HeldOut, Langevin
from untrained.networks import ConvDecoder, FourierFeatures, Noise, Plain, Pointwise, Skip
from untrained.objectives import DataFit, MaskedPrediction, NoiseToNoise, SelfGuided, TotalVariation
from untrained.recipes.recipe import Recipe

__all__ = ["FAMILY"]

_TASK = "denoise"

sgld = Recipe(
    name="sgld",
    title="A Bayesian Perspective on the Deep Image Prior (Cheng et al., 2019)",
    task=_TASK,
    source="Cheng et al., A Bayesian Perspective on the Deep Image Prior, CVPR 2019: Langevin "
    "noise of 2 lr, 20000 steps, burn-in 7000, every 50th a sample; mean and spread",
    objective=DataFit(z=Noise(channels=32, scale=0.1), jitter=1 / 30),
    optimizer=Langevin(lr=0.01, noise=2.0, weight_decay=5e-8),
    max_steps=20000,
    average=SampleAverage(burn_in=7000, every=50),
)

sgld_fast = replace(
    sgld,
    name="sgld-fast",
    title="Langevin dynamics on a small network, with an uncertainty map (ours, 2026)",
    source="ours, measured in docs/measurements.md (uncertainty): SGLD on a small network, a tenth "
    "of the noise, 1000 steps; its spread calibrated on held-out pixels",
    network=Skip(widths=(32, 32, 32, 32), widths_skip=4, padding="zeros"),
    optimizer=Langevin(lr=0.01, noise=0.2, weight_decay=5e-8),
    max_steps=1000,
    average=SampleAverage(burn_in=500, every=10, held_out=0.05),
)

dip_tv = Recipe(
    name="dip-tv",
    title="Deep Image Prior with total variation (Liu et al., 2018)",
    task=_TASK,
    source="Liu, Sun, Xu & Kamilov, Image restoration using total variation regularized deep "
    "image prior, arXiv 1810.12864: DIP and anisotropic TV; the weight and 1800 steps are ours",
    objective=DataFit(
        z=Noise(channels=32, scale=0.1), jitter=1 / 30, total_variation=TotalVariation(weight=0.02)
    ),
    optimizer=Adam(lr=0.01),
    max_steps=1800,
    average=ExponentialAverage(decay=0.99),
)

FAMILY = (
    sgld,
    sgld_fast,
    Recipe(
        name="zs-n2n",
        title="Zero-Shot Noise2Noise (Mansour & Heckel, 2023)",
        task=_TASK,
        source="Mansour & Heckel, Zero-Shot Noise2Noise, CVPR 2023: two half-size pictures, "
        "22 275 parameters, 2000 steps at .001, halved after 1000",
        network=Plain(width=48, depth=2),
        objective=NoiseToNoise(),
        optimizer=Adam(lr=0.001, step_size=Halving(every=1000)),
        max_steps=2000,
    ),
    Recipe(
        name="self2self",
        title="Self2Self with Dropout (Quan et al., 2020)",
        task=_TASK,
        source="Quan et al., Self2Self with Dropout, CVPR 2020: 30 % of the pixels hidden, dropout "
        ".3, 150000 steps at 1e-4, mean of 100 predictions; plain convolutions with batch "
        "normalisation in place of partial ones, hidden pixels filled from their neighbours",
        network=Skip(
            widths=(48,) * 5, widths_up=(96,) * 5, widths_skip=48, down="max", up="nearest",
            padding="zeros", slope=0.1, norm_concat=False, kernel_refine=3, dropout=0.3,
        ),
        objective=MaskedPrediction(mask_rate=0.3, num_predictions=100, flips=True),
        optimizer=Adam(lr=1e-4),
        max_steps=150_000,
    ),
    Recipe(
        name="conv-decoder",
        title="ConvDecoder (Darestani & Heckel, 2020)",
        task=_TASK,
        source="Darestani & Heckel, ConvDecoder, arXiv 2007.02471, the network of single-coil MRI "
        "(7 layers of 128, lr .01, 20000 steps) with the upsampling by 1.9 of the multi-coil one; "
        "stopped by held-out pixels, which is ours",
        network=ConvDecoder(width=128, layers=7),
        objective=DataFit(z=Noise(channels=128, scale=1.0, distribution="normal")),
        optimizer=Adam(lr=0.01),
        max_steps=20000,
        stopper=HeldOut(fraction=0.02, patience=300),
    ),
    Recipe(
        name="fourier",
        title="Fourier features (Tancik et al., 2020)",
        task=_TASK,
        source="Tancik et al., Fourier features, arXiv 2006.10739, their picture regression: 256 "
        "frequencies of scale 10, 4 pointwise layers of 256, 2000 steps at .001; stopped by "
        "held-out pixels, which is ours",
        network=Pointwise(width=256, depth=4),
        objective=DataFit(z=FourierFeatures(frequencies=256, scale=10.0)),
        optimizer=Adam(lr=0.001),
        max_steps=2000,
        stopper=HeldOut(fraction=0.02, patience=200),
    ),
    dip_tv,
    Recipe(
        name="self-guided",
        title="Self-guided Deep Image Prior (Liang et al., 2024)",
        task=_TASK,
        source="Liang et al., self-guided DIP, arXiv 2402.04097: z is fitted too, the input is "
        "noisy, the output its guide; weight, steps and step size are ours",
        objective=SelfGuided(),
        optimizer=Adam(lr=0.001),
        max_steps=2000,
        average=ExponentialAverage(decay=0.99),
    ),
    replace(
        dip_tv,
        name="random-projector",
        title="Deep Random Projector (Li et al., 2023)",
        source="Li et al., Deep Random Projector, CVPR 2023: convolutions as drawn, z and batch "
        "normalisation fitted, TV; its weight, the number of scales, the steps, the step size of "
        ".01 and the average are ours",
        network=Skip(widths=(128, 128), widths_skip=4),
        objective=DataFit(
            z=Noise(channels=32, scale=0.1), total_variation=TotalVariation(weight=0.05),
            fit_z=True,
        ),
        fitted="norms",
    ),
)  # fmt: skip
"""The recipes, in the order of `untrained recipes denoise`."""
