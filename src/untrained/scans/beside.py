"""Files beside a scan: angles, masks, coil maps, flat fields, as bare numbers."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images import read_picture
from untrained.images.picture import error_at
from untrained.reading import read_regular
from untrained.scans.cfl import mapped_cfl
from untrained.scans.scan import KSpace
from untrained.scans.spokes import NEAR
from untrained.scans.wanted import Wanted, check_values

__all__ = ["read_mask", "read_numbers", "with_trajectory"]

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
        last = max(3, *(i for i, side in enumerate(mapped.shape) if side > 1))
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


def with_trajectory(
    scan: KSpace, path: Path, *, size: tuple[int, int] | None = None
) -> KSpace:  # fmt: skip
    """Return a scan off the grid, of (spokes, samples), with the trajectory in a file.

    BART has it as (3, samples, spokes) beside k-space of (1, samples, spokes, coils), others as
    (spokes, samples, 2). Places are in cycles per field of view, as BART's; where none is beyond a
    half they are taken for cycles per pixel.

    Args:
        scan: whose samples were read as if on a grid.
        path: of the trajectory.
        size: of the image; None = what the trajectory reaches.

    Raises:
        InputError: as `read_numbers`; another number of samples; a third dimension; cycles per
            pixel and no size.
    """
    samples, notes = scan.samples, scan.notes
    track = np.real(read_numbers(path, "trajectory")).astype(np.float32)
    if track.ndim == 3 and track.shape[0] == 3 and track.shape[1:] == samples.shape[2:]:  # BART's
        track, samples = track.transpose(2, 1, 0), samples.swapaxes(2, 3)
    if track.ndim != 3 or track.shape[-1] not in (2, 3) or track.shape[:2] != samples.shape[2:]:
        raise error_at(
            path, f"a trajectory of {track.shape} for samples of {samples.shape[2:]}; wanted two "
            "coordinates of each",
        )  # fmt: skip
    if not np.isfinite(track).all() or np.abs(track[..., 2:]).max(initial=0) > 1e-6:
        raise error_at(path, "is of three dimensions, or not finite; wanted places in a plane")
    track = track[..., :2]
    farthest = float(np.abs(track).max())
    unit = "cycles per field of view"
    if farthest <= NEAR:
        if size is None:
            raise error_at(path, "is in cycles per pixel; say the size of the image")
        track, unit = track * np.asarray(size, np.float32), "cycles per pixel"
    notes = tuple(note for note in notes if "--trajectory" not in note)
    notes += (f"the trajectory, up to {farthest:.3g}, is taken for {unit}",)
    reach = size or tuple(2 * int(np.ceil(np.abs(track[..., i]).max())) for i in (0, 1))
    return replace(
        scan, samples=np.ascontiguousarray(samples), trajectory=np.ascontiguousarray(track),
        crop=(int(reach[0]), int(reach[1])), mask=None, notes=notes,
    )  # fmt: skip


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
