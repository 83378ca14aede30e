"""Picture files <-> arrays: depth, channels, alpha, stacks, colour profile, metadata.

Shapes: P pages, H height, W width, C colour channels (alpha apart).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import write_atomically
from untrained.errors import InputError

__all__ = ["SUFFIXES", "Metadata", "Picture", "check_writable", "is_image_path", "read_picture",
           "write_picture"]  # fmt: skip

SUFFIXES = {
    ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff",
    ".webp": "webp", ".npy": "npy",
}  # fmt: skip
"""The file formats by suffix."""

MIN_SIDE = 8
_WANTED = "wanted PNG, JPEG, TIFF, WebP or .npy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """What a file says beside its pixels.

    Attributes:
        icc: colour profile.
        xmp: XMP packet.
        resolution: pixels per millimetre, horizontal and vertical; None = not said.
        orientation: EXIF orientation 1-8; the pixels are as stored, never turned.
        fields: everything else of a PNG, JPEG or WebP, EXIF included: (name, type, value).
        tiff: what TIFF writing needs: description, compression, photometric, axes …
    """

    icc: bytes | None = None
    xmp: bytes | None = None
    resolution: tuple[float, float] | None = None
    orientation: int | None = None
    fields: tuple[tuple[str, Any, Any], ...] = ()
    tiff: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """The pixels of a file, in the file's own dtype, and what must survive beside them.

    Attributes:
        pixels: (P, H, W, C) colour.
        alpha: (P, H, W) or None.
        metadata: profile, EXIF and the like.
        lead: the axes before (H, W) in the file, () for a single picture; their product is P.
        has_channel_axis: whether the file's array had one; false = plain (H, W) gray.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    lead: tuple[int, ...] = ()
    has_channel_axis: bool = True

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> Picture:
        """Return a picture of an (H, W) or (H, W, C) array."""
        has_channel_axis = array.ndim == 3
        pixels = array[None] if has_channel_axis else array[None, :, :, None]
        return cls(pixels=pixels, has_channel_axis=has_channel_axis)

    def to_array(self) -> NDArray[Any]:
        """Return lead + (H, W), or lead + (H, W, C) with alpha as the last channel."""
        array = self.pixels
        if self.alpha is not None:
            array = np.concatenate([array, self.alpha[..., None]], axis=-1)
        array = array.reshape(self.lead + array.shape[1:])
        return array if self.has_channel_axis or self.alpha is not None else array[..., 0]


def is_image_path(path: Path) -> bool:
    """Whether the suffix is that of a picture file."""
    return path.suffix.lower() in SUFFIXES


def read_picture(path: str | Path, *, max_pixels: int = 250_000_000) -> Picture:
    """Read a PNG, JPEG, TIFF, WebP or .npy file; the format is told by its content.

    Palettes become RGB, 1-bit becomes 8-bit. The axes of a stack are kept; each page of it is a
    picture of its own. In .npy files a last axis of up to 4 is taken for channels, none of them
    alpha.

    Raises:
        InputError: missing, unreadable, empty, truncated, not a picture, under 8x8 pixels, or
            more than `max_pixels` (checked before decoding).
    """
    path = Path(path)
    kind = _kind_of(path)
    readers: dict[str, Callable[[Path, int], Picture]] = {"tiff": _read_tiff, "npy": _read_npy}
    try:
        return readers.get(kind, _read_with_vips)(path, max_pixels)
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory; use a smaller picture") from None
    except Exception as error:  # the decoders raise whatever they like on broken files
        reason = str(error).strip().splitlines()
        text = reason[-1].strip() if reason else type(error).__name__
        raise InputError(
            f"{path}: the {kind.upper()} is damaged or cut short ({text[:120]}); "
            "copy it again from its source"
        ) from None


def check_writable(path: Path, picture: Picture) -> None:
    """Raise InputError if the picture cannot be written there: the format or the folder."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a file name")
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path}: unknown file type {path.suffix or '(none)'}; {_WANTED}")
    channels = picture.pixels.shape[-1]
    if kind in ("png", "jpeg", "webp"):
        dtypes = ("uint8", "uint16") if kind == "png" else ("uint8",)
        if picture.pixels.dtype.name not in dtypes:
            raise InputError(
                f"{path}: {kind.upper()} cannot hold {picture.pixels.dtype} values; use .tif"
                + (" or .png" if picture.pixels.dtype == np.uint16 else "")
            )
        if picture.lead:
            raise InputError(f"{path}: {kind.upper()} cannot hold a stack; use .tif")
        if channels not in (1, 3):
            raise InputError(f"{path}: {kind.upper()} cannot hold {channels} channels; use .tif")
        if picture.alpha is not None and kind == "jpeg":
            raise InputError(f"{path}: JPEG cannot hold transparency; use .png, .webp or .tif")
        limit = {"jpeg": 65535, "webp": 16383}.get(kind, 2**31 - 1)
        if max(picture.pixels.shape[1:3]) > limit:
            raise InputError(
                f"{path}: {kind.upper()} holds at most {limit} pixels a side; use .png"
            )
    folder = next(p for p in path.absolute().parents if p.exists())
    if not folder.is_dir():
        raise InputError(f"{path}: {folder} is a file, not a folder; give another output")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path}: no permission to write into {folder}; give another output")


def write_picture(path: str | Path, picture: Picture) -> None:
    """Write a picture in the format of the suffix, atomically.

    JPEG is written at quality 95 without colour subsampling, WebP without loss.

    Raises:
        InputError: the format cannot hold the picture, or the disk or folder cannot take it.
    """
    path = Path(path)
    check_writable(path, picture)
    kind = SUFFIXES[path.suffix.lower()]
    if kind == "npy":
        write_atomically(path, lambda file: np.save(file, picture.to_array()))
    elif kind == "tiff":
        write_atomically(path, lambda file: _write_tiff(file, picture))
    else:
        data = _encode_with_vips(picture, kind)
        write_atomically(path, lambda file: file.write(data))


def _kind_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; wanted a picture file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not head:
        raise InputError(f"{path}: the file is empty; {_WANTED}")
    signatures = {
        b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"II*\0": "tiff", b"MM\0*": "tiff",
        b"II+\0": "tiff", b"MM\0+": "tiff", b"\x93NUMPY": "npy",
    }  # fmt: skip
    for signature, kind in signatures.items():
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    raise InputError(f"{path}: is not a picture that can be read here; {_WANTED}")


def _check_size(path: Path, height: int, width: int, pages: int, max_pixels: int) -> None:
    if height * width * pages == 0:
        raise InputError(f"{path}: the picture is empty ({height}x{width}); wanted some pixels")
    if height * width * pages > max_pixels:
        raise InputError(
            f"{path}: {height}x{width}{f' x {pages} pages' if pages > 1 else ''} is more than the "
            f"{max_pixels:,} pixels allowed; raise --max-pixels if that is meant"
        )
    if min(height, width) < MIN_SIDE:
        raise InputError(f"{path}: is {height}x{width}; wanted at least {MIN_SIDE}x{MIN_SIDE}")


# --- PNG, JPEG, WebP -----------------------------------------------------------------------

# What describes the stored pixels and not the picture, or would no longer be true of the result.
_OWN_FIELDS = {
    "width", "height", "bands", "format", "coding", "interpretation", "xoffset", "yoffset", "xres",
    "yres", "filename", "vips-loader", "palette", "palette-bit-depth", "bits-per-sample", "n-pages",
    "page-height", "interlaced", "history", "jpeg-thumbnail-data", "jpeg-multiscan",
    "jpeg-chroma-subsample", "vips-sequential", "icc-profile-data", "xmp-data",
}  # fmt: skip


def _vips() -> Any:
    os.environ.setdefault("VIPS_WARNING", "0")  # libvips writes its warnings to stderr
    import pyvips

    return pyvips


def _read_with_vips(path: Path, max_pixels: int) -> Picture:
    pyvips = _vips()
    image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
    _check_size(path, image.height, image.width, 1, max_pixels)
    if image.interpretation == "cmyk":
        raise InputError(f"{path}: is a CMYK picture; convert it to RGB first")
    has_alpha = image.hasalpha()
    kinds = {"uchar": np.uint8, "ushort": np.uint16}
    data = image.write_to_memory()
    array = np.frombuffer(data, dtype=kinds[image.format]).reshape(
        image.height, image.width, image.bands
    )
    names = image.get_fields()
    fields = tuple(
        (name, image.get_typeof(name), image.get(name)) for name in names if name not in _OWN_FIELDS
    )
    said = image.get("resolution-unit") if "resolution-unit" in names else None
    metadata = Metadata(
        icc=image.get("icc-profile-data") if "icc-profile-data" in names else None,
        xmp=image.get("xmp-data") if "xmp-data" in names else None,
        resolution=(image.xres, image.yres) if said or image.xres != 1 else None,
        orientation=image.get("orientation") if "orientation" in names else None,
        fields=fields,
    )
    return Picture(
        pixels=array[None, :, :, :-1] if has_alpha else array[None],
        alpha=array[None, :, :, -1] if has_alpha else None,
        metadata=metadata,
        has_channel_axis=image.bands > 1,
    )


def _encode_with_vips(picture: Picture, kind: str) -> bytes:
    pyvips = _vips()
    array = picture.pixels[0]
    if picture.alpha is not None:
        array = np.concatenate([array, picture.alpha[0][..., None]], axis=-1)
    height, width, bands = array.shape
    deep = array.dtype == np.uint16
    image = pyvips.Image.new_from_memory(
        np.ascontiguousarray(array).tobytes(), width, height, bands, "ushort" if deep else "uchar"
    )
    gray = picture.pixels.shape[-1] == 1
    space = ("grey16" if deep else "b-w") if gray else ("rgb16" if deep else "srgb")
    metadata = picture.metadata
    xres, yres = metadata.resolution or (1.0, 1.0)
    image = image.copy(interpretation=space, xres=xres, yres=yres)
    for name, gtype, value in metadata.fields:
        image.set_type(gtype, name, value)
    if metadata.orientation is not None:
        image.set_type(pyvips.GValue.gint_type, "orientation", metadata.orientation)
    for name, blob in (("icc-profile-data", metadata.icc), ("xmp-data", metadata.xmp)):
        if blob is not None:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    data: bytes
    if kind == "png":
        data = image.pngsave_buffer()
    elif kind == "jpeg":
        data = image.jpegsave_buffer(Q=95, subsample_mode="off")
    else:
        data = image.webpsave_buffer(lossless=True, exact=True)
    return data


# --- TIFF ----------------------------------------------------------------------------------

_TEXT_TAGS = {271: "Make", 272: "Model", 306: "DateTime", 315: "Artist", 33432: "Copyright"}
_MM = {2: 25.4, 3: 10.0}  # TIFF resolution units, in millimetres


def _read_tiff(path: Path, max_pixels: int) -> Picture:
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        page = series.keyframe
        axes, shape = series.axes, series.shape
        if page.photometric in (tifffile.PHOTOMETRIC.PALETTE, tifffile.PHOTOMETRIC.SEPARATED):
            raise InputError(f"{path}: is a {page.photometric.name} TIFF; convert it to RGB first")
        height, width = shape[axes.index("Y")], shape[axes.index("X")]
        samples = shape[axes.index("S")] if "S" in axes else 1
        pages = int(np.prod(shape)) // max(1, height * width * samples)
        _check_size(path, height, width, pages, max_pixels)
        array = series.asarray()
        if array.dtype == bool:
            array = array.astype(np.uint8) * 255
        if array.dtype.kind not in "uif":
            raise InputError(f"{path}: holds {array.dtype} values; wanted integers or floats")
        order = [i for i, axis in enumerate(axes) if axis not in "YXS"]
        lead = tuple(shape[i] for i in order)
        if samples == 1 and "S" not in axes:
            array = array[..., None]
            axes += "S"
        array = array.transpose(*order, axes.index("Y"), axes.index("X"), axes.index("S"))
        array = array.reshape(pages, height, width, samples)
        has_alpha = samples > 1 and any(int(extra) in (1, 2) for extra in page.extrasamples)
        tags = {tag.code: tag.value for tag in page.tags}
        unit = _MM.get(int(tags.get(296, 2)))
        resolution = None
        if unit and 282 in tags and 283 in tags and tags[282][1] and tags[283][1]:
            resolution = tuple(tags[code][0] / tags[code][1] / unit for code in (282, 283))
        icc, xmp = tags.get(34675), tags.get(700)
        metadata = Metadata(
            icc=bytes(icc) if icc is not None else None,
            xmp=bytes(xmp) if isinstance(xmp, (bytes, tuple)) else None,
            resolution=resolution,
            orientation=int(tags[274]) if 274 in tags else None,
            tiff={
                "photometric": int(page.photometric),
                "compression": int(page.compression),
                "extrasamples": [int(extra) for extra in page.extrasamples],
                "description": None if file.is_imagej or file.is_shaped else tags.get(270),
                "software": tags.get(305),
                "text": {
                    code: tags[code] for code in _TEXT_TAGS if isinstance(tags.get(code), str)
                },
                "imagej": dict(file.imagej_metadata or {}) if file.is_imagej else None,
                "axes": "".join(axes[i] for i in order),
            },
        )
    return Picture(
        pixels=array[..., :-1] if has_alpha else array,
        alpha=array[..., -1] if has_alpha else None,
        metadata=metadata,
        lead=lead,
        has_channel_axis=samples > 1,
    )


def _write_tiff(file: Any, picture: Picture) -> None:
    import tifffile

    metadata, tiff = picture.metadata, picture.metadata.tiff
    array = picture.to_array()
    channels = picture.pixels.shape[-1]
    rgb = channels == 3
    options: dict[str, Any] = {"photometric": "rgb" if rgb else tiff.get("photometric", 1)}
    if options["photometric"] not in ("rgb", 0, 1):
        options["photometric"] = 1
    extra = list(tiff.get("extrasamples", []))
    count = (channels - (3 if rgb else 1)) + (picture.alpha is not None)
    if count:
        default = [0] * (count - 1) + [2 if picture.alpha is not None else 0]
        options["extrasamples"] = extra if len(extra) == count else default
        options["planarconfig"] = "contig"
    if tiff.get("compression", 8) in (5, 8, 32946):
        options["compression"] = "lzw" if tiff.get("compression") == 5 else "zlib"
    if metadata.icc:
        options["iccprofile"] = metadata.icc
    if metadata.resolution:
        options["resolution"] = tuple(10 * r for r in metadata.resolution)
        options["resolutionunit"] = "CENTIMETER"
    if tiff.get("software"):
        options["software"] = tiff["software"]
    extratags: list[tuple[Any, ...]] = []
    if metadata.orientation is not None:
        extratags.append((274, "H", 1, metadata.orientation, True))
    if metadata.xmp:
        extratags.append((700, "B", len(metadata.xmp), metadata.xmp, True))
    extratags += [(code, "s", 0, text, True) for code, text in tiff.get("text", {}).items()]
    imagej = tiff.get("imagej")
    if imagej is not None and array.dtype.name in ("uint8", "uint16", "float32"):
        own = ("ImageJ", "images", "channels", "slices", "frames", "hyperstack", "axes")
        kept = {key: value for key, value in imagej.items() if key not in own}
        axes = tiff["axes"] + ("YXS" if rgb else "YX")
        options |= {"imagej": True, "metadata": {**kept, "axes": axes}}
        options.pop("compression", None)
    elif tiff.get("description"):
        options |= {"description": tiff["description"], "metadata": None}
    elif not picture.lead:
        options["metadata"] = None
    tifffile.imwrite(file, array, extratags=extratags, **options)


# --- .npy ----------------------------------------------------------------------------------


def _read_npy(path: Path, max_pixels: int) -> Picture:
    with path.open("rb") as file:
        major, _ = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0
            if major == 1
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
    if dtype.kind not in "uifb":
        raise InputError(f"{path}: holds {dtype} values; wanted integers or floats")
    if not 2 <= len(shape) <= 4 or (len(shape) == 4 and shape[-1] > 4):
        raise InputError(
            f"{path}: has shape {shape}; wanted (H, W), (H, W, C), (pages, H, W) or "
            "(pages, H, W, C) with at most 4 channels"
        )
    channels_last = len(shape) == 4 or (len(shape) == 3 and shape[-1] <= 4)
    lead = shape[: -3 if channels_last else -2]
    height, width = shape[len(lead) : len(lead) + 2]
    pages = int(np.prod(lead))
    _check_size(path, height, width, pages, max_pixels)
    array = np.load(path, allow_pickle=False)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    return Picture(
        pixels=array.reshape(pages, height, width, -1), lead=lead, has_channel_axis=channels_last
    )
