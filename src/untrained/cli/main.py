"""The application, to which `commands` gives its commands, and how errors end it."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from untrained import __version__
from untrained.cli.printing import print_error
from untrained.cli.signals import heard_as_interrupts
from untrained.errors import DivergedError, FailedError, InputError, in_words
from untrained.streams import guarded, lost, open_standard_files, reason_of

__all__ = ["app", "main"]

app = App(
    name="untrained",
    help="Restore images with networks that have never been trained.",
    version=__version__,
    help_on_error=False,
    suppress_keyboard_interrupt=False,  # `main` says it
)

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    0, 2 for bad input, 1 for our own failure or output that could not be printed, 128 + N where
    signal N ended it.
    """
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    open_standard_files()
    # Read when torch is loaded. By default its threads spin for milliseconds while they wait, and
    # two fits side by side keep each other from the cores; the sums are the same.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    with guarded(), heard_as_interrupts() as exit_code:
        code = _run(tokens)
        sys.stdout.flush()
        reason = lost(sys.stdout)
        if reason is not None and code == 0:
            # Of `untrained recipes | head` nothing is to be said; of a full disk it is.
            if getattr(reason, "errno", None) != errno.EPIPE:
                print_error(f"standard output could not be written ({reason_of(reason)})")
            code = 1
        return exit_code() if code == _INTERRUPTED else code


def _run(tokens: list[str]) -> int:
    """Run a command, and tell in one line what goes wrong."""
    try:
        # A lone hyphen is a pipe (`piping`), and would be taken for an option without a name.
        words = ["./-" if token == "-" else token for token in tokens]
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        print_error("interrupted")
        return _INTERRUPTED
    except Exception as error:
        if "--debug" in tokens:
            traceback.print_exc()
        if isinstance(error, PermissionError) and error.filename is not None:
            # of a folder that may not even be looked into
            print_error(f"{error.filename}: no permission to look there; use another folder")
            return 2
        told = isinstance(error, (InputError, CycloptsError, FailedError))
        print_error(str(error) if told else in_words(error))
        ours = isinstance(error, DivergedError) or not isinstance(
            error, (InputError, CycloptsError)
        )
        return 1 if ours else 2
