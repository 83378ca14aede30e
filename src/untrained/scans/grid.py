"""The centred Fourier transform of arrays, for what is read and for quick looks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["to_images", "to_kspace", "to_profile"]

_AXES = (-2, -1)


def to_kspace(images: NDArray[Any]) -> NDArray[np.complex64]:
    """Return the centred orthonormal FFT over the last two axes; the centre is at n // 2."""
    shifted = np.fft.ifftshift(images, axes=_AXES)
    return np.fft.fftshift(np.fft.fft2(shifted, norm="ortho"), axes=_AXES).astype(np.complex64)


def to_images(samples: NDArray[Any]) -> NDArray[np.complex64]:
    """Return the inverse of `to_kspace`."""
    shifted = np.fft.ifftshift(samples, axes=_AXES)
    return np.fft.fftshift(np.fft.ifft2(shifted, norm="ortho"), axes=_AXES).astype(np.complex64)


def to_profile(samples: NDArray[Any], axis: int) -> NDArray[np.complex64]:
    """Return the centred orthonormal inverse FFT over one axis."""
    shifted = np.fft.ifftshift(samples, axes=axis)
    profile = np.fft.ifft(shifted, axis=axis, norm="ortho")
    return np.fft.fftshift(profile, axes=axis).astype(np.complex64)
