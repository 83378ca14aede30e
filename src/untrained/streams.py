"""Standard output and error that may be closed, full or without a reader."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TextIO, cast

__all__ = ["Guarded", "guarded", "lost", "open_standard_files", "reason_of"]


def _nowhere() -> IO[str]:
    return Path(os.devnull).open("w", encoding="utf-8")


class Guarded:
    """A text stream whose failures end nothing: what it does not take is dropped.

    Attributes:
        stream: where the text goes.
        error: why it no longer does; None while it does.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        """Guard a stream; None is one that was closed before the program began."""
        self.closed_from_the_start = stream is None
        self.stream = _nowhere() if stream is None else stream
        self.error: Exception | None = None

    def write(self, text: str) -> int:
        """Write text if that is still possible."""
        if self.closed_from_the_start and text:
            self.error = self.error or OSError("it is closed")
        if self.error is None:
            try:
                self._write(text)
            except (OSError, ValueError) as error:  # ValueError: of a closed file
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what has been written."""
        if self.error is None:
            try:
                self.stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        try:
            return self.stream.isatty()
        except ValueError:
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
        except UnicodeEncodeError as error:  # a file name that the terminal's encoding lacks
            plain = text.encode(error.encoding, "backslashreplace").decode(error.encoding)
            self.stream.write(plain)

    def _give_up(self, error: Exception) -> None:
        self.error = error
        # What is still buffered would fail again when Python ends, and change the exit code.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            number = self.stream.fileno()
            if number in (1, 2):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, number)
                os.close(null)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Guard `sys.stdout` and `sys.stderr` inside, and flush them at the end."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, Guarded(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def lost(stream: object) -> Exception | None:
    """Return why a guarded stream did not take all that was written; None if it did."""
    return stream.error if isinstance(stream, Guarded) else None


def reason_of(error: Exception | None) -> str:
    """Return in words why a stream was lost."""
    return str(getattr(error, "strerror", None) or error)


def open_standard_files() -> None:
    """Open what is closed of the files 0, 1 and 2: the next file opened would become it.

    What a library prints would go into a picture then.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
