"""The figures of how-it-works.md, computed when the site is built: a minute of small fits.

Kept in docs/_static/theory until this file changes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained import Callback, Problem, Recipe, psnr, solve, with_settings
from untrained.fitting import HeldOut, Scoring
from untrained.fitting.callbacks import Snapshots
from untrained.restoring import Execution

__all__ = ["draw"]

SIDE = 96
STEPS = 700


def draw(folder: Path, *, draft: bool = False) -> None:
    """Draw the figures into a folder, unless they are there and of this very file.

    A draft is of 30 steps, and is not drawn where there are any figures.
    """
    mark = folder / "made-by.txt"
    digest = "draft" if draft else hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    if mark.exists() and (draft or mark.read_text() == digest):
        return
    steps = 30 if draft else STEPS
    folder.mkdir(parents=True, exist_ok=True)
    threads = torch.get_num_threads()
    try:
        clean = _clean()
        _impedance(clean, folder / "impedance.svg", min(steps, 500))
        _filmstrip(clean, folder, steps)
    finally:
        torch.set_num_threads(threads)
    mark.write_text(digest)


def _clean() -> NDArray[np.float32]:
    """A piece of the bundled cat, gray, from black to white: 1 x 1 x SIDE x SIDE."""
    from skimage.data import chelsea

    gray = chelsea()[40 : 40 + 2 * SIDE, 90 : 90 + 2 * SIDE].mean(axis=2)
    small = gray.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3))
    return ((small - small.min()) / np.ptp(small)).astype(np.float32)


def _as_tensor(image: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image, np.float32))[None, None]


def _dip(steps: int, **changes: Any) -> Recipe:
    """The Deep Image Prior with a third of its channels, no jitter and no average."""
    return with_settings(
        "denoise/paper",
        {"network.widths": (48,) * 4, "objective.jitter": 0, "average": None, "max_steps": steps}
        | changes,
    )


class _Curve(Callback):
    """Keeps the error of the fit to what it is fitted to."""

    def __init__(self, target: torch.Tensor) -> None:
        self.target = target
        self.steps: list[int] = []
        self.left: list[float] = []

    def on_check(self, check: Any) -> None:
        self.steps.append(check.step)
        error = (check.estimate - self.target).square().mean() / self.target.var()
        self.left.append(float(error))


def _impedance(clean: NDArray[np.float32], path: Path, steps: int) -> None:
    """The share of the variance that is not fitted yet, for four targets."""
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(0)
    targets = {
        "the picture": clean,
        "the picture + noise": clean + rng.normal(0, 0.1, clean.shape),
        "its pixels, shuffled": rng.permutation(clean.ravel()).reshape(clean.shape),
        "noise": rng.random(clean.shape),
    }
    figure, axes = plt.subplots(figsize=(6.6, 3.6), layout="constrained")
    for name, target in targets.items():
        observed = _as_tensor(target)
        curve = _Curve(observed)
        recipe = with_settings(_dip(steps), {"network.output": "linear"})
        solve(Problem(observed=observed), recipe, execution=Execution(callbacks=[curve]))
        axes.loglog(curve.steps, curve.left, label=name)
    axes.set_xlabel("step")
    axes.set_ylabel("not fitted yet (share of the variance)")
    axes.set_ylim(1e-2, 2)
    axes.grid(alpha=0.25, which="both")
    axes.legend()
    figure.savefig(path)
    plt.close(figure)


def _filmstrip(clean: NDArray[np.float32], folder: Path, steps: int) -> None:
    """One fit of a noisy picture far beyond its best: images, and three curves."""
    import matplotlib.pyplot as plt

    truth = _as_tensor(clean)
    noise = np.random.default_rng(1).normal(0, 0.1, clean.shape)
    observed = _as_tensor(clean + noise)
    images: dict[int, torch.Tensor] = {}
    scoring = Scoring(truth)
    watcher = Snapshots((0, 20, steps), lambda step, image: images.__setitem__(step, image.clone()))
    recipe = _dip(steps, stopper=HeldOut(fraction=0.05, patience=10**6))
    result = solve(
        Problem(observed=observed), recipe, execution=Execution(callbacks=[scoring, watcher])
    )
    strip = {"observed": observed, **{f"step {step}": images[step] for step in sorted(images)},
             "truth": truth}  # fmt: skip
    figure, axes = plt.subplots(1, len(strip), figsize=(11, 2.3), layout="constrained")
    for axis, (name, image) in zip(axes, strip.items(), strict=True):
        axis.imshow(image[0, 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        score = "" if name == "truth" else f"\n{psnr(image, truth):.1f} dB"
        axis.set_title(name + score, fontsize=9)
        axis.set_axis_off()
    figure.savefig(folder / "filmstrip.png", dpi=150)
    plt.close(figure)

    figure, axes = plt.subplots(figsize=(6.6, 3.4), layout="constrained")
    looks = np.arange(1, len(scoring.psnr_truth) + 1) * recipe.check_every
    axes.semilogx(looks, scoring.psnr_truth_iterate, label="to the truth, which nobody has")
    history = result.history.psnr_observed
    axes.semilogx(np.arange(1, len(history) + 1), history, lw=0.8, label="to the noisy picture")
    axes.axvline(result.kept_step, color="k", ls=":", lw=1)
    axes.annotate("kept: the held-out pixels\nare predicted best", (result.kept_step, 12),
                  xytext=(4, 0), textcoords="offset points", fontsize=8)  # fmt: skip
    axes.set_xlabel("step")
    axes.set_ylabel("PSNR, dB")
    axes.set_ylim(8, None)
    axes.grid(alpha=0.25, which="both")
    axes.legend(loc="upper left")
    figure.savefig(folder / "stop.svg")
    plt.close(figure)


if __name__ == "__main__":
    draw(Path(__file__).parent / "_static" / "theory")
