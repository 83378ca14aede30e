"""
Half of the pixels
==================

Missing pixels are filled from what is known of the picture. NaN, a mask, transparency: all mean missing. The error
is counted on the known pixels alone; what the network draws between them is what it finds easy to draw.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import chelsea

from untrained import inpaint, psnr

clean = chelsea()[40:136, 90:186]
known = np.random.default_rng(0).random(clean.shape[:2]) < 0.5
restored = inpaint(np.where(known[..., None], clean, 0).astype(np.uint8), known, steps=300)

figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
titles = ("half is known", f"restored, {psnr(restored / 255, clean / 255):.1f} dB", "clean")
for axis, image, title in zip(
    axes, (clean * known[..., None], restored, clean), titles, strict=True
):
    axis.imshow(image, interpolation="nearest")
    axis.set_title(title)
    axis.set_axis_off()

# %%
# The known pixels come back as they were, to the bit. Pixels that miss one by one are a benign case, since what is near
# says much. A hole is filled from its rim inwards, and smoothly: the network knows no other picture than this one.
