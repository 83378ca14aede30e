"""Every linear physics of deepinv 0.5 that runs on a CPU without further packages, made small."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Shape = tuple[int, ...]


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def some(*shape: int) -> torch.Tensor:
    return (drawn(*shape, seed=1) > 0).float()


def kernel(count: int = 1) -> torch.Tensor:
    values = drawn(1, 1, count, 5, 5).abs() if count > 1 else drawn(1, 1, 5, 5).abs()
    return values / values.sum((-2, -1), keepdim=True)


MAPS = drawn(1, 3, 16, 16, dtype=torch.complex64)
ELEMENTS = torch.stack([torch.linspace(-0.01, 0.01, 8), torch.zeros(8)], 1)

MAKE: dict[str, Callable[[Any], tuple[Any, Shape]]] = {
    "Denoising": lambda p: (p.Denoising(), (3, 16, 16)),
    "Inpainting": lambda p: (p.Inpainting((3, 16, 16), mask=some(3, 16, 16)), (3, 16, 16)),
    "Demosaicing": lambda p: (p.Demosaicing((3, 16, 16)), (3, 16, 16)),
    "CompressedSensing": lambda p: (p.CompressedSensing(50, (1, 16, 16)), (1, 16, 16)),
    "CompressedSensing channelwise": lambda p: (
        p.CompressedSensing(50, (3, 16, 16), channelwise=True), (3, 16, 16),
    ),
    "StructuredRandom": lambda p: (p.StructuredRandom((1, 16, 16), (1, 8, 16)), (1, 16, 16)),
    "SinglePixelCamera": lambda p: (p.SinglePixelCamera(64, (1, 16, 16)), (1, 16, 16)),
    "SinglePixelCamera dense": lambda p: (
        p.SinglePixelCamera(64, (1, 16, 16), fast=False), (1, 16, 16),
    ),
    "Blur valid": lambda p: (p.Blur(kernel(), padding="valid"), (3, 16, 16)),
    "Blur circular": lambda p: (p.Blur(kernel(), padding="circular"), (3, 16, 16)),
    "BlurFFT": lambda p: (p.BlurFFT((3, 16, 16), filter=kernel()), (3, 16, 16)),
    "SpaceVaryingBlur": lambda p: (
        p.SpaceVaryingBlur(
            filters=kernel(2), multipliers=drawn(1, 1, 2, 16, 16), padding="circular"
        ), (1, 16, 16),
    ),
    "TiledSpaceVaryingBlur": lambda p: (
        p.TiledSpaceVaryingBlur(filters=kernel(4), patch_size=(12, 12), stride=(8, 8)),
        (1, 16, 16),
    ),
    "Downsampling": lambda p: (
        p.Downsampling((3, 16, 16), filter="gaussian", factor=2), (3, 16, 16),
    ),
    "DownsamplingMatlab": lambda p: (p.DownsamplingMatlab(factor=2), (3, 16, 16)),
    "Upsampling": lambda p: (p.Upsampling((3, 16, 16), filter="bilinear", factor=2), (3, 8, 8)),
    "Decolorize": lambda p: (p.Decolorize(), (3, 16, 16)),
    "HyperSpectralUnmixing": lambda p: (p.HyperSpectralUnmixing(E=5, C=12), (5, 16, 16)),
    "CompressiveSpectralImaging ss": lambda p: (
        p.CompressiveSpectralImaging((7, 16, 16), mode="ss"), (7, 16, 16),
    ),
    "CompressiveSpectralImaging sd": lambda p: (
        p.CompressiveSpectralImaging((7, 16, 16), mode="sd"), (7, 16, 16),
    ),
    "MRI": lambda p: (p.MRI(some(1, 1, 16, 16), (2, 16, 16)), (2, 16, 16)),
    "MultiCoilMRI": lambda p: (
        p.MultiCoilMRI(some(1, 1, 16, 16), MAPS, (2, 16, 16)), (2, 16, 16),
    ),
    "MultiCoilMRI 3D": lambda p: (
        p.MultiCoilMRI(
            some(1, 1, 4, 8, 8), drawn(1, 3, 4, 8, 8, dtype=torch.complex64), (2, 4, 8, 8),
            three_d=True,
        ), (2, 4, 8, 8),
    ),
    "DynamicMRI": lambda p: (p.DynamicMRI(some(1, 1, 4, 16, 16), (2, 4, 16, 16)), (2, 4, 16, 16)),
    "SequentialMRI": lambda p: (
        p.SequentialMRI(some(1, 1, 4, 16, 16), (2, 4, 16, 16)), (2, 16, 16),
    ),
    "Tomography": lambda p: (p.Tomography(10, 16), (1, 16, 16)),
    "Tomography circle": lambda p: (p.Tomography(10, 16, circle=True), (1, 16, 16)),
    "Tomography fan": lambda p: (p.Tomography(10, 16, fan_beam=True), (1, 16, 16)),
    "UltrasoundPlaneWave": lambda p: (
        p.UltrasoundPlaneWave(
            (16, 16), angles=[0.0, 0.1], element_positions=ELEMENTS, n_samples=64,
            sampling_frequency=5e6, pixel_size=(1e-3, 1e-3),
        ), (1, 16, 16),
    ),
    "PtychographyLinearOperator": lambda p: (
        p.PtychographyLinearOperator((1, 16, 16)), (1, 16, 16),
    ),
    "Pansharpen": lambda p: (p.Pansharpen((3, 16, 16), factor=4), (3, 16, 16)),
    "StackedLinearPhysics": lambda p: (
        p.Blur(kernel(), padding="circular").stack(p.Decolorize()), (3, 16, 16),
    ),
    "ComposedLinearPhysics": lambda p: (
        p.Downsampling((3, 16, 16), filter="gaussian") * p.BlurFFT((3, 16, 16), filter=kernel()),
        (3, 16, 16),
    ),
    "PhysicsCropper": lambda p: (
        p.PhysicsCropper(p.Blur(kernel(), padding="circular"), (2, 2)), (3, 20, 20),
    ),
    "BlurFFTMultiScaler": lambda p: (
        p.to_multiscale(p.BlurFFT((3, 16, 16), filter=kernel()), (3, 16, 16)), (3, 16, 16),
    ),
    "LinearPhysics": lambda p: (
        p.LinearPhysics(A=lambda x: x.flip(-1).cumsum(-2), img_size=(1, 16, 16)), (1, 16, 16),
    ),
}  # fmt: skip
"""By name: what makes the physics, of deepinv.physics, and the shape of an image."""

SINGLE = ("UltrasoundPlaneWave",)
"""Those that compute in float32, whatever the image is."""
