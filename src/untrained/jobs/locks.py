"""A run's folder belongs to one process at a time.

The system's own lock on the file `lock` counts, which ends with the process that holds it; what the
file says is for people, and for file systems that several machines share.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from untrained.errors import InputError
from untrained.writers import is_gone, this_writer

__all__ = ["RunLock"]

_ALIVE = 600  # seconds; a holder says at least so often that it is there
_SAY_EVERY = 30


class RunLock:
    """The lock of a run's folder; not held before `take`, given back at the end of the block."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self.handle: int | None = None
        self.said = 0.0

    def __enter__(self) -> RunLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self.handle is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()
            with contextlib.suppress(OSError):
                os.close(self.handle)
            self.handle = None

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return self.handle is not None

    def take(self) -> None:
        """Take the lock, unless it is held already. Where no file can be made, there is none.

        Raises:
            InputError: another process has it.
        """
        while self.handle is None:
            try:
                flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
                handle = os.open(self.path, flags, 0o666)
            except OSError:  # a folder that is only read, say
                return
            if os.fstat(handle).st_nlink > 1:  # never of our making: another file's second name
                os.close(handle)
                self.path.unlink(missing_ok=True)
                continue
            try:
                free = _lock(handle)
                before = _read(handle)
                if free is False or (free is None and not _may_take(before)):
                    raise InputError(self._busy(before))
                if free and _is_elsewhere(before) and self._is_fresh(handle):
                    raise InputError(self._busy(before))
                if not self._is_ours(handle):  # its holder has just removed it
                    os.close(handle)
                    continue
                _write(handle)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.close(handle)
                raise
            self.handle = handle

    def say(self) -> None:
        """Let others know that the holder is still there."""
        if self.handle is not None and time.monotonic() - self.said > _SAY_EVERY:
            self.said = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def _is_ours(self, handle: int) -> bool:
        try:
            named, opened = self.path.stat(), os.fstat(handle)
        except OSError:
            return False
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)

    def _is_fresh(self, handle: int) -> bool:
        return time.time() - os.fstat(handle).st_mtime < _ALIVE

    def _busy(self, holder: dict[str, Any]) -> str:
        pid = str(holder.get("writer", "?")).partition("-")[0]
        who = f"process {pid} on {holder.get('host', '?')}, since {holder.get('since', '?')}"
        here = not _is_elsewhere(holder)
        remedy = (
            "wait for it, or end it, and run this again"
            if here
            else f"wait for it; if it is gone, remove {self.path}, or run this again in 10 minutes"
        )
        return f"{self.path.parent}: another process is at work on this run ({who}); {remedy}"


def _may_take(holder: dict[str, Any]) -> bool:
    """Whether a lock may be taken by what its file says, where the system has no locks."""
    writer = holder.get("writer")
    return not isinstance(writer, str) or writer == this_writer() or is_gone(writer)


def _is_elsewhere(holder: dict[str, Any]) -> bool:
    return "host" in holder and holder["host"] != platform.node()


def _read(handle: int) -> dict[str, Any]:
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        holder = json.loads(os.read(handle, 4096))
    except (OSError, ValueError, RecursionError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _write(handle: int) -> None:
    text = json.dumps(
        {"writer": this_writer(), "host": platform.node(), "since": time.strftime("%F %T")}
    )
    with contextlib.suppress(OSError):  # it is for people; the lock holds without
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, text.encode())


def _lock(handle: int) -> bool | None:
    """Lock an open file: whether that was possible; None = this file system has no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 1 << 20, os.SEEK_SET)  # beyond what the file says
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        busy = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK)
        return False if error.errno in busy else None
    return True
