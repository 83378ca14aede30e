"""Inpainting: the operator is the mask of known pixels."""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.fitting import Adam, HeldOut, LowestLoss, Muon
from untrained.networks import DeepDecoder, Meshgrid, Noise, ResNet, Skip, UNet
from untrained.objectives import DataFit, Infill
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "inpaint"

DIP = "Ulyanov, Vedaldi & Lempitsky, Deep Image Prior, arXiv 1711.10925"

fast = Recipe(
    name="fast",
    title="Infill, a small network (ours, 2026)",
    task=TASK,
    source="ours, measured in docs/measurements.md (inpainting): above the published DIP",
    network=Skip(
        widths=(32, 32, 32, 32, 32), widths_skip=16, padding="zeros", norm_concat=False,
        kernel_refine=3,
    ),
    objective=Infill(),
    optimizer=Muon(lr=0.01, vector_lr=0.01),
    max_steps=600,
    stopper=HeldOut(fraction=0.02, trim=0.05, patience=200),
    average=ExponentialAverage(decay=0.98, warm_up=True),
    exact_known=True,
)  # fmt: skip

from_noise = DataFit(z=Noise(channels=16, scale=0.1), jitter=0.03)
"""The objective of tasks whose operator is not a mask, which `Infill` cannot lay elsewhere."""

best = replace(
    fast,
    name="best",
    title="Infill, four networks (ours, 2026)",
    source="ours, measured in docs/measurements.md (inpainting, best): four networks, averaged",
    max_steps=900,
    members=4,
)

library = Recipe(
    name="paper-library",
    title="Deep Image Prior, a large hole (Ulyanov et al., 2018)",
    task=TASK,
    source=f"{DIP}, large hole, the 'library' picture: depth 6, no skip connections",
    network=Skip(
        widths=(16, 32, 64, 128, 128, 128), widths_skip=0, kernel_down=5, kernel_refine=0,
        up="nearest",
    ),
    objective=DataFit(z=Noise(channels=1, scale=0.1)),
    optimizer=Adam(lr=0.01),
    max_steps=3000,
)  # fmt: skip

paper = Recipe(
    name="paper",
    title="Deep Image Prior, half of the pixels missing (Ulyanov et al., 2018)",
    task=TASK,
    source=f"{DIP}, 50 % of the pixels missing (table 1): 11000 steps at .001",
    objective=DataFit(z=Noise(channels=32, scale=0.1), jitter=0.03),
    optimizer=Adam(lr=0.001),
    max_steps=11000,
)

RECIPES = (
    fast,
    best,
    paper,
    replace(
        paper,
        name="paper-98",
        title="Deep Image Prior, 98 % of the pixels missing (Ulyanov et al., 2018)",
        source=f"{DIP}, 98 % of the pixels missing: average pooling, 1000 steps",
        network=Skip(widths=(16, 32, 64, 128, 128), widths_skip=0, down="average"),
        objective=DataFit(z=Noise(channels=32, scale=0.1)),
        optimizer=Adam(lr=0.01),
        max_steps=1000,
    ),
    replace(
        paper,
        name="paper-text",
        title="Deep Image Prior, text over a picture (Ulyanov et al., 2018)",
        source=f"{DIP}, text over a picture: skip connections of 128 channels, nearest, 6000 steps",
        network=Skip(widths_skip=128, up="nearest"),
        optimizer=Adam(lr=0.01),
        max_steps=6000,
    ),
    replace(
        paper,
        name="paper-vase",
        title="Deep Image Prior, a large hole, z = coordinates (Ulyanov et al., 2018)",
        source=f"{DIP}, large hole, the 'vase' picture: z = pixel coordinates, 5000 steps",
        network=Skip(widths_skip=0, up="nearest"),
        objective=DataFit(z=Meshgrid(), jitter=0.03),
        optimizer=Adam(lr=0.01),
        max_steps=5000,
    ),
    library,
    replace(
        library,
        name="paper-library-unet",
        title="Deep Image Prior, a large hole, U-Net (Ulyanov et al., 2018)",
        source=f"{DIP}, the 'library' picture with a U-Net",
        network=UNet(),
        optimizer=Adam(lr=0.001),
    ),
    replace(
        library,
        name="paper-library-resnet",
        title="Deep Image Prior, a large hole, ResNet (Ulyanov et al., 2018)",
        source=f"{DIP}, the 'library' picture with a ResNet",
        network=ResNet(),
        optimizer=Adam(lr=0.001),
    ),
    replace(
        paper,
        name="tudelft",
        title="Deep Image Prior as reproduced at TU Delft (Ulyanov et al., 2018)",
        source="the TU Delft reproduction of table 1: 2000 steps at .01",
        optimizer=Adam(lr=0.01),
        max_steps=2000,
    ),
    Recipe(
        name="deep-decoder",
        title="Deep Decoder (Heckel & Hand, 2018)",
        task=TASK,
        source="Heckel & Hand, Deep Decoder, arXiv 1810.03982: k = 256, 40000 steps at .0025",
        network=DeepDecoder(width=256, num_up=5),
        objective=DataFit(z=Noise(channels=256, scale=0.1)),
        optimizer=Adam(lr=0.0025),
        max_steps=40000,
        stopper=LowestLoss(),
    ),
)
