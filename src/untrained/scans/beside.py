"""Files beside a scan: angles, masks, coil maps, flat fields, as bare numbers."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images import read_picture
from untrained.images.picture import error_at
from untrained.reading import read_regular
from untrained.scans.cfl import mapped_cfl
from untrained.scans.wanted import Wanted, check_values

__all__ = ["read_mask", "read_numbers"]

_MOST_TEXT = 50_000_000
_PICTURES = (".tif", ".tiff", ".png")


def read_numbers(path: Path, what: str, *, name: str | None = None) -> NDArray[Any]:
    """Return the array in a .npy, .npz or BART .cfl file, a picture, or numbers in a text.

    Args:
        path: the file.
        what: it is wanted for, for messages.
        name: of the array in a .npz that has several; also FILE.npz:NAME.

    Raises:
        InputError: missing, damaged, several arrays and no name, no numbers.
    """
    if name is None and not path.exists() and ".npz:" in path.name:
        before, _, name = str(path).rpartition(":")
        path = Path(before)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _from_npz(path, what, name)
    if suffix in _PICTURES:
        return read_picture(path).to_array()
    if suffix in (".cfl", ".hdr"):
        mapped = mapped_cfl(path)
        check_values(path, mapped.shape, Wanted())
        last = max((i for i, side in enumerate(mapped.shape) if side > 1), default=0)
        # coils first, as everywhere here
        return np.moveaxis(np.asarray(mapped).reshape(mapped.shape[: last + 1]), 3, 0).squeeze()
    data = read_regular(path, most=2**33 if suffix == ".npy" else _MOST_TEXT, wanted=f"the {what}")
    if data[:6] == b"\x93NUMPY":
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError):
            raise error_at(path, f"is damaged; wanted the {what} as .npy") from None
        check_values(path, (*array.shape, 1), Wanted(), itemsize=array.dtype.itemsize)
        return np.array(array)
    try:
        text = data.decode().replace(",", " ").replace(";", " ")
        return np.array([float(word) for word in text.split()])
    except ValueError:  # UnicodeDecodeError is one
        raise error_at(
            path, f"cannot be read as the {what}; wanted .npy, .npz, or a text of numbers"
        ) from None


def read_mask(
    path: Path, size: tuple[int, int], *, name: str | None = None
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which places of k-space were measured, (h, w) or (n, h, w): all that is not 0.

    A mask of (w,) is of columns: whole lines were measured.

    Raises:
        InputError: as `read_numbers`; another size.
    """
    mask = read_numbers(path, "mask", name=name)
    height, width = size
    shape = mask.shape
    if mask.ndim == 3 and shape[-1] == 1:
        mask = mask[..., 0]
    if mask.shape in ((width,), (1, width), (height, 1)):
        mask = np.broadcast_to(mask, (height, width))
    if mask.shape[-2:] != (height, width) or mask.ndim > 3:
        raise error_at(
            path, f"a mask of {shape} for k-space of {height}x{width}; wanted ({width},) or "
            f"({height}, {width})",
        )  # fmt: skip
    return np.asarray(mask != 0)


def _from_npz(path: Path, what: str, name: str | None) -> NDArray[Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = file.files
            if name is None and len(names) == 1:
                name = names[0]
            if name not in names:
                raise error_at(
                    path, f"has {', '.join(names)}; say which is the {what}: "
                    f"{path.name}:{names[0] if names else 'NAME'}",
                )  # fmt: skip
            array: NDArray[Any] = file[name]
            return array
    except FileNotFoundError:
        raise error_at(path, "no such file; check the name") from None
    except (OSError, EOFError, zipfile.BadZipFile, KeyError):
        raise error_at(path, f"is damaged; wanted the {what} as .npz") from None
