"""Many results as one ZIP, written while it is sent: none of it waits in memory or on the disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["unlike", "zipped"]

_CHUNK = 1 << 20


class _Pipe:
    """A file that is only written to, and emptied by who reads it."""

    def __init__(self) -> None:
        self.held = bytearray()
        self.written = 0

    def write(self, data: bytes, /) -> int:
        """Take bytes."""
        self.held += data
        self.written += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how much was written."""
        return self.written

    def flush(self) -> None:
        """Do nothing: what is written can be taken at once."""

    def close(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        data = bytes(self.held)
        self.held.clear()
        return data


def zipped(files: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """Yield a ZIP of files under these names; pictures are compressed already, so it stores them.

    A file that is gone by its turn is left out.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            try:
                source = path.open("rb")
            except FileNotFoundError:
                continue
            head = zipfile.ZipInfo.from_file(path, name)
            with source, archive.open(head, "w", force_zip64=True) as entry:
                while data := source.read(_CHUNK):
                    entry.write(data)
                    yield pipe.take()
            yield pipe.take()
    yield pipe.take()


def unlike(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, the same if it can be, and take it."""
    stem, suffix = Path(name).stem, Path(name).suffix
    found, number = name, 2
    while found.lower() in taken:
        found, number = f"{stem}-{number}{suffix}", number + 1
    taken.add(found.lower())
    return found
