"""Stop rules against the peak: all of them watch the same fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from untrained.experiments.base import Experiment, Observer, Outcome, shortened
from untrained.experiments.figures import pyplot
from untrained.experiments.report import table
from untrained.experiments.scenes import Scene, noisy
from untrained.fitting import (
    Check,
    Discrepancy,
    ExponentialVariance,
    HeldOut,
    Look,
    LowestLoss,
    Score,
    Start,
    Stopper,
    StopRule,
    WindowedVariance,
)
from untrained.fitting.state import state_on
from untrained.metrics import mse, squared_errors
from untrained.networks import Noise, Skip
from untrained.noise import estimate_noise
from untrained.objectives import DataFit
from untrained.recipes import Recipe, find_recipe

__all__ = ["FULL", "QUICK", "Watch"]

SIGMA = 25
HELD_OUT = 0.02
EVERY = 10

RULES: dict[str, StopRule] = {
    "ES-WMV": WindowedVariance(window=100, patience=1000, scale_to=10000),
    "ES-EMV": ExponentialVariance(alpha=0.1, patience=1000, scale_to=10000),
    "discrepancy": Discrepancy(),
    "held out": HeldOut(fraction=HELD_OUT, patience=1000, scale_to=10000),
}


class Watch(Observer):
    """Let several rules watch one fit; none of them ends it, and none of them sees the truth.

    The fit must be looked at after every step (check_every = 1); it does not see the pixels that
    `HeldOut` judges by.
    """

    def __init__(self, rules: Mapping[str, StopRule], scene: Scene, seed: int) -> None:
        self.mask = np.random.default_rng(seed + 1).random(scene.truth.shape[:2]) >= HELD_OUT
        self.rules = rules
        self.generator = Generator().manual_seed(seed)
        self.observed = torch.from_numpy(scene.observed.transpose(2, 0, 1)[None].copy()).float()
        self.held_out = torch.from_numpy(~self.mask).float()[None, None]
        self.stoppers: dict[str, Stopper] = {}
        self.kept: dict[str, int] = {}
        self.stopped: dict[str, int] = {}
        self.seen = 0
        self.saved: dict[str, Any] = {}

    def on_start(self, start: Start) -> None:
        """Start the rules, with the noise level that the observation shows."""
        device = start.observed.device
        self.observed, self.held_out = self.observed.to(device), self.held_out.to(device)
        noise = estimate_noise(self.observed.cpu(), 1 - self.held_out.cpu())
        self.stoppers = {
            name: rule.start(
                max_steps=start.max_steps, sigma=None if noise is None else noise.sigma,
                generator=self.generator,
            )
            for name, rule in self.rules.items()
        }  # fmt: skip
        for name, state in self.saved.items():
            self.stoppers[name].load_state_dict(state_on(device, state))

    def on_check(self, check: Check) -> None:
        """Show the iterate to the rules that still wait; ask them every few steps."""
        if check.step <= self.seen:  # interrupted between this observer and the next
            return
        self.seen = check.step
        waiting = [name for name in self.stoppers if name not in self.stopped]
        for name in waiting:
            self.stoppers[name].observe(check.estimate)
        if check.step % EVERY or not waiting:
            return
        residual = self._residual(check.estimate, 1 - self.held_out)
        look = Look(
            step=check.step, losses=check.losses, residual=residual,
            kept_residual=self._residual(check.image, 1 - self.held_out),
            held_out=squared_errors(check.image, self.observed, self.held_out),
        )  # fmt: skip
        for name in waiting:
            verdict = self.stoppers[name].check(look)
            if verdict.improved:
                self.kept[name] = check.step
            if verdict.stop is not None:
                self.stopped[name] = check.step

    def state_dict(self) -> dict[str, Any]:
        """Return what every rule has noted and decided."""
        rules = {name: stopper.state_dict() for name, stopper in self.stoppers.items()}
        return {"rules": rules, "kept": self.kept, "stopped": self.stopped, "seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.saved, self.seen = state["rules"], state["seen"]
        self.kept, self.stopped = dict(state["kept"]), dict(state["stopped"])

    def findings(self, score: Score) -> dict[str, Any]:
        """Return, for every rule, what it would have kept, and how far that is from the peak."""
        found = {}
        for name in self.rules:
            step = self.kept.get(name, score.steps[-1])
            psnr = score.psnr_truth[score.steps.index(step)]
            found[name] = {
                "kept_step": step,
                "stop_step": self.stopped.get(name),
                "psnr": psnr,
                "gap": score.peak_psnr - psnr,
            }
        return found

    def _residual(self, image: Tensor, weight: Tensor) -> float:
        return float(mse(image, self.observed, weight))


def gaps(outcome: Outcome) -> str:
    """Return how far each rule's image is from the best one of the fit."""
    x = outcome.experiment
    rows = []
    for method in x.methods:
        entries = [e for picture in x.pictures for e in outcome.over_seeds(picture, method)]
        if entries[0]["findings"]:
            for name in entries[0]["findings"]:
                found = [e["findings"][name] for e in entries]
                rows.append(_row(f"{method}: {name}", [f["gap"] for f in found],
                                 [f["kept_step"] for f in found],
                                 sum(f["stop_step"] is not None for f in found)))  # fmt: skip
        own = [e["gap"] for e in entries]
        stopped = sum(e["reason"] != "max_steps" for e in entries)
        label = "as it ends" if entries[0]["findings"] else "its own rule"
        rows.append(_row(f"{method}: {label}", own, [e["kept_step"] for e in entries], stopped))
    header = ["fit: rule", "mean gap", "worst gap", "mean step kept", "stopped"]
    return "Gap to the fit's own peak in dB:\n\n" + table(header, rows)


def _row(name: str, gap: list[float], kept: list[int], stopped: int) -> list[str]:
    return [name, f"{np.mean(gap):.2f}", f"{max(gap):.2f}", f"{np.mean(kept):.0f}",
            f"{stopped} of {len(gap)}"]  # fmt: skip


def marked(outcome: Outcome) -> dict[str, str]:
    """Draw PSNR to the truth of every fit that the rules watched, and where they would keep."""
    x = outcome.experiment
    if "DIP" not in x.methods:
        return {}
    plt = pyplot()
    figure, all_axes = plt.subplots(
        1, len(x.pictures), figsize=(max(6, 4 * len(x.pictures)), 3.8), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes, picture in zip(all_axes[0], x.pictures, strict=True):
        entry = outcome.entry(picture, "DIP")
        axes.plot(entry["curves"]["steps"], entry["curves"]["psnr_truth"], color="0.5")
        for i, (name, found) in enumerate(entry["findings"].items()):
            axes.plot(found["kept_step"], found["psnr"], "o^sD"[i % 4], color=f"C{i}", label=name)
        axes.set_ylim(bottom=entry["peak"] - 6)
        axes.set_title(picture.rpartition("/")[2].removesuffix(".png"))
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
    all_axes[0][0].set_ylabel("PSNR to the truth in dB")
    all_axes[0][0].legend(loc="lower right")
    figure.savefig(outcome.folder / "stops.png", dpi=110)
    plt.close(figure)
    return {"stops.png": "DIP fits, and the images that the rules would have kept."}


dip = replace(find_recipe("denoise", "es-wmv"), stopper=find_recipe("denoise", "paper").stopper)
FIT = replace(dip, check_every=1, objective=DataFit(z=Noise(channels=32, scale=0.1)))


def _observer(scene: Scene, recipe: Recipe, seed: int) -> Observer:
    return Watch(RULES, scene, seed) if recipe.check_every == 1 else Observer()


FULL = Experiment(
    name="early-stopping",
    title="Where stop rules stop, against the peak",
    text="""
Wang et al. ("Early Stopping for Deep Image Prior", arXiv 2112.06074) stop at the minimum of the
iterates' moving variance: windowed (ES-WMV, window 100, patience 1000) or exponential (ES-EMV,
α = .1). Beside them: the discrepancy principle with the estimated σ, and 2 % of pixels held out.
All four watch the same fits of the DIP network (no jitter, no average: the raw iterates), which go
on to the end, so that the peak is known. Windows and patience are meant for 10000 steps and shrink
in proportion for shorter fits. `SURE` keeps the image of the lowest estimated risk; `fast` is our
own recipe with its own rule. No figures are
published for exactly these fits.
""",
    pictures=("cset9/f16.png", "cset9/peppers.png", "cset9/kodim03.png"),
    scene=noisy(SIGMA),
    methods={
        "DIP": FIT,
        "SURE": replace(find_recipe("denoise", "sure"), stopper=LowestLoss()),
        "fast": find_recipe("denoise", "fast"),
    },
    seeds=(0, 1),
    observer=_observer,
    figures=(marked,),
    notes=gaps,
)

_NARROW = replace(FIT, network=Skip(widths=(48,) * 5))

QUICK = replace(
    FULL,
    crop=64,
    seeds=(0,),
    methods=shortened({**FULL.methods, "DIP": _NARROW}, {"DIP": 1200, "SURE": 300, "fast": 400}),
    quick="The central 64×64 pixels of each picture, which a network fits, and overfits, in fewer "
    "steps; one seed of two; the DIP network has 48 channels instead of 128 and takes 1200 steps "
    "instead of 10000 (windows and patience shrink in proportion to 12 and 120 steps); 300 steps "
    "of SURE, at most 400 of `fast`.",
)
