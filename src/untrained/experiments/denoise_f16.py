"""The denoising study of the 3MIC project: one noisy picture, 6000 steps, two curves."""

from __future__ import annotations

from dataclasses import replace

from untrained.experiments.base import Experiment, Outcome, shortened
from untrained.experiments.figures import curves, filmstrip, has
from untrained.experiments.report import table
from untrained.experiments.scenes import noisy
from untrained.networks import Noise
from untrained.objectives import DataFit
from untrained.recipes import find_recipe

__all__ = ["FULL", "QUICK"]

F16 = "cset9/f16.png"
dip = find_recipe("denoise", "paper-code")


def peaks(outcome: Outcome) -> str:
    """Return where the network's own image comes nearest to the original; "" without a DIP."""
    rows = [["3MIC report (published)", "near 3000", "", ""]]
    for method in ("DIP", "DIP without jitter"):
        if not has(outcome, F16, method):
            continue
        lines = outcome.entry(F16, method)["curves"]
        iterate = lines["psnr_truth_iterate"]
        best = max(iterate)
        rows.append(
            [method, str(lines["steps"][iterate.index(best)]), f"{best:.2f}", f"{iterate[-1]:.2f}"]
        )
    if len(rows) == 1:
        return ""
    return table(["the network's own image", "step of the peak", "dB there", "dB at the end"], rows)


FULL = Experiment(
    name="denoise-f16",
    title="Denoising F16: signal first, noise later",
    text="""
The report of Pham and Vo ("Deep Image Prior", 3MIC project, 2021) writes the Deep Image Prior anew
and runs it for 6000 steps on a noisy photograph. It shows the outputs at steps 0, 1000, 3000 and
6000 and finds that the PSNR to the noisy picture keeps rising, while the PSNR to the original has
its peak near step 3000 and falls afterwards. It prints no table and does not name its noise level.

Here: F16 with σ = 25, the network and settings of the authors' denoising notebook (jitter of 1/30),
and the same without jitter, each for 6000 steps. The images shown are the network's own; the
average of the iterates, which the notebook also keeps, is a curve of its own. `fast` and `best` are
ours; non-local means are given σ.
""",
    pictures=(F16,),
    scene=noisy(25),
    methods={
        "DIP": replace(dip, max_steps=6000),
        "DIP without jitter": replace(
            dip, max_steps=6000, objective=DataFit(z=Noise(channels=32, scale=0.1))
        ),
        "fast": find_recipe("denoise", "fast"),
        "best": find_recipe("denoise", "best"),
        "NLM": "nlm",
    },
    snapshots=(0, 1000, 3000, 6000),
    figures=(
        filmstrip(F16, "DIP"),
        filmstrip(F16, "DIP without jitter"),
        curves(F16, ("DIP", "DIP without jitter")),
    ),
    notes=peaks,
)

QUICK = replace(
    FULL,
    crop=128,
    methods=shortened(FULL.methods, {"DIP": 700, "DIP without jitter": 700, "fast": 1500}),
    snapshots=(0, 100, 300, 700),
    quick="The central 128×128 pixels instead of 512×512, and 700 steps instead of 6000. A small "
    "picture is overfitted sooner than a large one, so without jitter the peak comes long before "
    "the published step 3000; with it, 700 steps are too few to see a peak. `best` is left out.",
)
