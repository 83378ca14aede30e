"""
Four times as large
===================

y is the average of 4x4 pixels and no more is known; the network finds a picture that agrees with it.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import astronaut
from skimage.transform import resize

from untrained import upscale

small = resize(astronaut()[0:192, 128:320], (48, 48), anti_aliasing=True).astype(np.float32)
large = upscale(small, 4, steps=200)
bicubic = resize(small, (192, 192), order=3)

figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for axis, image, title in zip(
    axes, (small, bicubic, large), ("48 x 48", "bicubic", "untrained"), strict=True
):
    axis.imshow(image.clip(0, 1), interpolation="nearest")
    axis.set_title(title)
    axis.set_axis_off()
