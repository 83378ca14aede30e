"""A picture in memory: pixels, alpha and what must survive beside them; its checks."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import EllipsisType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images.scale import scaled_header, scaled_ome, scaled_tags
from untrained.memory import check_room

WRITABLE = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".jfif": "jpeg", ".jpe": "jpeg",
    ".tif": "tiff", ".tiff": "tiff", ".webp": "webp", ".npy": "npy",
    ".fits": "fits", ".fit": "fits", ".fts": "fits",
}  # fmt: skip
"""The formats that are written, by suffix; they are read as well."""

READABLE = WRITABLE | {
    ".bmp": "bmp", ".gif": "gif",
    ".ppm": "pnm", ".pgm": "pnm", ".pbm": "pnm", ".pnm": "pnm",
    ".cr2": "raw", ".cr3": "raw", ".nef": "raw", ".arw": "raw", ".dng": "raw", ".raf": "raw",
    ".orf": "raw", ".rw2": "raw",
    ".heic": "heif", ".heif": "heif", ".hif": "heif",
    ".czi": "microscopy", ".nd2": "microscopy", ".lif": "microscopy",
}  # fmt: skip
"""The formats that are read, by suffix."""

DEEP = {"raw", "heif", "microscopy"}
"""The formats, among those that are not written, that become TIFF; the others become PNG."""

MIN_SIDE = 8
"""The least height and width of a picture."""

ChannelAxis: TypeAlias = int | Literal["auto"] | None
Unit: TypeAlias = Literal["mm", "none", "inch", "cm"]
Tags: TypeAlias = "dict[int, tuple[int, bytes | Tags]]"
"""TIFF and EXIF: code -> type, and value (little-endian) or the directory that it points to."""

GEO_TAGS = {33550, 33922, 34264, 34735, 34736, 34737}
# Details that name pixel positions: wrong once the picture has another size.
PLACES = {"ROI", "Overlays", "Plot"}

# Bytes a value that the way from the array to the fit takes at its peak: 42 between 12 and 36
# million values of 8 and 16 bits (maximum resident size; float64, range, noise, impulses).
_COPIES = 44
_FILES = 2  # what is decoded, and what will be written

WANTED = "wanted PNG, JPEG, TIFF, WebP, .npy or .fits"
READS = "wanted PNG, JPEG, TIFF, WebP, GIF, BMP, PNM, .npy, FITS, HEIC, camera raw, CZI, ND2 or LIF"


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
        fits: the header of a FITS file, a card a line.
        pattern: of a sensor's mosaic, the colours of the top left 2x2 pixels, as in RGGB.
    """

    icc: bytes | None = None
    xmp: bytes | None = None
    exif: bytes | None = None
    resolution: tuple[float, float] | None = None
    resolution_unit: Unit = "mm"
    iptc: bytes | None = None
    png: tuple[bytes, ...] = ()
    tiff: TiffLayout | None = None
    fits: str | None = None
    pattern: str | None = None


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
        nodata: the value that stands for a missing pixel; None = none does.
        notes: what is to be told of its reading and of what could not be kept, a line each.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    lead: tuple[int, ...] = ()
    has_channel_axis: bool = True
    channel_axis: int = -1
    nodata: float | None = None
    notes: tuple[str, ...] = ()

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

    Another size is taken for the same scene, finer or coarser: what says how large a pixel is
    (resolution, OME-XML, GeoTIFF) goes with it, regions of interest are dropped. With other
    channels, what is said of the old ones (profile, layout of a TIFF) is dropped too.
    """
    alpha = picture.alpha if isinstance(alpha, EllipsisType) else alpha
    assert alpha is None or alpha.shape == pixels.shape[:3], "alpha and pixels differ in size"
    metadata, tiff = picture.metadata, picture.metadata.tiff
    old, new = picture.pixels.shape[1:3], pixels.shape[1:3]
    if old != new:
        across, down = new[1] / old[1], new[0] / old[0]
        if metadata.resolution is not None:
            x, y = metadata.resolution
            metadata = replace(metadata, resolution=(x * across, y * down))
        if metadata.fits is not None:
            header, lost = scaled_header(metadata.fits, across, down)
            metadata = replace(metadata, fits=header)
            picture = replace(picture, notes=(*picture.notes, *lost))
        if tiff is not None:
            details = {name: v for name, v in tiff.details.items() if name not in PLACES}
            tags, lost = scaled_tags(tiff.tags, across, down)
            sides = dict(zip("YX", new, strict=True))
            shape = tuple(sides.get(a, n) for a, n in zip(tiff.axes, tiff.shape, strict=False))
            xml = (
                None
                if tiff.ome_xml is None
                else scaled_ome(tiff.ome_xml, (new[0], new[1]), (old[0], old[1]))
            )
            tiff = replace(tiff, details=details, tags=tags, shape=shape, ome_xml=xml)
            metadata = replace(metadata, tiff=tiff)
            picture = replace(picture, notes=(*picture.notes, *lost))
    if pixels.shape[3] != picture.pixels.shape[3]:
        metadata = replace(metadata, icc=None, png=(), tiff=None)
        picture = replace(picture, has_channel_axis=pixels.shape[3] > 1)
    return replace(picture, pixels=pixels, alpha=alpha, metadata=metadata)


def usual_suffix(kind: str) -> str:
    """Return the suffix that files of a format have."""
    return next(suffix for suffix, of in READABLE.items() if of == kind)


def error_at(path: Path, text: str) -> InputError:
    """Return the error about a file, as one line."""
    return InputError(" ".join(f"{path}: {text}".splitlines()))


def damaged(path: Path, kind: str) -> InputError:
    """Return the error about a file that its decoder gave up on."""
    return error_at(
        path, f"the {kind.upper()} is damaged or cut short; copy it again from its source"
    )


def check_size(
    path: Path, height: int, width: int, pages: int, max_pixels: int, *,
    channels: int = 1, itemsize: int = 1,
) -> None:  # fmt: skip
    """Raise InputError for an empty or tiny picture, or one too large for us or the memory."""
    size = f"{height}x{width}" + (f" x {pages} pages" if pages > 1 else "")
    if height * width * pages == 0:
        raise error_at(path, f"the picture is empty ({size}); wanted some pixels")
    if height * width * pages > max_pixels:
        raise error_at(
            path, f"{size} is more than the {max_pixels:,} pixels allowed; "
            "raise --max-pixels if that is meant",
        )  # fmt: skip
    if min(height, width) < MIN_SIDE:
        raise error_at(path, f"is {size}; wanted at least {MIN_SIDE}x{MIN_SIDE}")
    values = height * width * channels
    what = f"a picture of {size}" + (f" x {channels} channels" if channels > 1 else "")
    check_room(path, values * (_COPIES + pages * _FILES * itemsize), what)


def to_picture(
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


def check_shape(
    path: Path, shape: tuple[int, ...], channel_axis: int | None, max_pixels: int, *,
    itemsize: int = 1,
) -> int | None:  # fmt: skip
    """Return the channel axis, counted from the front, of a shape that can be a picture's."""
    rest, axis = shape, None
    if channel_axis is not None:
        if not -len(shape) <= channel_axis < len(shape):
            raise error_at(
                path, f"has shape {shape}, no axis {channel_axis}; give its channel axis"
            )
        axis = channel_axis % len(shape)
        rest = shape[:axis] + shape[axis + 1 :]
    if len(rest) < 2:
        raise error_at(path, f"has shape {shape}; wanted height and width beside the channels")
    *lead, height, width = rest
    check_size(
        path, height, width, 0 if 0 in shape else math.prod(lead), max_pixels,
        channels=1 if axis is None else shape[axis], itemsize=itemsize,
    )  # fmt: skip
    return axis


def per_millimetre(metadata: Metadata) -> tuple[float, float] | None:
    """Return the resolution in pixels per millimetre, None if its unit is no length."""
    lengths = {"mm": 1.0, "cm": 10.0, "inch": 25.4}
    if metadata.resolution is None or metadata.resolution_unit not in lengths:
        return None
    x, y = metadata.resolution
    return x / lengths[metadata.resolution_unit], y / lengths[metadata.resolution_unit]
