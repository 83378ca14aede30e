"""The errors that are the caller's to mend."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real

__all__ = ["DivergedError", "InputError", "check_number", "did_you_mean"]


class InputError(ValueError):
    """Bad input: one line that says what was got, what was wanted and what to do.

    The command line prints the line and exits with code 2. Everything else that
    escapes is our own failure (code 1).
    """


class DivergedError(InputError):
    """A fit diverged at once, so that there is no image (exit code 1)."""


def check_number(name: str, value: object) -> None:
    """Refuse what is no single number: an array, a list, a text. Raises InputError, naming it."""
    shape = getattr(value, "shape", None)
    if not (isinstance(value, Real) or shape == ()):
        what = repr(value) if shape is None else f"an array of shape {tuple(shape)}"
        raise InputError(f"{name} is {what}; wanted one number for all of the image")


def did_you_mean(name: str, known: Iterable[str], *, cutoff: float = 0.5) -> str:
    """Return "did you mean 'fast'? " for an error about a wrong name, or "" if none is like it."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    return f"did you mean {close[0]!r}? " if close else ""
