"""A blur kernel from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["read_kernel"]


def read_kernel(path: Path) -> NDArray[np.float64]:
    """Return the values (kh, kw) of a .npy array or of a picture, whose channels are averaged.

    Raises:
        InputError: a file that cannot be read as either.
    """
    try:
        if path.suffix.lower() == ".npy":
            values = np.load(path, allow_pickle=False)
        else:
            from PIL import Image

            with Image.open(path) as picture:  # keeps the 16 bits of a gray PNG
                values = np.asarray(picture.convert("RGB") if picture.mode == "P" else picture)
                if picture.mode in ("LA", "RGBA"):
                    values = values[..., :-1]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except (OSError, ValueError):
        raise InputError(f"{path}: cannot be read; wanted a kernel as PNG or .npy") from None
    if values.dtype.kind not in "biuf":
        raise InputError(f"{path}: holds {values.dtype} values; wanted a kernel of real numbers")
    kernel: NDArray[np.float64] = values.astype(np.float64)
    return np.asarray(kernel.mean(axis=-1)) if kernel.ndim == 3 else kernel
