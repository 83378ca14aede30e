"""
Noise, taken away
=================

One call. Nothing is said about the noise: how strong it is, in dark places and in bright ones, is measured in
the picture; a network with random weights is fitted to this one picture, and the fit stops by itself.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import chelsea
from skimage.restoration import denoise_nl_means

from untrained import denoise, psnr

clean = chelsea()[40:168, 90:218] / 255
noisy = np.clip(clean + np.random.default_rng(0).normal(0, 25 / 255, clean.shape), 0, 1)
restored = denoise(noisy)

# %%
# Non-local means with the true noise level beside it.
means = denoise_nl_means(noisy, sigma=25 / 255, h=0.6 * 25 / 255, fast_mode=True, channel_axis=-1)
shown = {"noisy": noisy, "non-local means": means, "untrained": restored, "clean": clean}
figure, axes = plt.subplots(1, 4, figsize=(11, 3.5), layout="constrained")
for axis, (name, image) in zip(axes, shown.items(), strict=True):
    score = "" if name == "clean" else f"\n{psnr(image, clean):.2f} dB"
    axis.imshow(image.clip(0, 1), interpolation="nearest")
    axis.set_title(name + score)
    axis.set_axis_off()

# %%
# Non-local means averages patches that look alike *in the noise*, and fur hardly does. The network first finds out what
# is there, and the filter at the end averages what the network calls alike.
#
# To try: ``denoise(noisy, strength=0.7)`` keeps some of the grain, ``return_result=True`` gives what was found
# (``result.details["sigma_255"]``), ``recipe="paper"`` is the method as published, in many more steps.
