"""A blur kernel, of a file or an array."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["read_kernel"]

_MOST = 1 << 24  # values: 4096 x 4096
WANTED = "wanted a kernel as PNG, TIFF, .npy or text"


def read_kernel(source: NDArray[Any] | str | Path) -> NDArray[np.float64]:
    """Return the values (kh, kw) of an array, a .npy file, a table in a text file, or a picture.

    Colours are averaged; the last of 2 or 4 channels is alpha, and what is transparent weighs
    nothing. A kernel lies as it is stored, over the picture as that is stored: orientations are
    not looked at.

    Raises:
        InputError: a file that cannot be read or holds too much, other axes, NaN.
    """
    is_file = isinstance(source, (str, Path))
    name = f"{source}: kernel" if is_file else "kernel"
    values = _read(Path(source)) if isinstance(source, (str, Path)) else np.asarray(source)
    if values.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {values.dtype} values; wanted real numbers")
    channels = values.shape[-1] if values.ndim == 3 else 1
    if values.ndim not in (2, 3) or 0 in values.shape or channels > 4:
        raise InputError(
            f"{name} has shape {values.shape}; wanted height and width, or up to 4 channels beside"
        )
    kernel = values.astype(np.float64)
    if not np.isfinite(kernel).all():
        what = "NaN" if np.isnan(kernel).any() else "infinite"
        raise InputError(f"{name} has {what} values; wanted finite weights of 0 and more")
    if channels in (2, 4):
        alpha = kernel[..., -1:]
        kernel = kernel[..., :-1] * (alpha / (alpha.max() or 1))
    return kernel.mean(axis=-1) if kernel.ndim == 3 else kernel


def _read(path: Path) -> NDArray[Any]:
    """Return the values in a file."""
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is no regular file; {WANTED}")
        with path.open("rb") as file:
            head = file.read(8)
        if path.suffix.lower() in (".txt", ".csv", ".tsv"):
            return _read_table(path)
        if head.startswith(b"\x93NUMPY"):
            stored = np.load(path, mmap_mode="r", allow_pickle=False)
            _check_size(path, stored.size)
            return np.array(stored)
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _read_tiff(path)
        return _read_image(path)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except OSError as error:
        why = f" ({error.strerror})" if error.strerror else ""
        raise InputError(f"{path}: cannot be read{why}; {WANTED}") from None
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory; {WANTED}") from None
    except Exception:  # the decoders raise whatever they like on broken files
        raise InputError(f"{path}: cannot be read; {WANTED}") from None


def _read_tiff(path: Path) -> NDArray[Any]:
    import tifffile

    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        _check_size(path, series.size)
        if series.keyframe.photometric not in (0, 3):  # those are inverted, or have a palette
            return np.asarray(series.asarray())
    return _read_image(path)


def _read_image(path: Path) -> NDArray[Any]:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            opened = Image.open(path)  # keeps the 16 bits of a gray PNG
        except Image.DecompressionBombError:
            raise InputError(f"{path}: has too many pixels for a kernel; {WANTED}") from None
    with opened as picture:
        _check_size(path, picture.width * picture.height)
        if picture.mode == "CMYK":
            raise InputError(f"{path}: is a CMYK picture; convert it to gray first")
        has_alpha = "transparency" in picture.info
        return np.asarray(
            picture.convert("RGBA") if picture.mode in ("P", "PA") or has_alpha else picture
        )


def _read_table(path: Path) -> NDArray[np.float64]:
    """Return the numbers in a text file, a row a line, between blanks, commas or semicolons."""
    if path.stat().st_size > 32 * _MOST:
        raise InputError(f"{path}: is larger than a kernel; {WANTED}")
    text = path.read_text(encoding="utf-8-sig")
    lines = text.replace(";" if ";" in text else ",", " ").splitlines()
    return np.loadtxt(lines, dtype=np.float64, ndmin=2)


def _check_size(path: Path, number: int) -> None:
    if number > _MOST:
        raise InputError(f"{path}: holds {number:,} values; wanted a kernel, of {_MOST:,} at most")
