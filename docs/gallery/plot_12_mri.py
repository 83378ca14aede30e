"""
MRI, four times as fast
=======================

A quarter of the lines of k-space, eight coils, no reference scan: the coils' sensitivities are calibrated from the
middle of k-space, and the fit stops at what predicts lines best that it has not seen. The scan is made up.
"""

import matplotlib.pyplot as plt
import numpy as np

from untrained import psnr, reconstruct_mri
from untrained.simulation.masks import accelerated_lines
from untrained.simulation.scans import make_mri

rng = np.random.default_rng(0)
full = make_mri(128, coils=8, generator=rng)
mask = accelerated_lines(128, 4, generator=rng)
restored = np.abs(reconstruct_mri(full.samples * mask, mask=mask))

# %%
# Zeros for what was not measured is the simplest reconstruction.
measured = np.fft.ifftshift(full.samples * mask, axes=(-2, -1))
filled = np.fft.fftshift(np.fft.ifft2(measured, norm="ortho"), axes=(-2, -1))
zeros = np.sqrt((np.abs(filled) ** 2).sum(0))

figure, axes = plt.subplots(1, 4, figsize=(11, 3.2), layout="constrained")
axes[0].imshow(np.broadcast_to(mask, full.samples.shape[1:]), cmap="gray", aspect="equal")
axes[0].set_title("lines that were measured")
for axis, (name, image) in zip(
    axes[1:], {"zeros filled in": zeros, "untrained": restored, "full scan": full.truth}.items(),
    strict=True,
):  # fmt: skip
    white = full.truth.max()
    score = "" if image is full.truth else f", {psnr(image / white, full.truth / white):.1f} dB"
    axis.imshow(image, cmap="gray", vmin=0, vmax=0.5 * white)
    axis.set_title(name + score)
for axis in axes:
    axis.set_axis_off()

# %%
# Zeros for the missing lines fold the head over itself. The fit has unfolded it; what is left is the noise of the scan,
# of which there is more the fewer lines are measured. ``recipe="best"`` averages several networks; :doc:`../scans` says how
# such an image is judged without a full scan.
