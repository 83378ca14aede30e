"""
Four times as large
===================

Many large pictures shrink to the same small one. Bicubic enlargement chooses the smoothest; the network finds one that
it can draw with few means, which favours lines and edges, and that gives the small one again when it is shrunk.
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

# %%
# The chin and the hair have edges again, and no eyelash was invented. For photographs ``recipe="best"`` (the mean of
# several networks) and more steps are worth their time. There is no score, since 48x48 pixels are all there is.
