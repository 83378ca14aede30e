"""A picture from standard input, or to standard output: `-`."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from untrained.errors import InputError

__all__ = ["PIPE", "run_piped"]

PIPE = Path("-")
"""What the user types for standard input, and for standard output."""

_BYTES_A_PIXEL = 64
"""That a file may have; what is larger is not of a picture that is allowed."""


def run_piped(
    files: Sequence[Path], output: Path | None, suffix: str | None,
    run: Callable[[Path, Path], int], *, max_pixels: int,
) -> int:  # fmt: skip
    """Restore one picture at an end of a pipe; return the exit code.

    Files in a folder that is gone afterwards stand for the pipe. While the picture goes to standard
    output, all that is printed goes to standard error.

    Args:
        files, output: what the user typed; one of them at least is `PIPE`.
        suffix: of the format that is written to standard output; None = that of the input.
        run: restores one file into another.
        max_pixels: that a picture may have.

    Raises:
        InputError: a terminal at one end, not one picture, no output, nothing that can be read.
    """
    if len(files) != 1 or files[0].is_dir():
        raise InputError("- stands for one picture; give one input and one output")
    if output is None:
        raise InputError("a picture from standard input has no name; give -o FILE, or -o -")
    if output != PIPE and (output.is_dir() or not output.suffix):
        raise InputError(f"{output}: is no file name; wanted one, or - for standard output")
    if files[0] == PIPE and sys.stdin.isatty():
        raise InputError("standard input is a terminal; pipe a picture into it, or give a file")
    if output == PIPE and sys.stdout.isatty():
        raise InputError("standard output is a terminal; pipe it on, or give -o FILE")
    from untrained.images import output_suffix

    with tempfile.TemporaryDirectory(prefix="untrained-") as folder:
        place, out = Path(folder), sys.stdout
        names = _Names(place, sys.stderr if output == PIPE else out)
        source, target = files[0], output
        if source == PIPE:
            source = _received(sys.stdin.buffer, place, _BYTES_A_PIXEL * max_pixels)
        if target == PIPE:
            target = place / f"standard-output{suffix or output_suffix(source)}"
        try:
            with contextlib.redirect_stdout(names):
                code = run(source, target)
        except InputError as error:
            raise type(error)(names.named(str(error))) from error
        if output == PIPE and target.exists():
            _send(target, out.buffer)
        return code


class _Names(io.TextIOBase):
    """A stream that says "standard input" for the file that stands for it."""

    def __init__(self, place: Path, stream: IO[str]) -> None:
        self.pattern = re.compile(re.escape(str(place)) + r"/standard-(input|output)(\.\w+)?")
        self.stream = stream

    def named(self, text: str) -> str:
        """Return a text as the user is to read it."""
        return self.pattern.sub(r"standard \1", text)

    def write(self, text: str) -> int:
        """Write a text as the user is to read it."""
        self.stream.write(self.named(text))
        return len(text)

    def flush(self) -> None:
        """Let it be seen."""
        self.stream.flush()


def _received(stream: IO[bytes], place: Path, most: int) -> Path:
    """Return the file that a stream was written to, with the suffix that its content asks for.

    Of what is no picture only the beginning is taken: to read the file says what it is.
    """
    from untrained.images import picture_kind, usual_suffix

    path, size, kind = place / "standard-input", 0, None
    try:
        with path.open("wb") as file:
            while block := stream.read(1 << 20):
                file.write(block)
                file.flush()
                kind, size = kind or picture_kind(path), size + len(block)
                if kind is None:
                    break
                if size > most:
                    raise InputError(
                        f"standard input: more than {most:,} bytes; wanted a smaller picture, or a "
                        "larger --max-pixels"
                    )
    except OSError as error:
        raise InputError(f"standard input: cannot be kept ({error.strerror})") from None
    return path if kind is None else path.rename(path.with_suffix(usual_suffix(kind)))


def _send(target: Path, stream: IO[bytes]) -> None:
    """Write a file to a stream. Raises InputError: whoever reads it has gone."""
    try:
        stream.write(target.read_bytes())
        stream.flush()
    except OSError as error:
        # What is left in the buffer would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise InputError(f"standard output: cannot be written ({error.strerror})") from None
