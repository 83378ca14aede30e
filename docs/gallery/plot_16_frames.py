"""
Frames together
===============

Six noisy frames of a slow pan. What one fit draws of all of them it learns from all of them.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import astronaut

from untrained import denoise, psnr
from untrained.tasks import restore_series

gray = astronaut()[40:220, 150:330].mean(axis=2) / 255
clean = np.stack([gray[10 + t : 82 + t, 20 + 2 * t : 92 + 2 * t] for t in range(6)])
noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape)
together = restore_series(noisy, sigma=0.1)
alone = denoise(noisy[3], sigma=0.1)

figure, axes = plt.subplots(1, 4, figsize=(11, 3.2), layout="constrained")
shown = {"noisy": noisy[3], "alone": alone, "six together": together[3], "clean": clean[3]}
for axis, (name, image) in zip(axes, shown.items(), strict=True):
    score = "" if name == "clean" else f"\n{psnr(image.clip(0, 1), clean[3]):.2f} dB"
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(name + score)
    axis.set_axis_off()
