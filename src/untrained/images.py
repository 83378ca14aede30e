"""Picture files <-> arrays: depth, channels, alpha, stacks, colour profile, metadata.

Shapes: P pages, H height, W width, C colour channels (alpha apart).
"""

from __future__ import annotations

import logging
import math
import mmap
import os
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import EllipsisType
from typing import IO, Any, Literal, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import write_atomically
from untrained.errors import InputError

__all__ = ["MIN_SIDE", "SUFFIXES", "Metadata", "Picture", "TiffLayout", "check_writable",
           "is_image_path", "read_picture", "with_pixels", "write_picture"]  # fmt: skip

SUFFIXES = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff",
    ".webp": "webp", ".npy": "npy",
}  # fmt: skip
"""The file formats by suffix."""

MIN_SIDE = 8
"""The least height and width of a picture."""

ChannelAxis: TypeAlias = int | Literal["auto"] | None
Unit: TypeAlias = Literal["mm", "none", "inch", "cm"]
Tags: TypeAlias = "dict[int, tuple[int, bytes | Tags]]"
"""TIFF and EXIF: code -> type, and value (little-endian) or the directory that it points to."""

_WANTED = "wanted PNG, JPEG, TIFF, WebP or .npy"


@dataclass(frozen=True, kw_only=True, slots=True)
class TiffLayout:
    """How a TIFF file stored its pixels, so that the result can be stored like that.

    Attributes:
        axes: one letter an axis of the file's array, as tifffile names them; S = samples.
        options: what `tifffile.imwrite` is to be told: photometric, compression …
        flavour: plain, or who explains the axes in the description: shaped (tifffile), imagej, ome.
        details: what an ImageJ or shaped file says of itself.
        ome_xml: true only of an array of this `shape` and `dtype`.
        tags: private tags worth keeping, such as those of GeoTIFF.
    """

    axes: str
    options: dict[str, Any] = field(default_factory=dict)
    flavour: Literal["plain", "shaped", "imagej", "ome"] = "plain"
    details: dict[str, Any] = field(default_factory=dict)
    ome_xml: bytes | None = None
    shape: tuple[int, ...] = ()
    dtype: str = ""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """What a file says beside its pixels.

    Attributes:
        icc: colour profile.
        xmp: XMP packet.
        exif: a block of its own, with the orientation: the pixels are as stored, never turned.
        resolution: pixels per `resolution_unit`, horizontal and vertical; None = not said.
        resolution_unit: "none" if the file does not say, or says it in its own words (ImageJ).
        iptc: of a JPEG.
        png: chunks of a PNG as they are: texts, gamma, primaries.
        tiff: of a TIFF file.
    """

    icc: bytes | None = None
    xmp: bytes | None = None
    exif: bytes | None = None
    resolution: tuple[float, float] | None = None
    resolution_unit: Unit = "mm"
    iptc: bytes | None = None
    png: tuple[bytes, ...] = ()
    tiff: TiffLayout | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """The pixels of a file, in the file's own dtype, and what must survive beside them.

    Attributes:
        pixels: (P, H, W, C) colour.
        alpha: (P, H, W) or None.
        metadata: profile, EXIF and the like.
        lead: the axes before (H, W) in the file, () for a single picture; their product is P.
        has_channel_axis: whether the file's array had one; false = plain (H, W) gray.
        channel_axis: which axis of the file's array it was.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    lead: tuple[int, ...] = ()
    has_channel_axis: bool = True
    channel_axis: int = -1

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> Picture:
        """Return a picture of an (H, W) or (H, W, C) array."""
        has_channel_axis = array.ndim == 3
        pixels = array[None] if has_channel_axis else array[None, :, :, None]
        return cls(pixels=pixels, has_channel_axis=has_channel_axis)

    def to_array(self) -> NDArray[Any]:
        """Return the array as the file had it: lead + (H, W), and C, alpha last, at its axis."""
        array = self.pixels
        if self.alpha is not None:
            array = np.concatenate([array, self.alpha[..., None]], axis=-1)
        axis, lead = self.channel_axis, self.lead
        if math.prod(lead) != len(array):  # an interrupted stack has fewer pages than its file
            axis, lead = -1, (len(array),)
        array = array.reshape(lead + array.shape[1:])
        if self.has_channel_axis or self.alpha is not None:
            return np.moveaxis(array, -1, axis)
        return array[..., 0]


def with_pixels(
    picture: Picture, pixels: NDArray[Any], alpha: NDArray[Any] | EllipsisType | None = ...
) -> Picture:
    """Return the picture with other pixels (P, H', W', C) and alpha; ... = the alpha it has.

    Another size is taken for the same scene, finer or coarser: the resolution goes with it, and
    what names pixel positions (regions of ImageJ, scales of GeoTIFF) is dropped.
    """
    alpha = picture.alpha if isinstance(alpha, EllipsisType) else alpha
    assert alpha is None or alpha.shape == pixels.shape[:3], "alpha and pixels differ in size"
    metadata, tiff = picture.metadata, picture.metadata.tiff
    old, new = picture.pixels.shape[1:3], pixels.shape[1:3]
    if old != new:
        if metadata.resolution is not None:
            x, y = metadata.resolution
            finer = (x * new[1] / old[1], y * new[0] / old[0])
            metadata = replace(metadata, resolution=finer)
        if tiff is not None:
            details = {name: v for name, v in tiff.details.items() if name not in _PLACES}
            tags = {code: v for code, v in tiff.tags.items() if code not in _GEO_TAGS}
            metadata = replace(metadata, tiff=replace(tiff, details=details, tags=tags))
    return replace(picture, pixels=pixels, alpha=alpha, metadata=metadata)


def is_image_path(path: str | Path) -> bool:
    """Whether a file of this name is a picture: by its suffix, and hidden files are not."""
    path = Path(path)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_picture(
    path: str | Path, *, max_pixels: int = 250_000_000, channel_axis: ChannelAxis = "auto"
) -> Picture:
    """Read a PNG, JPEG, TIFF, WebP or .npy file; the format is told by its content.

    Palettes become RGB, fewer than 8 bits become 8. The axes of a stack are kept; each page of it
    is a picture of its own. NaN and infinite values are passed on.

    Args:
        path: the file; it is only read.
        max_pixels: more than these, in all pages together, are refused before decoding.
        channel_axis: of the array in a TIFF or .npy file, None = it has none. By default the
            samples of a TIFF, and a last axis of up to 4 in .npy, are channels; none of the latter
            is alpha. Other axes before the last two are pages.

    Raises:
        InputError: missing, unreadable, empty, damaged, cut short, not a picture, of a kind that
            cannot be kept (CMYK, animation, complex values), under 8x8 pixels or too large.
    """
    path = Path(path)
    kind = _kind_of(path)
    try:
        if kind == "tiff":
            return _read_tiff(path, max_pixels, channel_axis)
        if kind == "npy":
            return _read_npy(path, max_pixels, channel_axis)
        return _read_with_vips(path, kind, max_pixels)
    except InputError:
        raise
    except MemoryError:
        raise _error(path, "does not fit into memory; use a smaller picture") from None
    except Exception as error:  # the decoders raise whatever they like on broken files
        raise _damaged(path, kind) from error


def check_writable(path: str | Path, picture: Picture) -> None:
    """Make sure, before a long computation, that a picture of this kind can be written there.

    Raises:
        InputError: the format cannot hold it; the path is a folder; its folder is a file, or can
            neither be written into nor made.
    """
    path = Path(path)
    if len(os.fsencode(path.name)) > 240:  # leaves room for the temporary name
        raise _error(path, "the file name is too long; wanted at most 240 bytes")
    try:
        if path.is_dir():
            raise _error(path, "is a folder; give a file name")
        folder = next(p for p in path.absolute().parents if p.exists())
    except OSError as error:
        raise _error(path, f"cannot be reached ({error.strerror}); give another output") from None
    if not folder.is_dir():
        raise _error(path, f"{folder} is a file, not a folder; give another output")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _error(path, f"no permission to write into {folder}; give another output")
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise _error(path, f"unknown file type {path.suffix or '(none)'}; {_WANTED}")
    misfit = _misfit(kind, picture)
    if misfit:
        others = [s for s in (".tif", ".png", ".npy") if not _misfit(SUFFIXES[s], picture)]
        raise _error(path, f"{kind.upper()} cannot hold {misfit}; use {' or '.join(others[:2])}")


def write_picture(path: str | Path, picture: Picture) -> None:
    """Write a picture in the format of the suffix, whole or not at all; make its folder.

    All metadata that the format can hold is written, but for previews of the old pixels.
    JPEG is written at quality 95 without colour subsampling, WebP without loss, TIFF with the
    lossless compression of its source (deflate if it had another kind, or is no TIFF). In .npy,
    alpha is the last channel.

    Raises:
        InputError: as `check_writable`; the disk is full. What was there before is still there.
    """
    path = Path(path)
    check_writable(path, picture)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _error(path, f"cannot make its folder ({error.strerror}); give another") from None
    kind = SUFFIXES[path.suffix.lower()]
    if kind == "npy":
        write_atomically(path, lambda file: _write_npy(file, picture.to_array()))
    elif kind == "tiff":
        write_atomically(path, lambda file: _write_tiff(file, picture))
    else:
        data = _encode_with_vips(picture, kind)
        write_atomically(path, lambda file: file.write(data))


def _error(path: Path, text: str) -> InputError:
    return InputError(" ".join(f"{path}: {text}".splitlines()))


def _damaged(path: Path, kind: str) -> InputError:
    return _error(
        path, f"the {kind.upper()} is damaged or cut short; copy it again from its source"
    )


def _kind_of(path: Path) -> str:
    """Return the format, by the first bytes of the file."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _error(path, "is a folder; wanted a picture file")
        if not stat.S_ISREG(mode):
            raise _error(path, "is a pipe or device; save the picture as a file first")
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise _error(path, "no such file; check the name") from None
    except OSError as error:
        raise _error(path, f"cannot be read ({error.strerror}); check its permissions") from None
    if not head:
        raise _error(path, f"the file is empty; {_WANTED}")
    signatures = {
        b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"II*\0": "tiff", b"MM\0*": "tiff",
        b"II+\0": "tiff", b"MM\0+": "tiff", b"\x93NUMPY": "npy",
    }  # fmt: skip
    for signature, kind in signatures.items():
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    raise _error(path, f"is not a picture that can be read here; {_WANTED}")


def _check_size(path: Path, height: int, width: int, pages: int, max_pixels: int) -> None:
    size = f"{height}x{width}" + (f" x {pages} pages" if pages > 1 else "")
    if height * width * pages == 0:
        raise _error(path, f"the picture is empty ({size}); wanted some pixels")
    if height * width * pages > max_pixels:
        raise _error(
            path, f"{size} is more than the {max_pixels:,} pixels allowed; "
            "raise --max-pixels if that is meant",
        )  # fmt: skip
    if min(height, width) < MIN_SIDE:
        raise _error(path, f"is {size}; wanted at least {MIN_SIDE}x{MIN_SIDE}")


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
_PREMULTIPLIED = 1


def _misfit(kind: str, picture: Picture) -> str:
    """Return what of the picture the format cannot hold, "" if it can hold it."""
    _, height, width, channels = picture.pixels.shape
    dtype = picture.pixels.dtype.name
    if kind == "npy" or (kind == "tiff" and dtype in _TIFF_DTYPES):
        return ""
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


def _to_picture(
    array: NDArray[Any], axis: int | None, metadata: Metadata, *, has_alpha: bool = False
) -> Picture:
    """Return the picture of a file's array, whose channels are at `axis`."""
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    array = array[..., None] if axis is None else np.moveaxis(array, axis, -1)
    lead = array.shape[:-3]
    array = array.reshape(math.prod(lead), *array.shape[-3:])
    return Picture(
        pixels=array[..., :-1] if has_alpha else array,
        alpha=array[..., -1] if has_alpha else None,
        metadata=metadata,
        lead=lead,
        has_channel_axis=axis is not None,
        channel_axis=-1 if axis is None else axis,
    )


def _check_shape(
    path: Path, shape: tuple[int, ...], channel_axis: int | None, max_pixels: int
) -> int | None:
    """Return the channel axis, counted from the front, of a shape that can be a picture's."""
    rest, axis = shape, None
    if channel_axis is not None:
        if not -len(shape) <= channel_axis < len(shape):
            raise _error(path, f"has shape {shape}, no axis {channel_axis}; give its channel axis")
        axis = channel_axis % len(shape)
        rest = shape[:axis] + shape[axis + 1 :]
    if len(rest) < 2:
        raise _error(path, f"has shape {shape}; wanted height and width beside the channels")
    *lead, height, width = rest
    _check_size(path, height, width, 0 if 0 in shape else math.prod(lead), max_pixels)
    return axis


# --- PNG, JPEG, WebP -----------------------------------------------------------------------


def _read_with_vips(path: Path, kind: str, max_pixels: int) -> Picture:
    import pyvips

    data = path.read_bytes()
    with _no_warnings():
        # From memory: libvips takes brackets in a file name for options. And with the loader
        # named: of some JPEGs (Ultra HDR) it has ideas of its own.
        load = getattr(pyvips.Image, f"{kind}load_buffer")
        image = load(data, access="sequential", fail_on="error")
        _check_size(path, image.height, image.width, 1, max_pixels)
        names = ("n-pages", "resolution-unit", *_BLOBS)
        said = {name: image.get(name) for name in names if image.get_typeof(name)}
        if said.get("n-pages", 1) > 1:
            raise _error(path, "is an animation; save the picture you mean as PNG")
        if image.interpretation == "cmyk":
            raise _error(path, "is a CMYK picture; convert it to RGB first")
        array = np.frombuffer(
            image.write_to_memory(), {"uchar": np.uint8, "ushort": np.uint16}[image.format]
        )
    exif = said.get("exif-data", b"").removeprefix(_EXIF_MARK) or None
    resolution, unit = _resolution(_parse_exif(exif))
    if kind == "jpeg" and "resolution-unit" in said:
        resolution, unit = (image.xres, image.yres), "mm"
    chunks: list[bytes] = []
    for name, chunk in _chunks(data) if kind == "png" else ():
        if name in _KEPT_CHUNKS and not chunk.startswith(_XMP, 8):
            chunks.append(chunk)
        elif name == b"pHYs" and chunk[16] == 1:
            x, y = struct.unpack_from(">II", chunk, 8)
            resolution, unit = _sane(x / 1000, y / 1000), "mm"
    metadata = Metadata(
        icc=said.get("icc-profile-data"),
        xmp=said.get("xmp-data"),
        exif=exif,
        resolution=resolution,
        resolution_unit=unit,
        iptc=said.get("iptc-data"),
        png=tuple(chunks),
    )
    gray = image.bands == 1
    array = array.reshape(image.height, image.width, *(() if gray else (image.bands,)))
    return _to_picture(array, None if gray else 2, metadata, has_alpha=image.hasalpha())


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Keep standard error clean of what pyvips cannot decode in a warning about a broken file."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = hook


def _encode_with_vips(picture: Picture, kind: str) -> bytes:
    import pyvips

    metadata, array = picture.metadata, np.ascontiguousarray(picture.to_array())
    height, width, bands = array.shape if array.ndim == 3 else (*array.shape, 1)
    deep, gray = array.dtype == np.uint16, picture.pixels.shape[-1] == 1
    image = pyvips.Image.new_from_memory(
        array.data, width, height, bands, "ushort" if deep else "uchar"
    ).copy(interpretation=("grey16" if deep else "b-w") if gray else ("rgb16" if deep else "srgb"))
    exif = _pack_exif(_exif_of(picture))
    blobs = (metadata.icc, metadata.xmp, exif and _EXIF_MARK + exif, metadata.iptc)
    for name, blob in zip(_BLOBS, blobs, strict=True):
        if blob is not None:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    # Told to keep EXIF where there is none, libvips makes some up.
    keep = "icc:iptc" + (":exif" if exif else "") + ("" if kind == "png" else ":xmp")
    data: bytes
    if kind == "png":
        data = _with_chunks(image.pngsave_buffer(keep=keep), metadata)
    elif kind == "jpeg":
        data = image.jpegsave_buffer(keep=keep, Q=95, subsample_mode="off")
    else:
        data = image.webpsave_buffer(keep=keep, lossless=True, exact=True)
    return data


_BLOBS = ("icc-profile-data", "xmp-data", "exif-data", "iptc-data")
_KEPT_CHUNKS = {b"tEXt", b"zTXt", b"iTXt", b"gAMA", b"cHRM", b"sRGB", b"cICP"}
_XMP = b"XML:com.adobe.xmp\0"


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG: the name, and all of it."""
    at = 8
    while at + 12 <= len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at:end]
        at = end


def _with_chunks(png: bytes, metadata: Metadata) -> bytes:
    """Return a PNG with what libvips does not know, or (resolution) always makes up."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc32(name + data))

    header, *rest = (chunk for name, chunk in _chunks(png) if name != b"pHYs")
    new = list(metadata.png)
    resolution = _per_millimetre(metadata)
    if resolution is not None:
        x, y = (round(1000 * value) for value in resolution)
        new.append(chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if metadata.xmp is not None:
        new.append(chunk(b"iTXt", _XMP + bytes(4) + metadata.xmp))
    return b"".join([png[:8], header, *new, *rest])


def _per_millimetre(metadata: Metadata) -> tuple[float, float] | None:
    lengths = {"mm": 1.0, "cm": 10.0, "inch": 25.4}
    if metadata.resolution is None or metadata.resolution_unit not in lengths:
        return None
    x, y = metadata.resolution
    return x / lengths[metadata.resolution_unit], y / lengths[metadata.resolution_unit]


# --- TIFF ----------------------------------------------------------------------------------

_DESCRIPTION = 270
# What TIFF and the first directory of EXIF have in common: description, maker, model, orientation,
# software, date, artist, computer, ratings, copyright, Windows' own.
_SHARED_TAGS = {270, 271, 272, 274, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096)}
_DIRECTORIES = {34665: "ExifTag", 34853: "GPSTag"}
_GEO_TAGS = {33550, 33922, 34264, 34735, 34736, 34737}
# Names of document and page, page number, white point and primaries, IPTC, Photoshop, electron
# microscopes, Micro-Manager, GDAL.
_PRIVATE_TAGS = {
    269, 285, 297, 318, 319, 33723, 34377, 34118, 34680, 34682, 51123, 42112, 42113, *_GEO_TAGS
}  # fmt: skip
_GENERATED = (b"ImageJ=", b"SCIFIO=", b'{"shape"', b"shape=")  # descriptions
_PLACES = {"ROI", "Overlays", "Plot"}
# What tifffile says anew of an ImageJ or shaped file, or takes for arguments of its own.
_SAID_ANEW = {
    "ImageJ", "SCIFIO", "images", "channels", "slices", "frames", "hyperstack", "axes", "shape",
    "truncated", "rgb", "colormapped", "colormaped", "info", "labels", "ranges", "luts", "plot",
    "roi", "overlays", "prop",
}  # fmt: skip

_silent = logging.NullHandler()  # what tifffile has to say of a broken file, our errors say


def _read_tiff(path: Path, max_pixels: int, channel_axis: ChannelAxis) -> Picture:
    import tifffile

    logging.getLogger("tifffile").addHandler(_silent)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        _check_kind(path, file)
        axes: str = series.axes
        if channel_axis == "auto":
            channel_axis = axes.index("S") if "S" in axes else None
        axis = _check_shape(path, series.shape, channel_axis, max_pixels)
        rest = axes if axis is None else axes[:axis] + axes[axis + 1 :]
        if not rest.endswith("YX") or "S" in rest:
            raise _error(path, f"has axes {axes}; wanted height and width last beside the channels")
        if not _is_complete(file):
            raise _damaged(path, "tiff")
        array = series.asarray()
        if array.dtype.kind not in "uifb":
            raise _error(path, f"holds {array.dtype} values; wanted integers or floats")
        if array.shape != series.shape:
            raise _damaged(path, "tiff")
        with path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = series.keyframe.offset
            tags = _read_directory(data, at, file.byteorder, big=file.is_bigtiff)
        array, options = _normalise(array, series.keyframe, is_imagej=file.is_imagej)
        if array.ndim > len(axes):  # a palette became RGB
            axes, axis = axes + "S", len(axes)
        metadata = _metadata_of_tiff(file, tags, axes, options)
        in_samples = axis is not None and axes[axis] == "S" and array.shape[axis] > 1
        has_alpha = in_samples and options["extrasamples"][-1:] in ([1], [2])
    return _to_picture(array, axis, metadata, has_alpha=has_alpha)


def _check_kind(path: Path, file: Any) -> None:
    """Refuse what is not one array of gray or RGB pages."""
    first, *others = file.series
    page = first.keyframe
    if page.is_reduced:
        raise _error(path, "starts with a thumbnail (a camera's raw file?); convert it to TIFF")
    if any(not (s.keyframe.is_reduced or s.keyframe.is_mask) for s in others):
        raise _error(
            path, f"holds {1 + len(others)} pictures of different kinds; save the one you mean"
        )
    if any(p is not None and p.parent is not file for p in first.pages):
        raise _error(path, "is one file of several that make a picture; save it as one")
    known = (0, 1, 2, 3, 6) if page.compression in (6, 7) else (0, 1, 2, 3)  # 6: YCbCr of JPEG
    if page.photometric not in known:
        name = getattr(page.photometric, "name", page.photometric)
        raise _error(path, f"is a {name} TIFF; convert it to RGB or gray first")


def _is_complete(file: Any) -> bool:
    """Whether all pages are in the file: of a file cut short, tifffile returns the pages it has."""
    len(file.pages)  # looks for all
    file.filehandle.seek(file.pages.next_page_offset)
    end_mark = file.filehandle.read(file.tiff.offsetsize)
    if len(end_mark) < file.tiff.offsetsize or any(end_mark):
        return False
    series, size = file.series[0], file.filehandle.size
    if series.dataoffset is not None and series.dataoffset + series.nbytes > size:
        return False
    return all(
        page is not None
        and all(sum(part) <= size for part in zip(page.dataoffsets, page.databytecounts))  # noqa: B905
        for page in series.pages
    )


def _normalise(
    array: NDArray[Any], page: Any, *, is_imagej: bool
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the array in which 0 is black and 8 bits the least, and how to write it back."""
    lossless = "lzw" if page.compression == 5 else "zlib"
    options: dict[str, Any] = {
        "photometric": "rgb" if page.photometric in (2, 6) else "minisblack",
        "compression": None if page.compression == 1 else lossless,
        "planarconfig": "separate" if page.planarconfig == 2 else "contig",
        "extrasamples": [int(extra) for extra in page.extrasamples],
    }
    if page.photometric == 3 and is_imagej:  # the values are measured, only the colours are false
        options |= {"photometric": "palette", "colormap": page.colormap}
    elif page.photometric == 3:
        colours = page.colormap if page.colormap.max() < 256 else page.colormap >> 8
        array = np.moveaxis(colours.astype(np.uint8)[:, array], 0, -1)
        options["photometric"] = "rgb"
    elif page.bitspersample in (1, 2, 4):
        array = array.astype(np.uint8) * np.uint8(255 // (2**page.bitspersample - 1))
    if page.photometric == 0 and page.samplesperpixel == 1 and array.dtype.kind == "u":
        array, options["photometric"] = ~array, "miniswhite"
    return array, options


def _metadata_of_tiff(file: Any, tags: Tags, axes: str, options: dict[str, Any]) -> Metadata:
    series = file.series[0]
    flavour: Literal["plain", "shaped", "imagej", "ome"] = "plain"
    details: dict[str, Any] = {}
    if file.is_imagej and series.axes == "".join(a for a in "TZCYXS" if a in series.axes):
        flavour, details = "imagej", file.imagej_metadata or {}
    elif file.is_ome:
        flavour = "ome"
    elif file.is_shaped:
        flavour, details = "shaped", (file.shaped_metadata or ({},))[0]
    description = _value(tags, _DESCRIPTION) or b""
    if flavour == "ome" or description.startswith(_GENERATED):
        tags.pop(_DESCRIPTION, None)
    resolution, unit = _resolution(tags)
    return Metadata(
        icc=_value(tags, 34675),
        xmp=_value(tags, 700),
        exif=_pack_exif({k: v for k, v in tags.items() if k in _SHARED_TAGS or k in _DIRECTORIES}),
        resolution=resolution,
        resolution_unit=unit,
        tiff=TiffLayout(
            axes=axes,
            options=options,
            flavour=flavour,
            details={name: v for name, v in details.items() if name not in _SAID_ANEW},
            # One that names files would send its readers back to them.
            ome_xml=description if flavour == "ome" and b"FileName=" not in description else None,
            shape=series.shape,
            dtype=series.dtype.name,
            tags={code: v for code, v in tags.items() if code in _PRIVATE_TAGS},
        ),
    )


def _write_tiff(file: IO[bytes], picture: Picture) -> None:
    import tifffile

    logging.getLogger("tifffile").addHandler(_silent)
    metadata, tiff = picture.metadata, picture.metadata.tiff
    array, options = _layout(picture)
    if metadata.resolution is not None:
        scale = 10 if metadata.resolution_unit == "mm" else 1
        unit = "cm" if metadata.resolution_unit == "mm" else metadata.resolution_unit
        options["resolution"] = tuple(scale * value for value in metadata.resolution)
        options["resolutionunit"] = _UNITS.index(unit)
    exif = _exif_of(picture)
    if "imagej" not in options:
        options.setdefault("description", _value(exif, _DESCRIPTION))
    tags = {code: v for code, v in exif.items() if code in _SHARED_TAGS - {_DESCRIPTION}}
    tags |= {} if tiff is None else tiff.tags
    tags |= {} if metadata.xmp is None else {700: (1, metadata.xmp)}
    extratags: list[tuple[Any, ...]] = [
        (code, kind, len(value) // _SIZES[kind], value, True)
        for code, (kind, value) in tags.items()
    ]
    directories = {code: v for code, v in exif.items() if code in _DIRECTORIES}
    if array.nbytes > 2**32 - 2**26:  # becomes a BigTIFF, where they look different
        directories = {}
    extratags += [(_DIRECTORIES[code], 4, 1, 0, True) for code in directories]
    try:
        tifffile.imwrite(
            file, array, byteorder="<", software="", iccprofile=metadata.icc, extratags=extratags,
            **options,
        )  # fmt: skip
    except OSError as error:
        if error.errno is None:  # numpy does not say why the disk took only a part: ask again
            os.write(file.fileno(), bytes(2**16))
        raise
    if directories:
        _append_directories(file, directories)


def _layout(picture: Picture) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the array as the TIFF it came from stored it, and how `imwrite` is told so."""
    pages, channels = len(picture.pixels), picture.pixels.shape[-1]
    samples = channels + (picture.alpha is not None)
    options: dict[str, Any] = {
        "photometric": "rgb" if channels == 3 else "minisblack",
        "compression": "zlib",
        "planarconfig": "contig",
        "extrasamples": [],
    }
    array, tiff = picture.to_array(), picture.metadata.tiff
    if tiff is not None:
        options |= tiff.options
    if (
        tiff is None
        or array.ndim != len(tiff.axes)
        or math.prod(picture.lead) != pages
        or ("S" in tiff.axes and samples == 1)
    ):  # from another format, or no longer what it was
        tiff = TiffLayout(axes="YXS" if samples > 1 else "YX")
        picture = replace(
            picture, lead=(pages,) if picture.lead else (), channel_axis=-1,
            has_channel_axis=samples > 1,
        )  # fmt: skip
        array, options["planarconfig"] = picture.to_array(), "contig"
    if options["photometric"] == "rgb" and channels < 3:
        options["photometric"] = "minisblack"
    if options["photometric"] == "miniswhite":
        array = ~array
    extra = options.pop("extrasamples")
    if "S" in tiff.axes:
        number = samples - (3 if options["photometric"] == "rgb" else 1)
        if len(extra) != number:
            extra = [0] * number if picture.alpha is None else [0] * (number - 1) + [2]
        options["extrasamples"] = extra or None
    else:
        del options["planarconfig"]
    options["metadata"] = None
    if tiff.flavour == "imagej" and array.dtype.name in ("uint8", "uint16", "float32"):
        # Its description is ASCII; Info and Labels have a tag of their own, in UTF-16.
        details = {
            _ascii(name): _ascii(v) if isinstance(v, str) and name not in ("Info", "Labels") else v
            for name, v in tiff.details.items()
        }
        options |= {"imagej": True, "metadata": {**details, "axes": tiff.axes}}
        options["compression"] = None  # ImageJ reads it as it lies on the disk
    elif tiff.ome_xml is not None and (array.shape, array.dtype.name) == (tiff.shape, tiff.dtype):
        options["description"] = tiff.ome_xml
    elif tiff.flavour == "shaped" or len(picture.lead) > 1:
        options["metadata"] = {**tiff.details, "axes": tiff.axes}
    return array, options


def _ascii(text: str) -> str:
    """Return the text as ImageJ writes it: µm as \\u00B5m."""
    return "".join(sign if sign.isascii() else f"\\u{ord(sign):04X}" for sign in text)


def _append_directories(file: IO[bytes], directories: Tags) -> None:
    """Put the EXIF and GPS directories at the end of a TIFF, and point its first page to them."""
    file.flush()
    with Path(file.name).open("rb") as written:
        (at,) = struct.unpack("<4xI", written.read(8))
        written.seek(at)
        (number,) = struct.unpack("<H", written.read(2))
        entries = written.read(12 * number)
    for i in range(number):
        (code,) = struct.unpack_from("<H", entries, 12 * i)
        if code in directories:
            _, tags = directories[code]
            assert isinstance(tags, dict)
            end = file.seek(0, os.SEEK_END)
            end = file.seek(end + end % 2)
            file.write(_pack_directory(tags, end))
            file.seek(at + 2 + 12 * i + 8)
            file.write(struct.pack("<I", end))


# --- EXIF: a TIFF without a picture --------------------------------------------------------

_EXIF_MARK = b"Exif\0\0"
_UNITS: tuple[Unit, ...] = ("mm", "none", "inch", "cm")
_POINTERS = {34665, 34853, 40965}  # to the directories of EXIF, GPS, interoperability
_SIZE = {282, 283, 296}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def _value(tags: Tags, code: int) -> bytes | None:
    _, value = tags.get(code, (0, None))
    return value if isinstance(value, bytes) else None


def _parse_exif(block: bytes | None) -> Tags:
    """Return the tags of an EXIF block, none if it is broken: the picture may still be good."""
    try:
        order: Literal["<", ">"] = ">" if block and block.startswith(b"MM") else "<"
        (at,) = struct.unpack_from(order + "I", block or b"", 4)
        return _read_directory(block or b"", at, order)
    except struct.error:
        return {}


def _exif_of(picture: Picture) -> Tags:
    """Return the EXIF tags, with the size and resolution that the picture has now."""
    _, height, width, _ = picture.pixels.shape
    tags = {code: v for code, v in _parse_exif(picture.metadata.exif).items() if code not in _SIZE}
    _, camera = tags.get(34665, (0, {}))
    if isinstance(camera, dict):
        sides = {40962: (4, struct.pack("<I", width)), 40963: (4, struct.pack("<I", height))}
        camera |= {code: side for code, side in sides.items() if code in camera}
    resolution = _per_millimetre(picture.metadata)
    if resolution is not None:
        for code, value in zip((282, 283), resolution, strict=True):
            exact = Fraction(25.4 * value)
            near = exact.limit_denominator(max(1, min(10000, int(2**32 / exact) - 1)))
            tags[code] = (5, struct.pack("<II", near.numerator, near.denominator))
        tags[296] = (3, struct.pack("<H", _UNITS.index("inch")))
    return tags


def _resolution(tags: Tags) -> tuple[tuple[float, float] | None, Unit]:
    """Return the pixels per unit, horizontal and vertical, if the tags say them; and the unit."""
    raw = [_value(tags, code) or b"" for code in (282, 283, 296)]
    if len(raw[0]) != 8 or len(raw[1]) != 8:
        return None, "none"
    (x, of_x), (y, of_y) = (struct.unpack("<II", value) for value in raw[:2])
    number = int.from_bytes(raw[2] or b"\2", "little")
    unit = _UNITS[number] if number in (1, 2, 3) else "none"
    says_nothing = not (of_x and of_y) or (x == of_x and y == of_y and unit == "none")
    return None if says_nothing else _sane(x / of_x, y / of_y), unit


def _sane(x: float, y: float) -> tuple[float, float] | None:
    """Return the resolution, None if no file could hold some times as much of it."""
    return (x, y) if min(x, y) > 1e-6 and max(x, y) < 1e7 else None


def _pack_exif(tags: Tags) -> bytes | None:
    return b"II*\0" + struct.pack("<I", 8) + _pack_directory(tags, 8) if tags else None


def _read_directory(
    data: bytes | mmap.mmap, at: int, order: Literal["<", ">"], *, big: bool = False, depth: int = 3
) -> Tags:
    """Return the tags of the directory at an offset and of those below; big = of a BigTIFF."""
    head, entry, offset = (order + f for f in (("Q", "HHQ", "Q") if big else ("H", "HHI", "I")))
    room = struct.calcsize(offset)
    (number,) = struct.unpack_from(head, data, at)
    at += struct.calcsize(head)
    tags: Tags = {}
    for _ in range(min(number, 4096)):
        code, kind, count = struct.unpack_from(entry, data, at)
        size = count * _SIZES.get(kind, 0)
        at += struct.calcsize(entry)
        where = at if size <= room else struct.unpack_from(offset, data, at)[0]
        if code in tags:  # tifffile puts its own description behind the user's
            pass
        elif code in _POINTERS:
            (below,) = struct.unpack_from(offset, data, at)
            with suppress(struct.error):
                if depth:  # a directory may point to itself
                    tags[code] = (4, _read_directory(data, below, order, big=big, depth=depth - 1))
        elif 0 < size <= len(data) - where:
            value = data[where : where + size]
            width = size // count // (2 if kind in (5, 10) else 1)  # rationals are pairs
            if order == ">" and width > 1:
                value = np.frombuffer(value, f">u{width}").astype(f"<u{width}").tobytes()
            tags[code] = (kind, value)
        at += room
    return tags


def _pack_directory(tags: Tags, at: int) -> bytes:
    """Return the directory, to stand at an offset, with its values and directories behind it."""
    entries, values = b"", b""
    first = at + 2 + 12 * len(tags) + 4
    for code, (kind, value) in sorted(tags.items()):
        where = struct.pack("<I", first + len(values))
        if isinstance(value, dict):
            count, below = 1, _pack_directory(value, first + len(values))
        else:
            count, below = len(value) // _SIZES[kind], value
        if isinstance(value, bytes) and len(value) <= 4:
            where, below = value.ljust(4, b"\0"), b""
        entries += struct.pack("<HHI4s", code, kind, count, where)
        values += below + bytes(len(below) % 2)
    return struct.pack("<H", len(tags)) + entries + bytes(4) + values


# --- .npy ----------------------------------------------------------------------------------


def _read_npy(path: Path, max_pixels: int, channel_axis: ChannelAxis) -> Picture:
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
    if dtype.kind not in "uifb":
        raise _error(path, f"holds {dtype} values; wanted integers or floats")
    if channel_axis == "auto":
        channels_last = len(shape) == 4 or (len(shape) == 3 and shape[-1] <= 4)
        channel_axis = -1 if channels_last else None
        if not 2 <= len(shape) <= 4 or (len(shape) == 4 and shape[-1] > 4):
            raise _error(
                path, f"has shape {shape}; wanted (H, W), (H, W, C), (pages, H, W) or "
                "(pages, H, W, C) with at most 4 channels",
            )  # fmt: skip
    axis = _check_shape(path, shape, channel_axis, max_pixels)
    array = np.load(path, allow_pickle=False)
    if dtype.kind == "b":
        array = array.astype(np.uint8) * np.uint8(255)
    return _to_picture(array, axis, Metadata())


def _write_npy(file: IO[bytes], array: NDArray[Any]) -> None:
    # Not np.save: it does not say why the disk took only a part.
    array = np.ascontiguousarray(array)
    header = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(file, header)
    file.write(array.data)
