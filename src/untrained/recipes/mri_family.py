"""MRI by other members of the family, through coil maps.

What the papers leave open for a scan is ours, and the source says so.
"""

from __future__ import annotations

from dataclasses import replace

from untrained.averaging import ExponentialAverage
from untrained.fitting import Adam, HeldOut
from untrained.networks import Skip
from untrained.objectives import SelfConsistent, SelfGuided
from untrained.recipes.recipe import Recipe

__all__ = ["FAMILY"]

self_guided = Recipe(
    name="self-guided",
    title="Self-guided Deep Image Prior (Liang et al., 2024)",
    task="mri",
    source="Liang et al., self-guided DIP, arXiv 2402.04097: z from A*y, fitted with the weights; "
    "4 noisy copies a step, the output averaged with .99; network, steps and stop rule are ours",
    network=Skip(
        widths=(64,) * 4, widths_skip=16, up="nearest", padding="zeros", output="linear"
    ),
    objective=SelfGuided(num_noises=4),
    optimizer=Adam(lr=0.001),
    max_steps=3000,
    stopper=HeldOut(fraction=0.08, patience=500),
    average=ExponentialAverage(decay=0.99),
)  # fmt: skip

FAMILY = (
    self_guided,
    replace(
        self_guided,
        name="aseq",
        title="Autoencoding sequential Deep Image Prior (Alkhouri et al., 2024)",
        source="Alkhouri et al., aSeqDIP, NeurIPS 2024: 2000 stages of 2 steps, the image of each "
        "the next one's input; network, step size, average and stop rule are ours",
        objective=SelfConsistent(weight=1.0, inner_steps=2),
        max_steps=4000,
    ),
)
"""The recipes, in the order of `untrained recipes mri`."""
