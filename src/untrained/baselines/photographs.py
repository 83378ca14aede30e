"""Classical methods for photographs: noise, missing pixels, enlargement, a known blur."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F

from untrained.baselines.base import Image, Known, array_of, mask_of, sigma_of, tensor_of
from untrained.errors import InputError

__all__ = [
    "bicubic",
    "bicubic_torch",
    "biharmonic",
    "bm3d",
    "median",
    "nearest_known",
    "nlm",
    "pixels",
    "richardson_lucy",
    "tv",
    "wavelet",
]

_BM3D_BLOCK = 8


def nlm(observed: Image, known: Known) -> Image:
    """Return scikit-image's non-local means: patch 5, distance 6, h = .6 σ, fast mode.

    Buades, Coll & Morel, "A non-local algorithm for image denoising", CVPR 2005.
    """
    from skimage.restoration import denoise_nl_means

    sigma = sigma_of(observed, known)
    if sigma == 0:
        return observed.copy()
    # A channel axis of one channel is a slow path in scikit-image.
    plain = observed[:, :, 0] if observed.shape[2] == 1 else observed
    result = denoise_nl_means(
        plain, patch_size=5, patch_distance=6, h=0.6 * sigma, sigma=sigma, fast_mode=True,
        channel_axis=-1 if plain.ndim == 3 else None,
    )  # fmt: skip
    return np.asarray(result).reshape(observed.shape)


def tv(observed: Image, known: Known) -> Image:
    """Return scikit-image's total variation denoising with weight σ.

    min_x TV(x) + ‖x - y‖² / (2 weight), Chambolle, J. Math. Imaging Vis. 20, 2004.
    """
    from skimage.restoration import denoise_tv_chambolle

    weight = sigma_of(observed, known)
    if weight == 0:
        return observed.copy()
    return np.asarray(denoise_tv_chambolle(observed, weight=weight, channel_axis=-1))


def wavelet(observed: Image, known: Known) -> Image:
    """Return scikit-image's soft wavelet thresholding by BayesShrink, colour as Y Cb Cr.

    Chang, Yu & Vetterli, IEEE Trans. Image Processing 9, 2000.
    """
    from skimage.restoration import denoise_wavelet

    if sigma_of(observed, known) == 0:
        return observed.copy()
    result = denoise_wavelet(
        observed, sigma=known.sigma, method="BayesShrink", rescale_sigma=True, channel_axis=-1,
        convert2ycbcr=observed.shape[2] == 3,
    )  # fmt: skip
    return np.asarray(result)


def median(observed: Image, known: Known) -> Image:
    """Return the switching median for impulses: black and white values by the median of 3x3."""
    import scipy.ndimage

    extreme = (observed <= 0) | (observed >= 1)
    return np.where(extreme, scipy.ndimage.median_filter(observed, size=(3, 3, 1)), observed)


def bm3d(observed: Image, known: Known) -> Image:
    """Return BM3D, the colour version for three channels, by the optional package `bm3d`.

    Dabov et al., IEEE Trans. Image Processing 16, 2007. The package's licence allows
    non-commercial use only, so nothing here depends on it and no extra installs it for users:
    who may use it runs `pip install bm3d`.

    Raises:
        InputError: the package is not installed, or a picture of no more than one block (8 pixels),
            at which the package crashes.
    """
    try:
        import bm3d as package
    except ImportError:
        raise InputError(
            "bm3d is not installed; `pip install bm3d` if its licence (non-commercial use only) "
            "suits you, or use nlm"
        ) from None
    if min(observed.shape[:2]) <= _BM3D_BLOCK:
        got = "x".join(map(str, observed.shape[:2]))
        raise InputError(f"image is {got}; bm3d wants more than 8x8, its block; use nlm")
    sigma = sigma_of(observed, known)
    if sigma == 0:
        return observed.copy()
    # Of gray in three channels the package normalises the colour to NaN.
    if observed.shape[2] == 3 and np.ptp(observed, axis=2).any():
        return np.asarray(package.bm3d_rgb(observed, sigma))
    channels = [package.bm3d(np.ascontiguousarray(c), sigma) for c in np.moveaxis(observed, -1, 0)]
    return np.stack([np.asarray(c).reshape(observed.shape[:2]) for c in channels], axis=-1)


def biharmonic(observed: Image, known: Known) -> Image:
    """Return scikit-image's biharmonic inpainting: ∇⁴ x = 0 where nothing is known.

    Damelin & Hoang, Int. J. Math. Math. Sci. 2018.
    """
    from skimage.restoration import inpaint_biharmonic

    return np.asarray(inpaint_biharmonic(observed, ~mask_of(known), channel_axis=-1))


def nearest_known(observed: Image, known: Known) -> Image:
    """Return the image with every missing pixel copied from the nearest known one."""
    import scipy.ndimage

    rows, columns = scipy.ndimage.distance_transform_edt(
        ~mask_of(known), return_distances=False, return_indices=True
    )
    filled: Image = observed[rows, columns]
    return filled


def bicubic(observed: Image, known: Known) -> Image:
    """Return bicubic interpolation with Keys' kernel, a = -1/2: MATLAB's, and the papers'."""
    return _bicubic(observed, known.factor, antialias=True)


def bicubic_torch(observed: Image, known: Known) -> Image:
    """Return bicubic interpolation with a = -3/4, torch's: sharper, .2 dB better on Set5."""
    return _bicubic(observed, known.factor, antialias=False)


def pixels(observed: Image, known: Known) -> Image:
    """Return the image with every pixel repeated `factor` times each way."""
    return observed.repeat(known.factor, axis=0).repeat(known.factor, axis=1)


def richardson_lucy(observed: Image, known: Known) -> Image:
    """Return scikit-image's Richardson-Lucy deconvolution, 30 iterations.

    x ← x · kᵀ*(y / k*x), Richardson, J. Opt. Soc. Am. 62, 1972. Edges are extended by reflection,
    so that they do not ring.
    """
    from skimage.restoration import richardson_lucy as by_skimage

    if known.kernel is None:
        raise InputError("richardson-lucy needs the blur kernel; give one that sums to one")
    rows, columns = (2 * side for side in known.kernel.shape)
    rows, columns = min(rows, observed.shape[0] - 1), min(columns, observed.shape[1] - 1)
    wide = np.pad(observed, ((rows, rows), (columns, columns), (0, 0)), mode="reflect")
    sharp = np.stack(
        [by_skimage(c, known.kernel, num_iter=30, clip=False, filter_epsilon=1e-6)
         for c in np.moveaxis(wide, -1, 0)], axis=-1,
    )  # fmt: skip
    return sharp[rows : rows + observed.shape[0], columns : columns + observed.shape[1]]


def _bicubic(observed: Image, factor: int, *, antialias: bool) -> Image:
    # torch takes a = -1/2 with antialias and -3/4 without; enlarging has nothing to alias.
    large = F.interpolate(
        tensor_of(observed), scale_factor=factor, mode="bicubic", antialias=antialias
    )
    return array_of(large)
