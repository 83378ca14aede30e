"""
A known blur
============

y = k * x: the kernel is known. The picture beyond the frame is not, though light from there was blurred into it, so
the network paints there too, and the frame is cut out at the end.
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

figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
for axis, (name, image) in zip(
    axes, {"blurred": blurred, "restored": sharp, "clean": clean}.items(), strict=True
):
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(name if name == "clean" else f"{name}, {psnr(image, clean):.1f} dB")
    axis.set_axis_off()

# %%
# What a blur takes away altogether (here stripes of 9, 4.5, 3 … pixels) no division brings back; the prior fills it in.
# Where the kernel is not known, ``untrained deblur photo.jpg --kernel-size 15`` looks for one of that size.
