"""The noise impedance figure of the Deep Image Prior: how fast a network fits what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from untrained import data
from untrained.errors import InputError
from untrained.experiments.base import Experiment, Outcome, shortened
from untrained.experiments.figures import pyplot
from untrained.experiments.report import table
from untrained.experiments.scenes import Scene, psnr
from untrained.images import central
from untrained.networks import Noise
from untrained.objectives import DataFit
from untrained.recipes import find_recipe

__all__ = ["FULL", "QUICK"]

TARGETS = ("image", "image + noise", "image shuffled", "noise")


def target(name: str, crop: int, seed: int) -> Scene:
    """Return one of the four things that the network is fitted to; there is nothing to restore."""
    if name not in TARGETS:
        raise InputError(f"no target {name!r}; wanted one of {', '.join(TARGETS)}")
    image = central(data.load("cset9/f16.png"), crop)
    generator = np.random.default_rng(seed)
    if name == "image + noise":
        image = np.clip(image + generator.normal(0, 25 / 255, image.shape), 0, 1)
    elif name == "image shuffled":
        pixels = generator.permutation(image.reshape(-1, image.shape[2]), axis=0)
        image = pixels.reshape(image.shape)
    elif name == "noise":
        image = generator.random(image.shape)
    return Scene(truth=image, observed=image, score=lambda estimate: psnr(estimate, image))


def losses(outcome: Outcome) -> dict[str, str]:
    """Draw the loss of the four fits against steps."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for name in outcome.experiment.pictures:
        lines = outcome.entry(name, "DIP")["curves"]
        mse = 10 ** (-np.array(lines["psnr_observed"]) / 10)
        axes.semilogx(lines["steps"], mse, label=name)
    axes.set_xlabel("step")
    axes.set_ylabel("mean squared error to the target")
    axes.set_ylim(0)
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(outcome.folder / "losses.png", dpi=110)
    plt.close(figure)
    return {"losses.png": "The network's loss on the four targets."}


def order(outcome: Outcome) -> str:
    """Return how much of each target's variance is fitted at some steps."""
    last = outcome.experiment.methods["DIP"]
    assert not isinstance(last, str)
    steps = [round(last.max_steps * share) for share in (0.1, 0.3, 1)]
    rows = []
    for name in outcome.experiment.pictures:
        entry = outcome.entry(name, "DIP")
        scene = outcome.experiment.scene(name, outcome.experiment.crop, outcome.experiment.seeds[0])
        variance = float(scene.truth.var())
        lines = entry["curves"]
        cells = [name, f"{variance:.4f}"]
        for step in steps:
            at = int(np.argmin(np.abs(np.array(lines["steps"]) - step)))
            cells.append(f"{10 ** (-lines['psnr_observed'][at] / 10) / variance:.1%}")
        rows.append(cells)
    header = ["target", "variance", *(f"left at step {step}" for step in steps)]
    return "The share of each target's variance that is not fitted yet:\n\n" + table(header, rows)


FULL = Experiment(
    name="impedance",
    title="Noise impedance: natural images are fitted first",
    text="""
Figure 2 of Ulyanov et al. ("Deep Image Prior", arXiv 1711.10925): the same network is fitted to a
natural image, the image with noise, the image with its pixels shuffled, and white noise. The loss
falls fast for the first and hardly at first for the last: "high impedance to noise". The figure has
no numbers to compare with; what is reproduced is the order of the curves.

Here: F16, noise of σ = 25, the denoising network at lr .01 without jitter and without an average.
PSNR in the tables is to the target itself.
""",
    pictures=TARGETS,
    scene=target,
    methods={
        "DIP": replace(
            find_recipe("denoise", "paper"), max_steps=3000, average=None,
            objective=DataFit(z=Noise(channels=32, scale=0.1)),
        )
    },
    figures=(losses,),
    notes=order,
)  # fmt: skip

QUICK = replace(
    FULL,
    crop=128,
    methods=shortened(FULL.methods, {"*": 150}),
    quick="The central 128×128 pixels instead of 512×512, 150 steps instead of 3000. A network of "
    "2.2 million weights can fit 49 152 values of any kind, so noise gives way sooner.",
)
