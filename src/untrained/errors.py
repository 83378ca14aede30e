"""The errors that end a command or one picture of it, each told in one line."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from numbers import Real

__all__ = [
    "DivergedError",
    "FailedError",
    "InputError",
    "NoRoomError",
    "check_number",
    "did_you_mean",
    "in_words",
    "lacks_memory",
]


class InputError(ValueError):
    """Bad input: one line that says what was got, what was wanted and what to do.

    The command line prints the line and exits with code 2. Everything else that
    escapes is our own failure (code 1).
    """


class DivergedError(InputError):
    """A fit diverged at once, so that there is no image (exit code 1)."""


class NoRoomError(InputError):
    """More memory is needed than is free at this time; a batch tries such a picture again."""


def check_number(name: str, value: object) -> None:
    """Refuse what is no single number: an array, a list, a text. Raises InputError, naming it."""
    shape = getattr(value, "shape", None)
    if not (isinstance(value, Real) or shape == ()):
        what = repr(value) if shape is None else f"an array of shape {tuple(shape)}"
        raise InputError(f"{name} is {what}; wanted one number for all of the image")


class FailedError(Exception):
    """Our own failure with one picture, in one line: no memory, a broken disk, a killed worker.

    The exit code is 1. Its notes have the traceback of what went wrong, for `--debug`.
    """


# How torch, libvips, zlib and others say it, which have no exception of its own for it.
_NO_MEMORY = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|not enough memory"
    r"|insufficient memory|unable to (m|c|re)?alloc|memory allocation failed|bad allocation",
    re.IGNORECASE,
)


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that there was not enough memory."""
    while error is not None:
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        error = error.__cause__ or error.__context__
    return False


def in_words(error: Exception) -> str:
    """Return one line on a failure that is not the user's input: what it was and what to do."""
    if lacks_memory(error):
        return (
            "ran out of memory; use a smaller picture, a smaller network (--set network.widths=…) "
            "or fewer --workers, or let other programs end"
        )
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}the system said: {error.strerror}; mend that and run the command again"
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"internal error: {text}; run again with --debug and report it"


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.5) -> str:
    """Return "did you mean 'fast'? " for an error about a wrong name, or "" if none is like it."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    return f"did you mean {close[0]!r}? " if close else ""
