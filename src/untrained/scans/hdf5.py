"""HDF5 files of strangers, opened by h5py: nothing outside of the file is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images.picture import error_at
from untrained.scans.wanted import damaged_scan

__all__ = ["complex_part", "dataset", "opened", "text_of"]


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading.

    Raises:
        InputError: h5py is not installed; the file is damaged.
    """
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: HDF5 needs h5py; pip install 'untrained[science]'") from None
    try:
        file = h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError):
        raise damaged_scan(path, "HDF5") from None
    with file:
        yield file


def dataset(path: Path, file: Any, name: str) -> Any:
    """Return the dataset of a name with slashes, None if there is none.

    Raises:
        InputError: its values are in another file.
    """
    import h5py

    place = file
    for part in name.split("/"):
        if not isinstance(place, h5py.Group):
            return None
        link = place.get(part, getlink=True)
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            raise error_at(path, f"{name} is in another file; copy it into this one")
        place = place.get(part)  # a soft link to nothing is None
    if not isinstance(place, h5py.Dataset):
        return None
    if place.is_virtual or place.external:
        raise error_at(path, f"{name} is in another file; copy it into this one")
    return place


def complex_part(path: Path, stored: Any, index: Any) -> NDArray[np.complex64]:
    """Return a part of a dataset as complex numbers, whatever its two fields are called.

    Raises:
        InputError: it holds other values.
    """
    kind = stored.dtype
    if kind.kind == "c":
        return np.asarray(stored[index], np.complex64)
    names = kind.names or ()
    if len(names) == 2 and all(kind[name].kind == "f" for name in names):
        both = stored[index]
        real, imaginary = (np.asarray(both[name], np.float32) for name in names)
        return np.asarray(real + 1j * imaginary, np.complex64)
    raise error_at(path, f"{stored.name} holds {kind} values; wanted complex numbers")


def text_of(value: Any) -> str:
    """Return a text as HDF5 has it: bytes, a string, or an array of one of them."""
    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
