"""
How sure is it?
===============

Stochastic gradient Langevin dynamics adds noise to every step, so that the fit never settles and draws many images that
explain the picture (Cheng et al., 2019). Their mean is the result; where they differ, it is not sure.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import camera

from untrained import denoise

clean = camera().reshape(64, 8, 64, 8).mean((1, 3)) / 255
noisy = clean + np.random.default_rng(0).normal(0, 0.08, clean.shape)
result = denoise(
    noisy, recipe="sgld-fast", steps=500, settings={"average.burn_in": 250}, return_result=True
)

figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
error = np.abs(result.image - clean)
sure = result.extras["spread"][0, 0].numpy()
for axis, image, title, most in zip(
    axes,
    (result.image, sure, error),
    ("restored", "how unsure", "the true error"),
    (1, None, 0.15),
    strict=True,
):
    drawn = axis.imshow(image, cmap="gray" if most == 1 else "viridis", vmin=0, vmax=most)
    axis.set_title(title)
    axis.set_axis_off()
    figure.colorbar(drawn, ax=axis, shrink=0.7)

# %%
# Unsure are the edges, and there the error is. It is the spread of what this network draws
# and no guarantee: what it never draws, as parts of the tripod, it is sure of and wrong about.
