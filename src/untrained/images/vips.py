"""PNG, JPEG, WebP and GIF, by libvips."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np

from untrained.images.exif import (
    EXIF_MARK,
    exif_of,
    pack_exif,
    parse_exif,
    resolution_of,
    sane_resolution,
)
from untrained.images.picture import (
    Metadata,
    Picture,
    check_size,
    error_at,
    per_millimetre,
    to_picture,
)


def read_with_vips(path: Path, kind: str, max_pixels: int) -> Picture:
    """Return the picture in a PNG, JPEG, WebP or GIF file; of a moving GIF or PNG the first."""
    import pyvips

    data = path.read_bytes()
    with _no_warnings():
        # From memory: libvips takes brackets in a file name for options. And with the loader
        # named: of some JPEGs (Ultra HDR) it has ideas of its own.
        load = getattr(pyvips.Image, f"{kind}load_buffer")
        image = load(data, access="sequential", fail_on="error")
        check_size(path, image.height, image.width, 1, max_pixels, channels=image.bands, itemsize=2)
        names = ("n-pages", "resolution-unit", *_BLOBS)
        said = {name: image.get(name) for name in names if image.get_typeof(name)}
        frames = said.get("n-pages", 1)
        if frames > 1 and kind == "webp":
            raise error_at(path, "is an animation; save the picture you mean as PNG")
        if image.interpretation == "cmyk":
            raise error_at(path, "is a CMYK picture; convert it to RGB first")
        array = np.frombuffer(
            image.write_to_memory(), {"uchar": np.uint8, "ushort": np.uint16}[image.format]
        )
    exif = said.get("exif-data", b"").removeprefix(EXIF_MARK) or None
    resolution, unit = resolution_of(parse_exif(exif))
    if kind == "jpeg" and "resolution-unit" in said:
        resolution, unit = (image.xres, image.yres), "mm"
    chunks: list[bytes] = []
    for name, chunk in _chunks(data) if kind == "png" else ():
        if name == b"acTL":  # libvips shows of a moving PNG what shows that cannot play it
            frames = int.from_bytes(chunk[8:12], "big")
        if name in _KEPT_CHUNKS and not chunk.startswith(_XMP, 8):
            chunks.append(chunk)
        elif name == b"pHYs" and chunk[16] == 1:
            x, y = struct.unpack_from(">II", chunk, 8)
            resolution, unit = sane_resolution(x / 1000, y / 1000), "mm"
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
    picture = to_picture(array, None if gray else 2, metadata, has_alpha=image.hasalpha())
    notes = (f"the first of {frames} frames was taken",) if frames > 1 else ()
    return replace(picture, notes=notes)


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Keep standard error clean of what pyvips cannot decode in a warning about a broken file."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        yield
    finally:
        sys.unraisablehook = hook


def encode_with_vips(picture: Picture, kind: str, *, jpeg_quality: int | None = None) -> bytes:
    """Return the bytes of a PNG, JPEG or WebP file; see `write_picture`."""
    import pyvips

    metadata, array = picture.metadata, np.ascontiguousarray(picture.to_array())
    height, width, bands = array.shape if array.ndim == 3 else (*array.shape, 1)
    deep, gray = array.dtype == np.uint16, picture.pixels.shape[-1] == 1
    image = pyvips.Image.new_from_memory(
        array.data, width, height, bands, "ushort" if deep else "uchar"
    ).copy(interpretation=("grey16" if deep else "b-w") if gray else ("rgb16" if deep else "srgb"))
    exif = pack_exif(exif_of(picture))
    blobs = (metadata.icc, metadata.xmp, exif and EXIF_MARK + exif, metadata.iptc)
    for name, blob in zip(_BLOBS, blobs, strict=True):
        if blob is not None:
            image.set_type(pyvips.GValue.blob_type, name, blob)
    # Told to keep EXIF where there is none, libvips makes some up.
    keep = "icc:iptc" + (":exif" if exif else "") + ("" if kind == "png" else ":xmp")
    data: bytes
    if kind == "png":
        data = _with_chunks(image.pngsave_buffer(keep=keep), metadata)
    elif kind == "jpeg":
        quality, colours = (95, "off") if jpeg_quality is None else (jpeg_quality, "on")
        data = image.jpegsave_buffer(keep=keep, Q=quality, subsample_mode=colours)
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
    resolution = per_millimetre(metadata)
    if resolution is not None:
        x, y = (round(1000 * value) for value in resolution)
        new.append(chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if metadata.xmp is not None:
        new.append(chunk(b"iTXt", _XMP + bytes(4) + metadata.xmp))
    return b"".join([png[:8], header, *new, *rest])
