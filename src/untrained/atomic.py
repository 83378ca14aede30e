"""Files that are never half-written, and the folders that they go into."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from untrained.errors import InputError

__all__ = ["check_place", "link_or_copy", "make_folder", "refuse_input", "write_atomically"]


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
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            with temporary.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}); nothing was left there") from None


def link_or_copy(source: Path, target: Path) -> None:
    """Make a second name for a file, or a copy where the file system has no hard links.

    Raises:
        InputError: as `write_atomically`.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.link")
    try:
        temporary.unlink(missing_ok=True)
        os.link(source, temporary)
        temporary.replace(target)
    except OSError:  # another disk, or one without hard links
        temporary.unlink(missing_ok=True)
        with source.open("rb") as original:
            write_atomically(target, lambda file: shutil.copyfileobj(original, file))
