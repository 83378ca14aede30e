"""The one kind of error that is the caller's to mend."""

from __future__ import annotations

__all__ = ["InputError"]


class InputError(ValueError):
    """Bad input: one line that says what was got, what was wanted and what to do.

    The command line prints the line and exits with code 2. Everything else that
    escapes is our own failure (code 1).
    """
