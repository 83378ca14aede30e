"""
Compressed sensing
==================

A single-pixel camera: 2457 random patterns of a picture of 128x128 pixels, 15 % of what there is to know. What the
measurements say beside an estimate is the picture and white noise of a known strength, so the network learns to
denoise here too.
"""

import matplotlib.pyplot as plt
import torch
from skimage.data import camera

from untrained import psnr, reconstruct_sensing
from untrained.operators import Hadamard

side = 128
truth = torch.from_numpy(camera().reshape(side, 4, side, 4).mean((1, 3)) / 255).float()
patterns = Hadamard(int(0.15 * side**2), (side, side), seed=0)
with torch.no_grad():
    y = patterns(truth[None, None])
    naive = patterns.adjoint(y)[0, 0]
restored = reconstruct_sensing(y[0, 0, 0].numpy(), matrix="hadamard:0", size=(side, side))

figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
titles = ("A* y", f"untrained, {psnr(restored, truth.numpy()):.1f} dB", "truth")
for axis, image, title in zip(axes, (naive / naive.max(), restored, truth), titles, strict=True):
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(title)
    axis.set_axis_off()

# %%
# Fifteen numbers for each hundred pixels, none of which belongs to any pixel. Lines come back, the towers on the horizon
# and the grass do not.
