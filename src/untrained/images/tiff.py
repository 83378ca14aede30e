"""TIFF, by tifffile: depths, stacks, ImageJ, OME, tags."""

from __future__ import annotations

import logging
import math
import mmap
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from untrained.images.exif import (
    SIZES,
    UNITS,
    exif_of,
    pack_directory,
    pack_exif,
    read_directory,
    resolution_of,
    tag_value,
)
from untrained.images.picture import (
    GEO_TAGS,
    ChannelAxis,
    Metadata,
    Picture,
    Tags,
    TiffLayout,
    check_shape,
    damaged,
    error_at,
    to_picture,
)

_DESCRIPTION, _NODATA = 270, 42113
# What TIFF and the first directory of EXIF have in common: description, maker, model, orientation,
# software, date, artist, computer, ratings, copyright, Windows' own.
_SHARED_TAGS = {270, 271, 272, 274, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096)}
_MOSAICS = (32803, 34892)  # as a sensor sees, and linear, of DNG
_DIRECTORIES = {34665: "ExifTag", 34853: "GPSTag"}
# Names of document and page, page number, white point and primaries, IPTC, Photoshop, electron
# microscopes, Micro-Manager, GDAL.
_PRIVATE_TAGS = {
    269, 285, 297, 318, 319, 33723, 34377, 34118, 34680, 34682, 51123, 42112, 42113, *GEO_TAGS
}  # fmt: skip
_GENERATED = (b"ImageJ=", b"SCIFIO=", b'{"shape"', b"shape=")  # descriptions
# What tifffile says anew of an ImageJ or shaped file, or takes for arguments of its own.
_SAID_ANEW = {
    "ImageJ", "SCIFIO", "images", "channels", "slices", "frames", "hyperstack", "axes", "shape",
    "truncated", "rgb", "colormapped", "colormaped", "info", "labels", "ranges", "luts", "plot",
    "roi", "overlays", "prop",
}  # fmt: skip

_silent = logging.NullHandler()  # what tifffile has to say of a broken file, our errors say


def read_tiff(path: Path, max_pixels: int, channel_axis: ChannelAxis) -> Picture:
    """Return the picture (or stack) in a TIFF file."""
    import tifffile

    logging.getLogger("tifffile").addHandler(_silent)
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        _check_kind(path, file)
        axes: str = series.axes
        if channel_axis == "auto":
            channel_axis = axes.index("S") if "S" in axes else None
        axis = check_shape(
            path, series.shape, channel_axis, max_pixels, itemsize=series.dtype.itemsize
        )
        rest = axes if axis is None else axes[:axis] + axes[axis + 1 :]
        if not rest.endswith("YX") or "S" in rest:
            raise error_at(
                path, f"has axes {axes}; wanted height and width last beside the channels"
            )
        if not _is_complete(file):
            raise damaged(path, "tiff")
        array = series.asarray()
        if array.dtype.kind not in "uifb":
            raise error_at(path, f"holds {array.dtype} values; wanted integers or floats")
        if array.shape != series.shape:
            raise damaged(path, "tiff")
        with path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = series.keyframe.offset
            tags = read_directory(data, at, file.byteorder, big=file.is_bigtiff)
        array, options = _normalise(array, series.keyframe, is_imagej=file.is_imagej)
        if array.ndim > len(axes):  # a palette became RGB
            axes, axis = axes + "S", len(axes)
        metadata = _metadata_of_tiff(file, tags, axes, options)
        in_samples = axis is not None and axes[axis] == "S" and array.shape[axis] > 1
        has_alpha = in_samples and options["extrasamples"][-1:] in ([1], [2])
    picture = to_picture(array, axis, metadata, has_alpha=has_alpha)
    return replace(picture, nodata=_nodata_of(tags, array, options))


def _nodata_of(tags: Tags, array: NDArray[Any], options: dict[str, Any]) -> float | None:
    """Return the value that GDAL's tag names as missing; None = there is no such number."""
    try:
        value = float((tag_value(tags, _NODATA) or b"").split(b"\0")[0])
    except ValueError:
        return None
    return value if options["photometric"] != "miniswhite" else np.iinfo(array.dtype).max - value


def _check_kind(path: Path, file: Any) -> None:
    """Refuse what is not one array of gray or RGB pages."""
    first, *others = file.series
    page = first.keyframe
    if page.is_reduced:
        raise error_at(
            path, "starts with a thumbnail: a camera's raw file? Name it as the camera did "
            "(.dng, .nef, .arw, .cr2), or convert it to TIFF",
        )  # fmt: skip
    if any(not (s.keyframe.is_reduced or s.keyframe.is_mask) for s in others):
        raise error_at(
            path, f"holds {1 + len(others)} pictures of different kinds; save the one you mean"
        )
    if any(p is not None and p.parent is not file for p in first.pages):
        raise error_at(path, "is one file of several that make a picture; save it as one")
    known = (0, 1, 2, 3, 6) if page.compression in (6, 7) else (0, 1, 2, 3)  # 6: YCbCr of JPEG
    if page.photometric not in known:
        name = getattr(page.photometric, "name", page.photometric)
        remedy = "convert it to RGB or gray first"
        if page.photometric in _MOSAICS:
            remedy = "a camera's raw file? Name it as the camera did (.dng, .nef, .arw, .cr2)"
        raise error_at(path, f"is a {name} TIFF; {remedy}")


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
    description = tag_value(tags, _DESCRIPTION) or b""
    if flavour == "ome" or description.startswith(_GENERATED):
        tags.pop(_DESCRIPTION, None)
    resolution, unit = resolution_of(tags)
    return Metadata(
        icc=tag_value(tags, 34675),
        xmp=tag_value(tags, 700),
        exif=pack_exif({k: v for k, v in tags.items() if k in _SHARED_TAGS or k in _DIRECTORIES}),
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


def write_tiff(file: IO[bytes], picture: Picture) -> None:
    """Write a picture as TIFF, laid out as its source was."""
    import tifffile

    logging.getLogger("tifffile").addHandler(_silent)
    metadata, tiff = picture.metadata, picture.metadata.tiff
    array, options = _layout(picture)
    if metadata.resolution is not None:
        scale = 10 if metadata.resolution_unit == "mm" else 1
        unit = "cm" if metadata.resolution_unit == "mm" else metadata.resolution_unit
        options["resolution"] = tuple(scale * value for value in metadata.resolution)
        options["resolutionunit"] = UNITS.index(unit)
    exif = exif_of(picture)
    if "imagej" not in options:
        options.setdefault("description", tag_value(exif, _DESCRIPTION))
    tags = {code: v for code, v in exif.items() if code in _SHARED_TAGS - {_DESCRIPTION}}
    tags |= {} if tiff is None else tiff.tags
    tags |= {} if metadata.xmp is None else {700: (1, metadata.xmp)}
    extratags: list[tuple[Any, ...]] = [
        (code, kind, len(value) // SIZES[kind], value, True) for code, (kind, value) in tags.items()
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
            file.write(pack_directory(tags, end))
            file.seek(at + 2 + 12 * i + 8)
            file.write(struct.pack("<I", end))
