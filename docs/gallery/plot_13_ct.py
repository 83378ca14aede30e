"""
CT of few views
===============

30 projections over half a turn, with photon noise, a detector whose pixels have drifted, and an axis of rotation
that is not in the middle; the axis is found. The scan is made up.
"""

import matplotlib.pyplot as plt
import numpy as np

from untrained import psnr, reconstruct_ct
from untrained.simulation.scans import make_ct
from untrained.tasks import prepare_ct

side = 96
made = make_ct(side, views=30, generator=np.random.default_rng(0))
scan = {"flat": made.flat, "dark": made.dark, "size": side}
measured = prepare_ct(made.counts, made.angles, **scan)  # what the fit is given
print(f"the axis is at detector pixel {measured.centre:.2f}, in truth at {made.centre:.2f}")
restored = reconstruct_ct(made.counts, made.angles, **scan, centre=measured.centre, steps=150)

# %%
# Filtered back-projection, the classical method, beside it.
filtered = measured.fbp
white = made.truth.max()
figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
shown = {"filtered back-projection": filtered, "untrained": restored, "truth": made.truth}
for axis, (name, image) in zip(axes, shown.items(), strict=True):
    score = "" if name == "truth" else f", {psnr(image / white, made.truth / white):.1f} dB"
    axis.imshow(image, cmap="gray", vmin=0, vmax=0.5 * white)
    axis.set_title(name + score)
    axis.set_axis_off()

# %%
# Streaks are what few views look like to back-projection. The network has no streaks to offer, and the grating on the
# left, finer than what 30 views resolve, stays blurred in both.
