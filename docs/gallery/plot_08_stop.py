"""
Three ways to stop
==================

Held-out pixels, the variance of the iterates, and a known noise level, on one fit of the published network. None of
them sees the truth.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import camera

from untrained import denoise
from untrained.fitting import Discrepancy, FixedSteps, HeldOut, Scoring, WindowedVariance

clean = camera().reshape(64, 8, 64, 8).mean((1, 3)) / 255
noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape)
small = {"network.widths": (32,) * 4, "average": None, "objective.jitter": 0}
scores = Scoring()
rules = {
    "all steps": FixedSteps(),
    "held-out pixels": HeldOut(fraction=0.05, patience=100),
    "variance": WindowedVariance(window=20, patience=60),
    "noise level": Discrepancy(),
}
figure, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
for number, (name, rule) in enumerate(rules.items()):
    watch = [scores] if name == "all steps" else []
    result = denoise(
        noisy, recipe="paper", steps=500, settings={**small, "stopper": rule}, sigma=0.1,
        truth=clean, callbacks=watch, return_result=True,
    )  # fmt: skip
    if name == "all steps":
        steps = 10 * np.arange(1, len(scores.psnr_truth_iterate) + 1)
        axes.plot(steps, scores.psnr_truth_iterate, color="0.4", label="to the truth")
    else:
        dashes = (3 * number, (3, 6))  # lines at the same step show through each other
        axes.axvline(
            result.kept_step, color=f"C{number}", ls=dashes, lw=2,
            label=f"{name}: {result.kept_step}",
        )  # fmt: skip
axes.set_xlabel("step")
axes.set_ylabel("PSNR, dB")
axes.legend()
axes.grid(alpha=0.3)

# %%
# Held-out pixels need nothing but pixels, and are what the recipes take. The variance needs no pixel to be set aside.
# The noise level has to be known: told too little, the fit runs on into the noise.
