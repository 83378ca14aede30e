"""
A beating heart
===============

Twelve frames of a heartbeat; of each a fifth of the lines of k-space was measured, others in every frame. The frames
lend each other what they lack. The scan is made up.
"""

import matplotlib.pyplot as plt
import numpy as np

from untrained import psnr, reconstruct_series
from untrained.simulation.sampling import random_lines
from untrained.simulation.scans import make_series

side, frames = 64, 12
rng = np.random.default_rng(0)
full = make_series(side, frames=frames, beats=1, generator=rng)
lines = random_lines(frames, side, side // 5, generator=rng)
mask = np.repeat(lines[:, None], side, axis=1)
kspace = full.samples * mask[:, None]
restored = np.abs(reconstruct_series(kspace, mask, steps=100))

# %%
# Four of the frames, and above them each one alone, with zeros for what was not measured.
shifted = np.fft.ifftshift(kspace[:, 0], axes=(-2, -1))
alone = np.abs(np.fft.fftshift(np.fft.ifft2(shifted, norm="ortho"), axes=(-2, -1)))
rows = {"zeros filled in": alone, "untrained": restored, "full scan": full.truth}
figure, axes = plt.subplots(3, 4, figsize=(9, 7), layout="constrained")
for row, (name, series) in zip(axes, rows.items(), strict=True):
    for axis, t in zip(row, range(0, frames, 3), strict=True):
        axis.imshow(series[t], cmap="gray", vmin=0, vmax=full.truth.max())
        axis.set_axis_off()
    white = full.truth.max()
    score = "" if series is full.truth else f", {psnr(series / white, full.truth / white):.1f} dB"
    row[0].set_title(name + score, loc="left")

# %%
# No frame has lines enough for itself, but what stands still was measured twelve times. Three classical series, each
# with another idea of what changes little in space and time, are shown to a network that learns to stack them from the
# samples it is not shown. The hard part is what moves: look at the heart's wall. ``recipe="paper"`` is the
# time-dependent deep image prior, one network with a code for each moment, in ten thousand steps.
