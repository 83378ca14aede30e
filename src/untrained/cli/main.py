"""The application, to which `commands` gives its commands, and how errors end it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from untrained import __version__
from untrained.cli.printing import print_error
from untrained.errors import DivergedError, InputError

__all__ = ["app", "main"]

app = App(
    name="untrained",
    help="Restore images with networks that have never been trained.",
    version=__version__,
    help_on_error=False,
    suppress_keyboard_interrupt=False,  # `main` says it
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, 2 for bad input, 1 for our own failure."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # A lone hyphen is a pipe (`piping`), and would be taken for an option without a name.
        words = ["./-" if token == "-" else token for token in tokens]
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        return code if isinstance(code, int) else 0
    except (InputError, CycloptsError) as error:
        if "--debug" in tokens:
            traceback.print_exc()
        print_error(str(error))
        return 1 if isinstance(error, DivergedError) else 2
    except PermissionError as error:  # of a folder that may not even be looked into
        print_error(f"{error.filename}: no permission to look there; use another folder")
        return 2
    except KeyboardInterrupt:
        print_error("interrupted")
        return 130
    except BrokenPipeError:
        return 0
    except Exception as error:
        if "--debug" in tokens:
            traceback.print_exc()
        print_error(
            f"internal error: {type(error).__name__}: {error}; run again with --debug and report it"
        )
        return 1
