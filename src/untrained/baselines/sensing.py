"""Classical compressed sensing: the least total variation, the fewest wavelet coefficients."""

from __future__ import annotations

import torch
from torch import Tensor

from untrained.baselines.base import Image, Known, array_of, tensor_of
from untrained.errors import InputError
from untrained.operators import LinearOperator

__all__ = ["tv_exact", "wavelet_sparse"]

_TV_STEPS = 400  # on Set12, 3000 move the PSNR by less than .01 dB
_WAVELET_STEPS = 200
_POWER_STEPS = 20


def tv_exact(observed: Image, known: Known) -> Image:
    """Return argmin TV(x) with A x = y, the isotropic one; for rows that are orthonormal.

    The primal-dual iteration of Chambolle & Pock, J. Math. Imaging Vis. 40, 2011, its primal step
    the projection x + Aᵀ(y - A x).

    Args:
        observed: y, (1, m, 1).
        known: the operator.

    Raises:
        InputError: no operator.
    """
    operator, y = _operator(known), tensor_of(observed)
    x = operator.adjoint(y)
    ahead, dual = x, torch.zeros_like(_gradient(x))
    tau = 0.05
    for _ in range(_TV_STEPS):
        dual = dual + _gradient(ahead) / (8 * tau)
        dual = dual / dual.square().sum(0, keepdim=True).sqrt().clamp_min(1)
        moved = x - tau * _gradient_adjoint(dual)
        moved = moved + operator.adjoint(y - operator(moved))
        ahead, x = 2 * moved - x, moved
    return array_of(x)


def wavelet_sparse(observed: Image, known: Known, *, weight: float = 0.003) -> Image:
    """Return argmin ‖A x - y‖² / 2 + weight ‖W x‖₁ by FISTA, W the db4 wavelets of PyWavelets.

    Beck & Teboulle, SIAM J. Imaging Sciences 2, 2009.

    Args:
        observed: y, (1, m, 1).
        known: the operator.
        weight: times the largest coefficient of Aᵀ y.

    Raises:
        InputError: no operator, or PyWavelets is not installed.
    """
    try:
        import pywt
    except ImportError:
        raise InputError("PyWavelets is not installed; pip install PyWavelets, or use tv") from None
    operator, y = _operator(known), tensor_of(observed)
    start = operator.adjoint(y)
    size, step = start.shape[-2:], 1 / _largest(operator, start)

    def shrunk(image: Tensor, by: float) -> Tensor:
        channels = []
        for channel in image[0].numpy():
            levels = pywt.wavedec2(channel, "db4", mode="periodization")
            flat, places = pywt.coeffs_to_array(levels)
            corner = places[0]
            coarse = flat[corner].copy()
            flat = pywt.threshold(flat, by, "soft")
            flat[corner] = coarse  # the coarsest is no detail
            again = pywt.array_to_coeffs(flat, places, output_format="wavedec2")
            channels.append(torch.from_numpy(pywt.waverec2(again, "db4", mode="periodization")))
        return torch.stack(channels)[None, :, : size[0], : size[1]].to(image)

    by = step * weight * float(start.abs().max())
    x, ahead, t = start, start, 1.0
    for _ in range(_WAVELET_STEPS):
        moved = shrunk(ahead + step * operator.adjoint(y - operator(ahead)), by)
        following = (1 + (1 + 4 * t * t) ** 0.5) / 2
        ahead, x, t = moved + (t - 1) / following * (moved - x), moved, following
    return array_of(x)


def _operator(known: Known) -> LinearOperator:
    if known.operator is None:
        raise InputError("the operator is missing; give what the measurements are made by")
    return known.operator


def _gradient(image: Tensor) -> Tensor:
    """Return the forward differences, (2, C, H, W); zero at the end."""
    down, across = torch.zeros_like(image), torch.zeros_like(image)
    down[..., :-1, :] = image.diff(dim=-2)
    across[..., :-1] = image.diff(dim=-1)
    return torch.cat([down, across])


def _gradient_adjoint(field: Tensor) -> Tensor:
    down, across = field[:1], field[1:]
    result = torch.zeros_like(down)
    result[..., 1:, :] += down[..., :-1, :]
    result[..., :-1, :] -= down[..., :-1, :]
    result[..., 1:] += across[..., :-1]
    result[..., :-1] -= across[..., :-1]
    return result


def _largest(operator: LinearOperator, like: Tensor) -> float:
    """Return ‖AᵀA‖ by power iteration."""
    x = torch.randn(like.shape, generator=torch.Generator().manual_seed(0), dtype=like.dtype)
    for _ in range(_POWER_STEPS):
        x = operator.adjoint(operator(x / x.norm()))
    return 1.02 * float(x.norm())
