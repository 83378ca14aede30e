"""Files that are read: regular ones, never a pipe that waits or a device without an end."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import IO

from untrained.errors import InputError

__all__ = ["hash_of", "open_regular", "read_regular"]

_PART = 2**20  # bytes read at a time


def open_regular(path: Path, *, wanted: str = "a file") -> IO[bytes]:
    """Open a file for reading, without waiting for one that is none.

    Raises:
        InputError: missing, a folder, a pipe, a socket or a device; not to be read.
    """
    try:
        _check_mode(path, path.stat().st_mode, wanted)
        file = path.open("rb")
        try:
            _check_mode(path, os.fstat(file.fileno()).st_mode, wanted)
        except InputError:
            file.close()
            raise
        return file
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except ValueError as error:  # a null byte in the name; an InputError is one, too
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)!r}: is no file name ({error}); check the name") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); check its permissions"
        ) from None


def read_regular(path: Path, *, most: int, wanted: str = "a file") -> bytes:
    """Return the bytes of a file, as many as it has by its size.

    Raises:
        InputError: as `open_regular`; also more than `most` bytes.
    """
    with open_regular(path, wanted=wanted) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise InputError(
                f"{path}: has {size:,} bytes; wanted {wanted} of at most {most:,} bytes"
            )
        try:
            return file.read(size)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def hash_of(path: Path) -> str:
    """Return the sha256 of a file, of as many bytes as it has by its size.

    Raises:
        InputError: as `open_regular`; a disk that cannot be read.
    """
    digest = hashlib.sha256()
    with open_regular(path) as file:
        left = os.fstat(file.fileno()).st_size
        try:
            while left > 0 and (part := file.read(min(_PART, left))):
                digest.update(part)
                left -= len(part)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def _check_mode(path: Path, mode: int, wanted: str) -> None:
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder; wanted {wanted}")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: is a pipe or device; save it as a file first")
