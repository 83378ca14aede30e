"""Coil maps: what each receiver coil sees of every place, from the middle of k-space alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.calibration.region import calibration_region, check_kspace
from untrained.errors import InputError

__all__ = ["MapMethod", "coil_maps"]

MapMethod = Literal["espirit", "walsh"]

_BLOCK_BYTES = 64 * 2**20
_CROP = 0.8  # the published threshold of √λ, here the middle of the soft weight's slope


def coil_maps(
    kspace: Tensor,
    mask: Tensor | None = None,
    *,
    method: MapMethod = "espirit",
    sets: int = 1,
    kernel: int = 6,
    threshold: float = 0.02,
    calibration: int = 24,
    soft: bool | None = None,
) -> Tensor:
    """Return the coil maps S (sets, c, h, w), complex, Σ_c |S_c|² = 1 before the soft weight.

    ESPIRiT (Uecker et al., Magn. Reson. Med. 71, 2014): the rows of the calibration matrix are the
    kernel x kernel windows of the fully sampled middle. Its row space, the singular vectors v_n
    above `threshold` of the largest singular value, makes for every place r a c x c matrix,
    W(r) = 1/kernel² Σ_n v̂_n(r) v̂_n(r)ᴴ with v̂ the transform of v to the place; the maps are its
    eigenvectors of the largest eigenvalues, which are 1 where there is signal. A second set is
    what the first cannot explain: a field of view smaller than the object.

    Walsh (Walsh et al., Magn. Reson. Med. 43, 2000): the eigenvectors of the covariance of the
    coils' low-resolution images over 5x5 places.

    A map's phase is relative to the direction in which the coils see most together. Nothing is cut
    out where there is no signal. Memory: the maps and a few blocks of 64 MiB, at any size.

    Args:
        kspace: (c, h, w), complex, centred: the zero frequency at (h // 2, w // 2); zero where not
            sampled. The values may have any scale.
        mask: (h, w), 1 where it was sampled; None = everywhere.
        method: of the above.
        sets: 1 or 2; 2 with ESPIRiT only.
        kernel: side of the windows, in samples.
        threshold: of the singular values, relative to the largest.
        calibration: samples along either axis that are used at most.
        soft: whether the maps are weighted by a smooth step of √λ, 0 at .6 and 1 at 1; None = the
            second set only, which is noise where the first one is enough. ESPIRiT only.

    Raises:
        InputError: fewer than 8 lines in the middle, no complex (c, h, w), an unknown method, more
            sets than coils or than 2, a kernel larger than the middle.
    """
    check_kspace(kspace, mask)
    coils, h, w = kspace.shape
    if method not in get_args(MapMethod):
        raise InputError(f"method is {method!r}; wanted one of {', '.join(get_args(MapMethod))}")
    if sets not in (1, 2) or sets > coils or (sets == 2 and method == "walsh"):
        raise InputError(
            f"sets is {sets} with {coils} coils and method {method}; "
            "wanted 1, or 2 with espirit and at least 2 coils"
        )
    region = calibration_region(mask, (h, w), limit=calibration)
    samples = region.of(kspace).to(torch.complex128)
    samples = samples / samples.abs().max().clamp_min(torch.finfo(torch.float64).tiny)
    reference = torch.linalg.eigh(_gram(samples.flatten(1)))[1][:, -1]
    if method == "walsh":
        low = _low_resolution(samples, (region.top, region.left), (h, w))
        blocks = _local_covariances(low)
    else:
        if not 2 <= kernel <= min(region.size):
            raise InputError(
                f"kernel is {kernel}; wanted 2 to {min(region.size)}, the fully sampled middle"
            )
        blocks = _projections(_row_space(samples, kernel, threshold), kernel, (h, w))
    kind = torch.complex128 if kspace.dtype == torch.complex128 else torch.complex64
    maps = torch.empty(sets, coils, h, w, dtype=kind, device=kspace.device)
    for first, matrices in blocks:
        values, vectors = torch.linalg.eigh(matrices)  # (rows, w, c), (rows, w, c, c), ascending
        for i in range(sets):
            found = _in_phase(vectors[..., -1 - i], reference)
            if (i > 0 if soft is None else soft) and method == "espirit":
                found = found * _soft_weight(values[..., -1 - i])[..., None]
            maps[i, :, first : first + len(found)] = found.permute(2, 0, 1)
    return maps


def _gram(rows: Tensor) -> Tensor:
    """Return the sum of v vᴴ over the columns v of (c, n)."""
    return rows @ rows.mH


def _row_space(samples: Tensor, kernel: int, threshold: float) -> Tensor:
    """Return the projection on the row space of the calibration matrix, (c, k, k, c, k, k)."""
    coils = len(samples)
    windows = samples.unfold(1, kernel, 1).unfold(2, kernel, 1)  # (c, rows, columns, k, k)
    windows = windows.permute(0, 3, 4, 1, 2).reshape(coils * kernel**2, -1)
    # Its squared singular values are the eigenvalues of the Gram matrix, whose size does not
    # grow with the number of windows.
    values, vectors = torch.linalg.eigh(_gram(windows))
    kept = vectors[:, values > threshold**2 * values[-1]]
    return _gram(kept).view(coils, kernel, kernel, coils, kernel, kernel)


def _projections(row_space: Tensor, kernel: int, size: tuple[int, int]) -> Iterator[_Block]:
    """Yield W(r), (rows, w, c, c), by blocks of rows.

    Σ_n v̂_n v̂_nᴴ is the transform of the kernels' correlations, which are 2k - 1 wide, whatever
    the size of the image: there is no need to enlarge every kernel to it.
    """
    coils, k = len(row_space), kernel
    lags = row_space.new_zeros(coils, coils, 2 * k - 1, 2 * k - 1)
    for i in range(k):
        for j in range(k):
            # v(δ) conj(v(δ')) belongs to the lag δ' - δ
            lags[..., k - 1 - i : 2 * k - 1 - i, k - 1 - j : 2 * k - 1 - j] += row_space[:, i, j]
    lags = (lags / k**2).to(torch.complex64)
    down, across = (_waves(k, side).to(lags) for side in size)
    rows = _rows_at_once(size[1], coils)
    for first in range(0, size[0], rows):
        lines = torch.einsum("abij,yi->yabj", lags, down[first : first + rows])
        yield first, torch.einsum("yabj,xj->yxab", lines, across)


def _waves(kernel: int, side: int) -> Tensor:
    """Return exp(-2πi d r / side), (side, 2k - 1), of places r and lags d from the middle."""
    places = torch.arange(side, dtype=torch.float64) - side // 2
    lags = torch.arange(1 - kernel, kernel, dtype=torch.float64)
    angle = -2 * torch.pi * places[:, None] * lags / side
    return torch.polar(torch.ones_like(angle), angle)


def _low_resolution(samples: Tensor, corner: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Return the coils' images (c, h, w) of the middle, with a Hann window against ringing."""
    (top, left), (height, width) = corner, samples.shape[-2:]
    window = torch.hann_window(height + 2, periodic=False, dtype=torch.float64)[1:-1, None]
    window = window * torch.hann_window(width + 2, periodic=False, dtype=torch.float64)[1:-1]
    full = samples.new_zeros(len(samples), *size)
    full[:, top : top + height, left : left + width] = samples * window.to(samples.device)
    shifted = torch.fft.ifftshift(full, dim=(-2, -1))
    image: Tensor = torch.fft.fftshift(torch.fft.ifft2(shifted, norm="ortho"), dim=(-2, -1))
    return image.to(torch.complex64)


def _local_covariances(images: Tensor, reach: int = 2) -> Iterator[_Block]:
    """Yield Σ I Iᴴ over (2 reach + 1)² places, (rows, w, c, c), by blocks of rows."""
    coils, h, w = images.shape
    rows = _rows_at_once(w, coils)
    for first in range(0, h, rows):
        last = min(h, first + rows)
        top, bottom = max(0, first - reach), min(h, last + reach)
        part = images[:, top:bottom]
        products = torch.view_as_real(part[:, None] * part[None].conj())
        flat = products.permute(0, 1, 4, 2, 3).reshape(coils * coils * 2, 1, bottom - top, w)
        side = 2 * reach + 1
        mean = F.avg_pool2d(flat, side, stride=1, padding=reach)[..., first - top : last - top, :]
        mean = mean.reshape(coils, coils, 2, last - first, w).permute(3, 4, 0, 1, 2)
        yield first, torch.view_as_complex(mean.contiguous())


def _rows_at_once(width: int, coils: int) -> int:
    return max(1, _BLOCK_BYTES // (8 * width * coils**2))


def _in_phase(vectors: Tensor, reference: Tensor) -> Tensor:
    """Return vectors (…, c) turned so that their part along the reference is real and positive."""
    along = vectors @ reference.conj().to(vectors)
    turn = torch.where(along.abs() > 0, along.conj() / along.abs().clamp_min(1e-30), 1.0)
    return vectors * turn[..., None]


def _soft_weight(values: Tensor) -> Tensor:
    """Return a smooth step of √λ, 0 up to .6 and 1 from 1 on."""
    t = ((values.clamp_min(0).sqrt() - (2 * _CROP - 1)) / (2 - 2 * _CROP)).clamp(0, 1)
    return t.square() * (3 - 2 * t)


_Block = tuple[int, Tensor]
