"""
Deep Image Prior against Deep Decoder
=====================================

Two ways not to draw noise: to stop in time, or to be unable to. A Deep Decoder of fewer weights than the picture has values (3768 and 4096 here) cannot fit all of the noise, and need
not be stopped so carefully; but it draws less detail.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import camera

from untrained import denoise
from untrained.fitting import Scoring

clean = camera().reshape(64, 8, 64, 8).mean((1, 3)) / 255
noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape)
methods = {
    "Deep Image Prior": (
        "paper", {"network.widths": (32,) * 4, "average": None, "objective.jitter": 0},
    ),
    "Deep Decoder": ("deep-decoder", {"network.width": 24, "objective.z.channels": 24}),
}  # fmt: skip
figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name, (recipe, settings) in methods.items():
    scores = Scoring()
    denoise(
        noisy, recipe=recipe, steps=500, settings={**settings, "stopper": "FixedSteps"},
        truth=clean, callbacks=[scores],
    )  # fmt: skip
    axes.plot(
        10 * np.arange(1, len(scores.psnr_truth_iterate) + 1), scores.psnr_truth_iterate, label=name
    )
axes.set_xlabel("step")
axes.set_ylabel("PSNR to the clean picture, dB")
axes.grid(alpha=0.3)
axes.legend()

# %%
# The Deep Image Prior is at its best after a hundred steps and loses 4 dB to the noise in the next four hundred. The
# decoder takes longer and stays where it is, with steps that jump about: their average is better than any of them.
