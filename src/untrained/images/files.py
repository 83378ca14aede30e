"""A picture file of any format, read and written by its content and its suffix."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from untrained.atomic import check_place, make_folder, write_atomically
from untrained.errors import InputError, lacks_memory
from untrained.images.bmp import read_bmp
from untrained.images.fits import check_fits, read_fits, write_fits
from untrained.images.heif import read_heif
from untrained.images.microscopy import read_microscopy
from untrained.images.netpbm import read_netpbm
from untrained.images.npy import (
    read_npy,
    write_npy,
)
from untrained.images.picture import (
    DEEP,
    READABLE,
    READS,
    WANTED,
    WRITABLE,
    ChannelAxis,
    Picture,
    damaged,
    error_at,
)
from untrained.images.raw import read_mosaic, read_raw
from untrained.images.tiff import (
    read_tiff,
    write_tiff,
)
from untrained.images.vips import (
    encode_with_vips,
    read_with_vips,
)
from untrained.reading import open_regular

__all__ = [
    "check_is_picture",
    "check_writable",
    "is_image_path",
    "output_suffix",
    "picture_kind",
    "read_picture",
    "write_picture",
]


def is_image_path(path: str | Path) -> bool:
    """Whether a file of this name is a picture: by its suffix, and hidden files are not."""
    path = Path(path)
    return path.suffix.lower() in READABLE and not path.name.startswith(".")


def picture_kind(path: Path) -> str | None:
    """Return the format of a file by its first bytes; None = no picture, or not to be read."""
    try:
        return _kind_of(path)
    except InputError:
        return None


def output_suffix(path: Path) -> str:
    """Return the suffix of what is made of a picture: its own, or .tif or .png if it has none."""
    suffix = path.suffix.lower()
    if suffix in WRITABLE or suffix not in READABLE:
        return path.suffix
    return ".tif" if READABLE[suffix] in DEEP else ".png"


_READERS: dict[str, Callable[..., Picture]] = {
    "tiff": read_tiff, "npy": read_npy, "fits": read_fits, "microscopy": read_microscopy,
    "bmp": read_bmp, "pnm": read_netpbm, "raw": read_raw, "heif": read_heif,
    **{kind: partial(read_with_vips, kind=kind) for kind in ("png", "jpeg", "webp", "gif")},
}  # fmt: skip
_ARRAYS = {"tiff", "npy", "fits"}  # these readers are told the channel axis


def read_picture(
    path: str | Path, *, max_pixels: int = 250_000_000, channel_axis: ChannelAxis = "auto",
    mosaic: bool = False,
) -> Picture:  # fmt: skip
    """Read a PNG, JPEG, TIFF, WebP, GIF, BMP, PNM or .npy file; its content tells the format.

    With their extras installed also FITS, HEIC, CZI, ND2, LIF and camera raw.

    Palettes become RGB, fewer than 8 bits become 8. The axes of a stack are kept; each page of it
    is a picture of its own. Of a moving GIF or PNG the first frame is taken, with a note. NaN and
    infinite values are passed on.

    Args:
        path: the file; it is only read.
        max_pixels: more than these, in all pages together, are refused before decoding.
        channel_axis: of the array in a TIFF or .npy file, None = it has none. By default the
            samples of a TIFF, and a last axis of up to 4 in .npy, are channels; none of the latter
            is alpha. Other axes before the last two are pages.
        mosaic: of a camera's raw file, whether the sensor's mosaic is wanted and not the picture.

    Raises:
        InputError: missing, unreadable, empty, damaged, cut short, not a picture, of a kind that
            cannot be kept (CMYK, a moving WebP, complex values), under 8x8 pixels, too large, or
            more than there is memory for.
    """
    path = Path(path)
    kind = _kind_of(path)
    reader = read_mosaic if mosaic and kind == "raw" else _READERS[kind]
    more = {"channel_axis": channel_axis} if kind in _ARRAYS else {}
    try:
        return reader(path, max_pixels=max_pixels, **more)
    except InputError:
        raise
    except Exception as error:  # the decoders raise whatever they like on broken files
        if lacks_memory(error):
            raise error_at(path, "does not fit into memory; use a smaller picture") from None
        raise damaged(path, kind) from error


def check_is_picture(path: str | Path) -> None:
    """Make sure that a file is a picture by its first bytes, of which no more are read.

    Raises:
        InputError: missing, empty, no regular file, of another kind.
    """
    _kind_of(Path(path))


def check_writable(path: str | Path, picture: Picture) -> None:
    """Make sure, before a long computation, that a picture of this kind can be written there.

    Raises:
        InputError: the format cannot hold it; the path is a folder; its folder is a file, or can
            neither be written into nor made.
    """
    path = Path(path)
    if len(os.fsencode(path.name)) > 240:  # leaves room for the temporary name
        raise error_at(path, "the file name is too long; wanted at most 240 bytes")
    try:
        if path.is_dir():
            raise error_at(path, "is a folder; give a file name")
    except OSError as error:
        raise error_at(path, f"cannot be reached ({error.strerror}); give another output") from None
    check_place(path)
    kind = WRITABLE.get(path.suffix.lower())
    if kind is None:
        name = path.suffix or "(none)"
        raise error_at(path, f"unknown file type {name} for an output; {WANTED}")
    if kind == "fits":
        check_fits(path)
    misfit = _misfit(kind, picture)
    if misfit:
        others = [s for s in (".tif", ".png", ".npy") if not _misfit(WRITABLE[s], picture)]
        raise error_at(path, f"{kind.upper()} cannot hold {misfit}; use {' or '.join(others[:2])}")


def write_picture(path: str | Path, picture: Picture, *, jpeg_quality: int | None = None) -> None:
    """Write a picture in the format of the suffix, whole or not at all; make its folder.

    All metadata that the format can hold is written, but for previews of the old pixels.
    JPEG is written at quality 95 without colour subsampling, or at the quality given and 4:2:0, as
    cameras and the web have it. WebP is written without loss, TIFF with the
    lossless compression of its source (deflate if it had another kind, or is no TIFF). In .npy,
    alpha is the last channel.

    Raises:
        InputError: as `check_writable`; the disk is full. What was there before is still there.
    """
    path = Path(path)
    check_writable(path, picture)
    make_folder(path.parent)
    kind = WRITABLE[path.suffix.lower()]
    if kind == "npy":
        write_atomically(path, lambda file: write_npy(file, picture.to_array()))
    elif kind == "fits":
        write_atomically(path, lambda file: write_fits(file, picture))
    elif kind == "tiff":
        write_atomically(path, lambda file: write_tiff(file, picture))
    else:
        data = encode_with_vips(picture, kind, jpeg_quality=jpeg_quality)
        write_atomically(path, lambda file: file.write(data))


# Of a TIFF by its first bytes: whether it is a camera's, only the name tells.
_RAW_AS_TIFF = {suffix for suffix, kind in READABLE.items() if kind == "raw"}
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


def _kind_of(path: Path) -> str:
    """Return the format, by the first bytes of the file."""
    with open_regular(path, wanted="a picture file") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            head = file.read(16) if size else b""  # of /proc, some have no size and no end
        except OSError as error:
            raise error_at(path, f"cannot be read ({error.strerror})") from None
    if not head:
        raise error_at(path, f"the file is empty; {READS}")
    if path.suffix.lower() in _RAW_AS_TIFF and head[:4] in (b"II*\0", b"MM\0*"):
        return "raw"
    signatures = {
        b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"II*\0": "tiff", b"MM\0*": "tiff",
        b"II+\0": "tiff", b"MM\0+": "tiff", b"\x93NUMPY": "npy",
        b"GIF87a": "gif", b"GIF89a": "gif", b"SIMPLE  =": "fits",
        b"FUJIFILMCCD-RAW": "raw", b"IIU\0": "raw", b"IIRO": "raw", b"IIRS": "raw", b"MMOR": "raw",
        b"ZISRAWFILE": "microscopy", b"\xda\xce\xbe\x0a": "microscopy", b"p\0\0\0": "microscopy",
    }  # fmt: skip
    for signature, kind in signatures.items():
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] == b"crx ":
        return "raw"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "heif"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "bmp"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b" \t\r\n#":
        return "pnm"
    raise error_at(path, f"is not a picture that can be read here; {READS}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limits:
    dtypes: tuple[str, ...] = ("uint8",)
    alpha: bool = True
    side: int = 2**31 - 1


_LIMITS = {
    "png": _Limits(dtypes=("uint8", "uint16")),
    "jpeg": _Limits(alpha=False, side=65535),
    "webp": _Limits(side=16383),
}
_TIFF_DTYPES = {
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "float16", "float32", "float64",
}  # fmt: skip
_FITS_DTYPES = _TIFF_DTYPES - {"float16"}
_PREMULTIPLIED = 1


def _misfit(kind: str, picture: Picture) -> str:
    """Return what of the picture the format cannot hold, "" if it can hold it."""
    _, height, width, channels = picture.pixels.shape
    dtype = picture.pixels.dtype.name
    if kind == "npy" or (kind == "tiff" and dtype in _TIFF_DTYPES):
        return ""
    if kind == "fits":
        if picture.alpha is not None:
            return "transparency"
        return "" if dtype in _FITS_DTYPES else f"{dtype} values"
    limits = _LIMITS.get(kind, _Limits())
    if dtype not in limits.dtypes:
        return f"{dtype} values"
    if picture.lead:
        return f"a stack ({len(picture.pixels)} pages)"
    if channels not in (1, 3):
        return f"{channels} channels"
    if max(height, width) > limits.side:
        return f"{height}x{width}, only {limits.side} pixels a side"
    if picture.alpha is not None:
        if not limits.alpha:
            return "transparency"
        tiff = picture.metadata.tiff
        if tiff is not None and tiff.options.get("extrasamples") == [_PREMULTIPLIED]:
            return "premultiplied transparency"
    return ""
