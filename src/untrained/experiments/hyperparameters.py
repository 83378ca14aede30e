"""How much depth, width, step size and jitter matter to the Deep Image Prior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from untrained.experiments.base import Experiment, Outcome, shortened
from untrained.experiments.figures import pyplot
from untrained.experiments.scenes import noisy
from untrained.fitting import Adam
from untrained.networks import Noise, Skip
from untrained.objectives import DataFit
from untrained.recipes import Recipe, find_recipe

__all__ = ["FULL", "QUICK"]

dip = find_recipe("denoise", "paper-code")


def _jittered(jitter: float) -> Recipe:
    return replace(dip, objective=DataFit(z=Noise(channels=32, scale=0.1), jitter=jitter))


def peaks(outcome: Outcome) -> dict[str, str]:
    """Draw the peak and the end of every variant beside those of the published settings."""
    plt = pyplot()
    x = outcome.experiment
    names = list(x.methods)
    peak = [outcome.mean(name, "peak") for name in names]
    end = [outcome.mean(name, "psnr") for name in names]
    places = np.arange(len(names))
    figure, axes = plt.subplots(figsize=(6.4, 0.42 * len(names) + 1.2), layout="constrained")
    axes.barh(places + 0.2, peak, 0.4, label="at the peak")
    axes.barh(places - 0.2, end, 0.4, label="at the last step")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlim(min(end) - 1, max(peak) + 0.5)
    axes.set_xlabel("PSNR to the truth in dB, averaged image")
    axes.legend()
    figure.savefig(outcome.folder / "peaks.png", dpi=110)
    plt.close(figure)
    return {"peaks.png": "The best image that each fit passed through, and its last one."}


FULL = Experiment(
    name="hyperparameters",
    title="Sensitivity of the Deep Image Prior to its settings",
    text="""
Ulyanov et al. ("Deep Image Prior", arXiv 1711.10925) give the settings of every task without a
table of how much each matters. Here each setting of their denoising network is changed alone;
σ = 25, 3000 steps, an average of .99.
""",
    pictures=("skimage/astronaut", "skimage/chelsea", "skimage/coffee"),
    scene=noisy(25),
    methods={
        "as published": dip,
        "3 scales": replace(dip, network=Skip(widths=(128,) * 3)),
        "2 scales": replace(dip, network=Skip(widths=(128,) * 2)),
        "64 channels": replace(dip, network=Skip(widths=(64,) * 5)),
        "32 channels": replace(dip, network=Skip(widths=(32,) * 5)),
        "16 channels": replace(dip, network=Skip(widths=(16,) * 5)),
        "no skip connections": replace(dip, network=Skip(widths_skip=0)),
        "lr .001": replace(dip, optimizer=Adam(lr=0.001)),
        "lr .03": replace(dip, optimizer=Adam(lr=0.03)),
        "no jitter": _jittered(0.0),
        "jitter .1": _jittered(0.1),
    },
    seeds=(0, 1),
    figures=(peaks,),
)

QUICK = replace(
    FULL,
    pictures=("skimage/astronaut",),
    crop=64,
    seeds=(0,),
    methods=shortened(FULL.methods, {"*": 150}),
    quick="One picture of three, its central 64×64 pixels, one seed of two, 150 steps instead of "
    "3000: slow settings look worse than they are, and nothing has overfitted yet.",
)
