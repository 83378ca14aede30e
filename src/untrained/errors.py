"""The errors that are the caller's to mend."""

from __future__ import annotations

__all__ = ["DivergedError", "InputError"]


class InputError(ValueError):
    """Bad input: one line that says what was got, what was wanted and what to do.

    The command line prints the line and exits with code 2. Everything else that
    escapes is our own failure (code 1).
    """


class DivergedError(InputError):
    """A fit diverged at once, so that there is no image (exit code 1)."""
