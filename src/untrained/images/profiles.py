"""Colour profiles (ICC): which one a picture for the screen has to say."""

from __future__ import annotations

import struct

__all__ = ["screen_profile"]

_SPACES = {1: b"GRAY", 3: b"RGB "}


def screen_profile(icc: bytes | None, channels: int) -> bytes | None:
    """Return the profile without which `channels` colours would be shown as others.

    None where there is none, where it is damaged or of another colour space than these channels,
    and for sRGB, for which a screen takes numbers that say nothing.

    Args:
        icc: a profile as ICC.1:2010 has it: at byte 16 the colour space of the data, at 36 the
            mark of the format, from 128 the table of its tags.
        channels: 1 or 3, without alpha; of other numbers there is none.
    """
    if icc is None or icc[36:40] != b"acsp" or icc[16:20] != _SPACES.get(channels):
        return None
    name = _description(icc)
    return None if name is None or b"sRGB" in name.replace(b"\0", b"") else icc


def _description(icc: bytes) -> bytes | None:
    """Return the tag with the profile's name, text of 8 or 16 bits; None = it has none."""
    try:
        (count,) = struct.unpack_from(">I", icc, 128)
        for at in range(132, 132 + 12 * min(count, 200), 12):
            tag, start, size = struct.unpack_from(">4sII", icc, at)
            if tag == b"desc":
                return icc[start : start + size]
    except struct.error:  # cut off
        pass
    return None
