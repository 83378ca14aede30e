"""
Few photons
===========

A dim picture with the noise of light: a place that sends n photons on average is seen as n ± √n. Bright places are
noisier than dark ones, and some pixels see nothing at all.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import coins

from untrained import denoise, psnr

clean = coins()[20:148, 60:188] / 255
photons = 12
dim = np.random.default_rng(0).poisson(clean * photons) / photons
restored = denoise(dim.clip(0, 1), photons=photons)

figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
for axis, (name, image) in zip(
    axes, {"12 photons at white": dim, "restored": restored, "clean": clean}.items(), strict=True
):
    axis.imshow(image, cmap="magma", vmin=0, vmax=0.8, interpolation="nearest")
    axis.set_title(name if name == "clean" else f"{name}, {psnr(image.clip(0, 1), clean):.1f} dB")
    axis.set_axis_off()

# %%
# ``photons`` is the count at white; where it is not known, leave it out, and σ by brightness is measured. The relief of
# the coins is gone: with twelve photons a pixel it is weaker than the noise, and what is not seen is not drawn.
