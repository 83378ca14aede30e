"""
Beyond the best image
=====================

The published Deep Image Prior with a small network, fitted until it has learned the noise: the reason why knowing
when to stop is half of the method.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import astronaut

from untrained import denoise, psnr
from untrained.fitting import Snapshots

clean = astronaut()[20:100, 180:260] / 255
noisy = np.clip(clean + np.random.default_rng(0).normal(0, 0.12, clean.shape), 0, 1)
film = {}
result = denoise(
    noisy, recipe="paper", steps=500,
    settings={"network.widths": (32,) * 4, "average": None, "objective.jitter": 0},
    callbacks=[Snapshots((0, 30, 100, 250, 500), lambda step, image: film.update({step: image}))],
)  # fmt: skip

# %%
figure, axes = plt.subplots(1, len(film), figsize=(11, 3), layout="constrained")
for axis, (step, image) in zip(axes, sorted(film.items()), strict=True):
    picture = image[0].permute(1, 2, 0).numpy()
    axis.imshow(picture.clip(0, 1), interpolation="nearest")
    axis.set_title(f"step {step}\n{psnr(picture, clean):.1f} dB")
    axis.set_axis_off()

# %%
# What is large and smooth comes first, then hair, then the noise. The loss falls all the while and says nothing of the
# turn between. *Three ways to stop* finds it without the truth.
