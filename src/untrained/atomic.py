"""Files that are never half-written, that know when they are damaged, and their folders."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from untrained.errors import InputError
from untrained.writers import is_gone, this_writer

__all__ = [
    "DamagedError",
    "check_place",
    "link_or_copy",
    "make_folder",
    "read_sealed",
    "refuse_input",
    "sweep",
    "write_atomically",
    "write_sealed",
]


class DamagedError(InputError):
    """A file is not as it was written."""


def check_place(path: Path) -> None:
    """Make sure, before a long computation, that a file or folder of this name can be made.

    Raises:
        InputError: one of the folders above it is a file, or the last that there is cannot be
            written into.
    """
    try:
        folder = next(p for p in path.absolute().parents if p.exists())
    except OSError as error:
        raise InputError(
            f"{path}: cannot be reached ({error.strerror}); give another output"
        ) from None
    if not folder.is_dir():
        raise InputError(f"{path}: {folder} is a file, not a folder; give another output")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{path}: no permission to write into {folder}; give another output")


def refuse_input(path: Path, source: Path, name: str = "input") -> None:
    """Raise InputError if a file to be written is one that is read, of a name for the message."""
    if path.exists() and source.exists() and path.samefile(source):
        raise InputError(f"{path}: is the {name} itself; give another output with -o")


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        InputError: that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{folder}: cannot make this folder ({reason}); give another output"
        ) from None


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file under a temporary name in its folder, then rename it.

    Raises:
        InputError: the disk is full or the folder cannot be written; no file is left behind.
    """
    with _told(path), _temporary(path) as temporary:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _keep_name(path)


def link_or_copy(source: Path, target: Path, *, replace: bool = True) -> None:
    """Make a second name for a file, or a copy where the file system has no hard links.

    Raises:
        FileExistsError: there is a target, and it is not to be replaced.
        InputError: as `write_atomically`.
    """
    with _told(target), _temporary(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:  # another disk, or one without hard links
            with source.open("rb") as original, temporary.open("xb") as copy:
                shutil.copyfileobj(original, copy)
                copy.flush()
                os.fsync(copy.fileno())
        if not replace:
            try:
                os.link(temporary, target)  # unlike a renaming, this replaces nothing
                return
            except FileExistsError:
                raise
            except OSError:  # no hard links: what appears in this instant is replaced
                if os.path.lexists(target):
                    raise FileExistsError(f"{target} exists") from None
        # of two names of one file, renaming does nothing: the temporary one is removed below
        temporary.replace(target)
        _keep_name(target)


def sweep(folder: Path, name: str = "") -> None:
    """Remove the temporary files of processes that are gone: of one file, or all in a folder."""
    begin = f".{_short(name)}." if name else "."
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            match = _TEMPORARY.fullmatch(entry.name)
            if match and entry.name.startswith(begin) and entry.name not in _writing:
                ours = match[1] == this_writer()  # and not being written: an error left it
                if ours or is_gone(match[1]):
                    with contextlib.suppress(OSError):
                        Path(entry.path).unlink()


_SEAL = re.compile(rb"\nsha256 ([0-9a-f]{64})\n")
_SEAL_SIZE = 73  # bytes


def write_sealed(path: Path, make: Callable[[], bytes | memoryview]) -> None:
    """Write the bytes that `make` returns, and their checksum behind them.

    Raises:
        InputError: as `write_atomically`.
    """

    def write(file: IO[bytes]) -> None:
        data = make()
        file.write(data)
        file.write(b"\nsha256 " + hashlib.sha256(data).hexdigest().encode() + b"\n")

    write_atomically(path, write)


def read_sealed(path: Path) -> memoryview:
    """Return the bytes of a file that `write_sealed` has written.

    Raises:
        FileNotFoundError: there is none.
        DamagedError: it is not as it was written, or cannot be read.
    """
    try:
        data = memoryview(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read ({error.strerror})") from None
    seal = _SEAL.fullmatch(data[-_SEAL_SIZE:])
    if seal is None or hashlib.sha256(data[:-_SEAL_SIZE]).hexdigest().encode() != seal[1]:
        raise DamagedError(f"{path}: is damaged, or of another version")
    return data[:-_SEAL_SIZE]


_TEMPORARY = re.compile(r"\..+\.(\d+-\d+-\w+)\.\d+\.tmp")
_numbers = itertools.count()
_writing: set[str] = set()


def _short(name: str) -> str:
    """Return the beginning of a name that leaves room for what is appended."""
    return os.fsdecode(os.fsencode(name)[:160])


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Give a name in the folder of `path` that no other writer uses, and remove what is there."""
    name = f".{_short(path.name)}.{this_writer()}.{next(_numbers)}.tmp"
    _writing.add(name)
    try:
        yield path.with_name(name)
    finally:
        try:
            path.with_name(name).unlink(missing_ok=True)
        except OSError:
            pass  # the error that matters is the first; `sweep` tries again
        finally:
            _writing.discard(name)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Let errors of the system say which file they are about."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}); nothing was left there") from None


def _keep_name(path: Path) -> None:
    """See to it that a renaming outlives a loss of power, where the system has a way."""
    if os.name == "posix":
        with contextlib.suppress(OSError):
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
