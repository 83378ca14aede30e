"""
Frames together
===============

Six noisy frames of a slow pan. One network draws all of them, so that what it learns of one it knows of the others.
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

figure, axes = plt.subplots(1, 4, figsize=(11, 3.5), layout="constrained")
shown = {"noisy": noisy[3], "alone": alone, "six together": together[3], "clean": clean[3]}
for axis, (name, image) in zip(axes, shown.items(), strict=True):
    score = "" if name == "clean" else f"\n{psnr(image.clip(0, 1), clean[3]):.2f} dB"
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(name + score)
    axis.set_axis_off()

# %%
# The gain is small here, since every frame moves and none repeats another. Of stacks and channels that show the same
# thing, it is larger: ``untrained denoise stack.tif --joint z``. Video goes another way, each frame from the network of the
# one before it: ``untrained restore-video``.
