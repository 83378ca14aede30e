"""
A known blur
============

y = k * x: the kernel is known, the picture beyond the frame is not, so the network paints there too.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import convolve
from skimage.data import camera

from untrained import deblur, psnr

clean = camera()[64:192, 160:288] / 255
kernel = np.zeros((9, 9))
kernel[4, :] = 1 / 9  # the camera was moved to the right
blurred = convolve(clean, kernel) + np.random.default_rng(0).normal(0, 0.005, clean.shape)
sharp = deblur(blurred.astype(np.float32), kernel, steps=200)

figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for axis, (name, image) in zip(
    axes, {"blurred": blurred, "restored": sharp, "clean": clean}.items(), strict=True
):
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(name if name == "clean" else f"{name}, {psnr(image, clean):.1f} dB")
    axis.set_axis_off()
