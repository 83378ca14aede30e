"""
Your own network
================

Any module that maps the code z to an image. Its architecture is the prior: one that sees a single scale soon learns
the noise, one that has to enlarge what it draws cannot.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage.data import camera
from torch import nn

from untrained import denoise, psnr


def flat(channels_in, channels_out):
    """Six convolutions at one scale."""
    layers = [nn.Conv2d(channels_in, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()]
    for _ in range(4):
        layers += [nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(32, channels_out, 1), nn.Sigmoid())


def decoder(channels_in, channels_out):
    """1x1 convolutions and enlargement, from a sixteenth of the size."""
    layers = [nn.AvgPool2d(16), nn.Conv2d(channels_in, 64, 1)]
    for _ in range(4):
        up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        layers += [up, nn.Conv2d(64, 64, 1), nn.ReLU(), nn.BatchNorm2d(64)]
    return nn.Sequential(*layers, nn.Conv2d(64, channels_out, 1), nn.Sigmoid())


clean = camera().reshape(64, 8, 64, 8).mean((1, 3)) / 255
noisy = (clean + np.random.default_rng(0).normal(0, 0.1, clean.shape)).astype(np.float32)
images = {"noisy": noisy}
for network in (flat, decoder):
    images[network.__name__] = denoise(
        noisy, recipe="paper", steps=300, settings={"network": network, "average": None}
    )

figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
for axis, (name, image) in zip(axes, images.items(), strict=True):
    axis.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(f"{name}, {psnr(image, clean):.1f} dB")
    axis.set_axis_off()

# %%
# After the same 300 steps ``flat`` has drawn most of the noise, and ``decoder`` not yet the man. The published network
# stands between: it enlarges, as the one, and has convolutions of 3x3 at each scale, as the other. Shortcuts between its
# encoder and decoder would be the next thing to change.
