"""How large a picture is, from its header."""

from __future__ import annotations

from pathlib import Path

from untrained.batches.addresses import is_remote, local
from untrained.batches.entries import Entry

__all__ = ["sides_of", "size_of_entry"]


def sides_of(path: Path) -> tuple[int, int, int] | None:
    """Return height, width and channels of a picture file; None = its header cannot tell."""
    import pyvips

    try:
        image = pyvips.Image.new_from_file(str(path).replace("[", "\\["), access="sequential")
        return int(image.height), int(image.width), int(image.bands)
    except (pyvips.Error, OSError, ValueError):
        return None


def size_of_entry(entry: Entry) -> tuple[int, ...]:
    """Return what entries are put in order by: the sides, or of other files the bytes."""
    if is_remote(entry.source):
        return ()
    path = local(entry.source)
    try:
        return sides_of(path) or (0, path.stat().st_size)
    except OSError:
        return ()
