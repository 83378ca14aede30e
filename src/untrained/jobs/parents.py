"""A process that serves another: it hears what that says, and ends when that is gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["listen"]

T = TypeVar("T")


def listen(receive: Callable[[], T], heard: Callable[[T], None]) -> None:
    """Hear the parent in a thread of its own, whatever the process is busy with.

    When the parent ends, even by SIGKILL, the system closes its end of the pipe, and this process
    ends at once: what a fit has is in its checkpoint.

    Args:
        receive: waits for what the parent says; raises EOFError or OSError when it is gone.
        heard: is given what it said, in that thread.
    """

    def serve() -> None:
        while True:
            try:
                said = receive()
            except (EOFError, OSError):
                os._exit(0)
            heard(said)

    threading.Thread(target=serve, daemon=True).start()
