"""Netpbm: PBM, PGM and PPM, plain and raw.

Written here, since the libraries at hand reduce colours of 16 bits to 8.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.images.picture import Metadata, Picture, check_size, to_picture

_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_BITMAP = re.compile(rb"P([14])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})\s")
_SHADES = re.compile(
    rb"P([2356])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,5})\s"
)


def read_netpbm(path: Path, max_pixels: int) -> Picture:
    """Return the first picture of a Netpbm file, with white at 255, or at 65535 if it is deeper.

    Raises:
        InputError: a size that is not allowed.
        ValueError: it is damaged or cut short.
    """
    data = path.read_bytes()
    header = _SHADES.match(data) or _BITMAP.match(data)
    if header is None:
        raise ValueError("no header")
    kind, width, height, *rest = (int(number) for number in header.groups())
    white = rest[0] if rest else 1
    check_size(path, height, width, 1, max_pixels, channels=3, itemsize=2)
    if not 0 < white < 65536:
        raise ValueError("no white")
    shape = (height, width, 3) if kind in (3, 6) else (height, width)
    body, count = memoryview(data)[header.end() :], math.prod(shape)
    stored = np.dtype(np.uint8 if white < 256 else ">u2")
    if kind == 1:
        values = np.frombuffer(re.sub(rb"[^01]", b"", _text(body)), np.uint8, count) - ord("0")
    elif kind in (2, 3):
        values = np.fromstring(_text(body), np.int64, count, sep=" ")
    elif kind == 4:
        count = height * -(-width // 8)
        packed = np.frombuffer(body, np.uint8, count).reshape(height, -1)
        values = np.unpackbits(packed, axis=1)[:, :width]
    else:
        values = np.frombuffer(body, stored, count)
    if values.size < math.prod(shape) or values.min() < 0 or values.max() > white:
        raise ValueError("values missing or out of range")
    if kind in (1, 4):
        values = 1 - values  # 1 is black
    several = kind in (4, 5, 6) and bytes(body[count * stored.itemsize :][:1]) == b"P"
    return replace(
        to_picture(_stretched(values.reshape(shape), white), 2 if kind in (3, 6) else None,
                   Metadata()),
        notes=("the first of several pictures was taken",) if several else (),
    )  # fmt: skip


def _text(body: memoryview) -> bytes:
    """Return a picture that is written in digits, without what is said in between."""
    return re.sub(rb"#[^\r\n]*", b"", bytes(body))


def _stretched(values: NDArray[Any], white: int) -> NDArray[Any]:
    """Return values up to `white` as uint8, or uint16, whose white is that of the type."""
    full = 255 if white < 256 else 65535
    if white != full:
        values = (values.astype(np.uint64) * full + white // 2) // white
    return values.astype(np.uint8 if full == 255 else np.uint16)
