"""Layers: the picture is a mixture of two."""

from __future__ import annotations

from dataclasses import replace

from untrained.fitting import Adam, Muon
from untrained.networks import Layered, Noise, Skip
from untrained.objectives import L1, Decompose
from untrained.recipes.recipe import Recipe

__all__ = ["AFTER", "DOUBLE_DIP", "RECIPES", "TASK", "narrow", "small"]

TASK = "decompose"

DOUBLE_DIP = "Gandelsman, Shocher & Irani, Double-DIP, CVPR 2019"
AFTER = f"after {DOUBLE_DIP}, with settings of ours"

small = Skip(
    widths=(32, 32, 32, 32), widths_skip=16, up="nearest", padding="zeros", norm_concat=False,
    kernel_refine=0,
)  # fmt: skip

narrow = Skip(widths=(8, 16, 32, 64, 128), widths_skip=(0, 0, 0, 4, 4))
"""A network of Double-DIP's code. (There z has mean 0, which the first normalisation takes off.)"""

wide_kernels = replace(narrow, kernel_down=5, kernel_up=5)

RECIPES = (
    Recipe(
        name="fast",
        title="After Double-DIP, one layer over the other (ours, 2026)",
        task=TASK,
        source=f"{AFTER}: one layer over the other, everywhere alike; not reliable",
        network=Layered(layer=small, mask=small),
        objective=Decompose(),
        optimizer=Muon(lr=0.01, vector_lr=0.01),
        max_steps=300,
    ),
    Recipe(
        name="watermark",
        title="After Double-DIP, a mark within a hint (ours, 2026)",
        task=TASK,
        source=f"{AFTER}: a mark within a hint. Text of half-transparent white in a box over the "
        "skimage cat (96 px): 12.4 dB in the letters before, 22.6 after, with traces left; 25.7 "
        "with the letters themselves as the hint. In a smooth picture filling the box does better",
        network=Layered(layer=small, mask=small),
        objective=Decompose(mask="pixels", alone=150),
        optimizer=Muon(lr=0.01, vector_lr=0.01),
        max_steps=400,
    ),
    Recipe(
        name="paper",
        title="Double-DIP, two textures (Gandelsman et al., 2019)",
        task=TASK,
        source=f"{DOUBLE_DIP}, two textures in one picture, as in its code: L1, exclusion .01, "
        "z of 3, 8000 steps at .0005. There the picture is a + b, here they have shares m and "
        "1 - m, the same everywhere; here the exclusion is normalised otherwise, the jitter is at "
        "its .001 from the start, and the picture is never turned. Not run in full here",
        network=Layered(layer=wide_kernels, mask=wide_kernels),
        objective=Decompose(
            z=Noise(channels=3, scale=0.01), jitter=0.001, data_term=L1(), exclusion=0.01
        ),
        optimizer=Adam(lr=0.0005),
        max_steps=8000,
    ),
    Recipe(
        name="paper-watermark",
        title="Double-DIP, a watermark (Gandelsman et al., 2019)",
        task=TASK,
        source=f"{DOUBLE_DIP}, a watermark and where it may be, as in its code: 4000 steps for the "
        "picture alone, 7000 together, at .001, L1, z of 2. There the picture counts once more "
        "outside the hint, the jitter grows to .01 and passes by the mask, the picture is turned, "
        "and the median of three fits is given. Not run in full here",
        network=Layered(
            layer=wide_kernels, mask=Skip(widths=(8, 16, 32, 64), widths_skip=(0, 0, 0, 4))
        ),
        objective=Decompose(
            z=Noise(channels=2, scale=0.01), jitter=0.005, data_term=L1(), mask="pixels", alone=4000
        ),
        optimizer=Adam(lr=0.001),
        max_steps=11000,
    ),
)
