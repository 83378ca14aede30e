"""EXIF and TIFF directories as bytes: EXIF is a TIFF without a picture."""

from __future__ import annotations

import mmap
import struct
from contextlib import suppress
from fractions import Fraction
from typing import Literal

import numpy as np

from untrained.images.picture import (
    Picture,
    Tags,
    Unit,
    per_millimetre,
)

EXIF_MARK = b"Exif\0\0"
UNITS: tuple[Unit, ...] = ("mm", "none", "inch", "cm")
_POINTERS = {34665, 34853, 40965}  # to the directories of EXIF, GPS, interoperability
_SIZE = {282, 283, 296}
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}


def tag_value(tags: Tags, code: int) -> bytes | None:
    """Return the value of a tag if it is there and plain bytes."""
    _, value = tags.get(code, (0, None))
    return value if isinstance(value, bytes) else None


def parse_exif(block: bytes | None) -> Tags:
    """Return the tags of an EXIF block, none if it is broken: the picture may still be good."""
    try:
        order: Literal["<", ">"] = ">" if block and block.startswith(b"MM") else "<"
        (at,) = struct.unpack_from(order + "I", block or b"", 4)
        return read_directory(block or b"", at, order)
    except struct.error:
        return {}


def exif_of(picture: Picture) -> Tags:
    """Return the EXIF tags, with the size and resolution that the picture has now."""
    _, height, width, _ = picture.pixels.shape
    tags = {code: v for code, v in parse_exif(picture.metadata.exif).items() if code not in _SIZE}
    _, camera = tags.get(34665, (0, {}))
    if isinstance(camera, dict):
        sides = {40962: (4, struct.pack("<I", width)), 40963: (4, struct.pack("<I", height))}
        camera |= {code: side for code, side in sides.items() if code in camera}
    resolution = per_millimetre(picture.metadata)
    if resolution is not None:
        for code, value in zip((282, 283), resolution, strict=True):
            exact = Fraction(25.4 * value)
            near = exact.limit_denominator(max(1, min(10000, int(2**32 / exact) - 1)))
            tags[code] = (5, struct.pack("<II", near.numerator, near.denominator))
        tags[296] = (3, struct.pack("<H", UNITS.index("inch")))
    return tags


def resolution_of(tags: Tags) -> tuple[tuple[float, float] | None, Unit]:
    """Return the pixels per unit, horizontal and vertical, if the tags say them; and the unit."""
    raw = [tag_value(tags, code) or b"" for code in (282, 283, 296)]
    if len(raw[0]) != 8 or len(raw[1]) != 8:
        return None, "none"
    (x, of_x), (y, of_y) = (struct.unpack("<II", value) for value in raw[:2])
    number = int.from_bytes(raw[2] or b"\2", "little")
    unit = UNITS[number] if number in (1, 2, 3) else "none"
    says_nothing = not (of_x and of_y) or (x == of_x and y == of_y and unit == "none")
    return None if says_nothing else sane_resolution(x / of_x, y / of_y), unit


def sane_resolution(x: float, y: float) -> tuple[float, float] | None:
    """Return the resolution, None if no file could hold some times as much of it."""
    return (x, y) if min(x, y) > 1e-6 and max(x, y) < 1e7 else None


def pack_exif(tags: Tags) -> bytes | None:
    """Return an EXIF block of these tags; None if there are none."""
    return b"II*\0" + struct.pack("<I", 8) + pack_directory(tags, 8) if tags else None


def read_directory(
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
        size = count * SIZES.get(kind, 0)
        at += struct.calcsize(entry)
        where = at if size <= room else struct.unpack_from(offset, data, at)[0]
        if code in tags:  # tifffile puts its own description behind the user's
            pass
        elif code in _POINTERS:
            (below,) = struct.unpack_from(offset, data, at)
            with suppress(struct.error):
                if depth:  # a directory may point to itself
                    tags[code] = (4, read_directory(data, below, order, big=big, depth=depth - 1))
        elif 0 < size <= len(data) - where:
            value = data[where : where + size]
            width = size // count // (2 if kind in (5, 10) else 1)  # rationals are pairs
            if order == ">" and width > 1:
                value = np.frombuffer(value, f">u{width}").astype(f"<u{width}").tobytes()
            tags[code] = (kind, value)
        at += room
    return tags


def pack_directory(tags: Tags, at: int) -> bytes:
    """Return the directory, to stand at an offset, with its values and directories behind it."""
    entries, values = b"", b""
    first = at + 2 + 12 * len(tags) + 4
    for code, (kind, value) in sorted(tags.items()):
        where = struct.pack("<I", first + len(values))
        if isinstance(value, dict):
            count, below = 1, pack_directory(value, first + len(values))
        else:
            count, below = len(value) // SIZES[kind], value
        if isinstance(value, bytes) and len(value) <= 4:
            where, below = value.ljust(4, b"\0"), b""
        entries += struct.pack("<HHI4s", code, kind, count, where)
        values += below + bytes(len(below) % 2)
    return struct.pack("<H", len(tags)) + entries + bytes(4) + values
