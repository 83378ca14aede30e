"""Where voxels lie in the patient: from the directions in raw data to the matrix of NIfTI."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["affine_of", "cropped"]

# Raw data and DICOM count to the left, back and top; NIfTI to the right, front and top.
_FLIP = np.array([-1.0, -1.0, 1.0])


def affine_of(
    position: ArrayLike, directions: ArrayLike, spacing: tuple[float, float, float],
    size: tuple[int, int], *, step: ArrayLike | None = None,
) -> NDArray[np.float64] | None:  # fmt: skip
    """Return the matrix from voxel numbers (down, across, slice) to mm (right, front, top).

    Args:
        position: of the middle of the first slice (its pixel size // 2) in mm, left, back, top.
        directions: (3, 3), unit vectors of down, across, and from slice to slice, as rows.
        spacing: of voxels along them, in mm.
        size: of the slices, down and across.
        step: from one slice to the next in mm, instead of the third direction.

    Returns:
        (4, 4); None where the directions are no orthogonal ones, as in files without them.
    """
    axes = np.asarray(directions, np.float64)
    middle = np.asarray(position, np.float64)
    if not (np.isfinite(axes).all() and np.isfinite(middle).all() and min(spacing) > 0):
        return None
    if np.abs(axes @ axes.T - np.eye(3)).max() > 1e-3:
        return None
    columns = axes.T * spacing
    if step is not None and np.linalg.norm(step) > 0:
        columns[:, 2] = step
    corner = middle - columns[:, 0] * (size[0] // 2) - columns[:, 1] * (size[1] // 2)
    matrix = np.eye(4)
    matrix[:3, :3] = _FLIP[:, None] * columns
    matrix[:3, 3] = _FLIP * corner
    return matrix


def cropped(
    affine: NDArray[np.float64], size: tuple[int, int], crop: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the matrix of the central part of an image: its first pixel is another one."""
    matrix = affine.copy()
    offset = [n // 2 - part // 2 for n, part in zip(size, crop, strict=True)]
    matrix[:3, 3] += affine[:3, :2] @ offset
    return matrix
