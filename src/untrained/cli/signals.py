"""The signals that ask a program to end: each is heard as Ctrl-C is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["heard_as_interrupts"]

_NAMES = ("SIGTERM", "SIGHUP")  # of kill, of a batch system, of a terminal that is closed


@contextmanager
def heard_as_interrupts() -> Iterator[Callable[[], int]]:
    """Raise KeyboardInterrupt inside where SIGTERM or SIGHUP comes, so that fits keep their best.

    A signal that is ignored (as by nohup) stays so. Yields what tells the exit code of a program
    that was interrupted: 128 + the number of the signal, 130 of Ctrl-C.
    """
    last = int(signal.SIGINT)

    def hear(number: int, frame: FrameType | None) -> None:
        nonlocal last
        last = number
        raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in _NAMES:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, hear)
    try:
        yield lambda: 128 + last
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
