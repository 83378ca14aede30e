"""Noise between coils: its covariance, and the coils mixed so that each has the same, its own."""

from __future__ import annotations

import torch
from torch import Tensor

from untrained.calibration.region import check_kspace
from untrained.errors import InputError

__all__ = ["mix_coils", "noise_covariance", "noise_from_kspace", "whitening"]

_RIDGE = 1e-6  # of a coil's own variance: coils that say the same still have an inverse


def noise_covariance(samples: Tensor) -> Tensor:
    """Return Ψ = (1/n) Σ n nᴴ, (c, c) complex128, of samples that hold nothing but noise.

    The mean is not taken off: thermal noise has none.

    Args:
        samples: (c, …), complex: a noise prescan, at the dwell time of the scan.

    Raises:
        InputError: fewer than 4 samples a coil, no complex numbers, NaN or infinite values, zeros
            only.
    """
    if samples.ndim < 2 or not samples.is_complex():
        raise InputError(
            f"noise is {samples.dtype} of shape {tuple(samples.shape)}; "
            "wanted complex numbers (coils, samples)"
        )
    values = samples.flatten(1)
    coils, count = values.shape
    if count < 4 * coils:
        raise InputError(
            f"noise has {count} samples for {coils} coils; wanted at least {4 * coils}; "
            "give a longer noise scan, or do without prewhitening"
        )
    largest = torch.view_as_real(values).abs().max()
    if not torch.isfinite(largest) or not largest > 0:
        raise InputError(
            "noise has NaN or infinite values or nothing but zeros; wanted what the coils "
            "measured without a signal"
        )
    unit = values.to(torch.complex128) / largest  # values of 1e-30 have no square in float32
    return (unit @ unit.mH) * (largest.double().square() / count)


def noise_from_kspace(
    kspace: Tensor, mask: Tensor | None = None, *, fraction: float = 0.05
) -> Tensor:
    """Return the covariance of the outermost samples of a scan, which hold almost only noise.

    Those are the `fraction` of the samples that lie farthest from the middle, each axis measured
    in half of its own length: the four corners of a full rectangle, the rim of an ellipse, the
    ends of the outer lines of an undersampled one. Where that would be fewer than 20 a coil, it
    is so many. What a coil still sees of the object there is taken for noise, so Ψ is a little too
    large; a noise prescan is better.

    Args:
        kspace: (c, h, w), complex, centred.
        mask: (h, w), 1 where it was sampled; None = everywhere. A sample that is exactly zero in
            every coil was not measured and does not count.
        fraction: of the samples, above 0 and at most 1.

    Raises:
        InputError: too few samples, no complex (c, h, w), a fraction out of range.
    """
    check_kspace(kspace, mask)
    if not 0 < fraction <= 1:
        raise InputError(f"fraction is {fraction}; wanted more than 0 and at most 1")
    coils, h, w = kspace.shape
    measured = (kspace != 0).any(0)
    measured = measured if mask is None else measured & (mask > 0)
    down, across = ((torch.arange(n, device=kspace.device) - n // 2) / (n / 2) for n in (h, w))
    distance = (down.square()[:, None] + across.square())[measured]
    count = min(len(distance), max(round(fraction * len(distance)), 20 * coils))
    farthest = distance.topk(count).indices
    return noise_covariance(kspace[:, measured][:, farthest])


def whitening(covariance: Tensor) -> Tensor:
    """Return L⁻¹ with L Lᴴ = Ψ: after `mix_coils(L⁻¹, k)` the noise is E n nᴴ = 1 (Cholesky).

    So the real and the imaginary part of every coil have the variance 1/2 each. Coil maps of the
    mixed k-space are those of the mixed coils; L = `torch.linalg.inv(L⁻¹)` leads back. A coil that
    is silent or says the same as others is no obstacle.

    Args:
        covariance: Ψ (c, c), complex; of any scale.

    Raises:
        InputError: not square, no positive variance.
    """
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1]:
        raise InputError(
            f"covariance is {tuple(covariance.shape)}; wanted (coils, coils), as noise_covariance"
        )
    psi = covariance.to(torch.complex128)
    variance = psi.diagonal().real
    if not variance.max() > 0 or not torch.isfinite(torch.view_as_real(psi)).all():
        raise InputError("covariance has no positive variance; wanted that of measured noise")
    # Each coil in units of its own noise first: coils may differ by orders of magnitude.
    deviation = variance.clamp_min(_RIDGE * float(variance.max())).sqrt()
    correlation = psi / (deviation[:, None] * deviation)
    ridge = _RIDGE * torch.eye(len(psi), dtype=psi.dtype, device=psi.device)
    correlation.diagonal().real.clamp_min_(1)
    factor = torch.linalg.cholesky(correlation + ridge)
    inverse: Tensor = torch.linalg.inv(factor) / deviation
    return inverse


def mix_coils(matrix: Tensor, values: Tensor) -> Tensor:
    """Return M v, the coils of (…, c, h, w) mixed by a matrix (c', c): (…, c', h, w)."""
    mixed: Tensor = torch.einsum("ij,...jhw->...ihw", matrix.to(values), values)
    return mixed
