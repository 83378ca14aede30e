"""Virtual coils: fewer than were there, with nearly all of what they saw."""

from __future__ import annotations

import torch
from torch import Tensor

from untrained.calibration.region import check_kspace
from untrained.errors import InputError

__all__ = ["ENOUGH_COILS", "virtual_coils"]

ENOUGH_COILS = 12
"""More are compressed: the cost of a fit grows with them, what they add does not."""


def virtual_coils(
    kspace: Tensor, mask: Tensor | None = None, *, coils: int = ENOUGH_COILS
) -> tuple[Tensor, float]:
    """Return the matrix (coils, c) of the virtual coils, and the share of the energy they keep.

    Its rows are the eigenvectors of Σ k kᴴ over the samples with the largest eigenvalues, the
    strongest first (Huang et al., Magn. Reson. Imaging 26, 2008; Buehrer et al., Magn. Reson. Med.
    57, 2007). `mix_coils(matrix, k)` applies them. The rows are orthonormal, so white noise stays
    white: prewhiten first. `matrixᴴ` leads back to the coils that were there.

    Args:
        kspace: (c, h, w), complex.
        mask: (h, w), 1 where it was sampled; None = everywhere.
        coils: how many to keep; as many as there are if that is fewer.

    Raises:
        InputError: less than one coil, no complex (c, h, w).
    """
    check_kspace(kspace, mask)
    if coils < 1:
        raise InputError(f"coils is {coils}; wanted 1 or more")
    samples = kspace.flatten(1) if mask is None else kspace[:, mask > 0]
    unit = samples.to(torch.complex128) / samples.abs().max()
    energy, vectors = torch.linalg.eigh(unit @ unit.mH)
    matrix = vectors.flip(1)[:, :coils].mH
    kept = float(energy.flip(0)[:coils].sum() / energy.sum())
    return matrix.contiguous(), kept
