"""
Your own operator: compressed sensing
=====================================

1024 random projections of a picture of 64x64 pixels: a quarter of its values. Any map of images that torch can
differentiate will do; of a linear one the adjoint is found by itself.
"""

import matplotlib.pyplot as plt
import torch
from skimage.data import camera

from untrained import LinearOperator, Problem, psnr, solve, with_settings


class Projections(LinearOperator):
    """y = M x, M of 1024 x 4096 random numbers."""

    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)

    def image_shape(self, measurement_shape):
        return 1, 1, 64, 64

    def forward(self, image):
        return (image.flatten(1) @ self.matrix.T)[:, None, None]


truth = torch.from_numpy(camera().reshape(64, 8, 64, 8).mean((1, 3)) / 255).float()[None, None]
A = Projections(torch.randn(1024, 4096, generator=torch.Generator().manual_seed(0)) / 32)
recipe = with_settings(
    "denoise/paper", {"optimizer": "Muon", "network.widths": (32,) * 4, "max_steps": 400}
)
result = solve(Problem(observed=A(truth), operator=A), recipe)

# %%
# A* y, what the measurement says without a prior, beside it.
figure, axes = plt.subplots(1, 3, figsize=(9, 3.5), layout="constrained")
naive = A.adjoint(A(truth)) * 1024 / 4096
titles = ("A* y", f"untrained, {psnr(result.estimate, truth):.1f} dB", "truth")
for axis, image, title in zip(axes, (naive, result.estimate, truth), titles, strict=True):
    axis.imshow(image[0, 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(title)
    axis.set_axis_off()

# %%
# The measurement itself looks like nothing. The prior is that a convolutional network draws the picture; that the
# projections are right is left to the fit. ``denoise(..., settings=...)`` and ``solve`` take the same recipes, and
# :doc:`../own-parts` shows own objectives and stop rules.
