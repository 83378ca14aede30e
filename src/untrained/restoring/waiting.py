"""By how much other programs slow this one down: how long its threads wait for a processor.

Linux counts for every thread the nanoseconds that it ran and those that it was ready to run but
waited (/proc/PID/task/TID/schedstat). Their sum over what ran is the slowdown, whatever the number
of threads, and whatever they spend asleep. Niceness is in it, which the load average does not know.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import torch

__all__ = ["Watch", "slowdown_now"]

_TASKS = Path("/proc/self/task")
_SHORT, _LONG = 0.02, 0.15  # seconds of work: where nothing else runs, and else
_QUIET = 1.05


class Watch:
    """Time work: the seconds that pass, and by how much other programs slow it down."""

    def __init__(self) -> None:
        self.counts = _ran_and_waited()
        self.began = time.perf_counter()

    @property
    def passed(self) -> float:
        """The seconds since the beginning."""
        return time.perf_counter() - self.began

    @property
    def slowdown(self) -> float:
        """The share of the time that a quiet machine needs for the same is 1 / slowdown."""
        now = _ran_and_waited()
        both = self.counts.keys() & now.keys()
        ran, waited = (sum(now[i][k] - self.counts[i][k] for i in both) for k in (0, 1))
        return (ran + waited) / ran if ran > 0 else 1.0

    @property
    def quiet(self) -> float:
        """The seconds that a quiet machine needs for the same."""
        return self.passed / self.slowdown


def slowdown_now() -> float:
    """Return by how much other programs slow a fit down at present: 1 = not at all.

    A piece of work is timed, of 20 ms on a quiet machine and 150 ms on a busy one. So short a look
    is a matter of luck where much runs: of it and the load of the last minute over the processors
    the geometric mean is taken. Where the system does not count, it is the load.
    """
    if not _ran_and_waited():
        return _by_load()
    tried = _of_a_try()
    return tried if tried <= _QUIET else math.sqrt(tried * _by_load())


def _of_a_try() -> float:
    values = torch.ones(256, 256)
    watch = Watch()
    while watch.passed < _SHORT or (watch.passed < _LONG and watch.slowdown > _QUIET):
        values @ values
    return watch.slowdown


def _by_load() -> float:
    try:
        load = os.getloadavg()[0]
    except (OSError, AttributeError):  # Windows has none
        return 1.0
    return max(1.0, (load + 1) / (os.cpu_count() or 1))


def _ran_and_waited() -> dict[str, tuple[int, int]]:
    """Return the nanoseconds that every thread ran and waited; nothing where none are counted."""
    counts = {}
    try:
        for task in _TASKS.iterdir():
            try:
                ran, waited = (task / "schedstat").read_text().split()[:2]
            except (FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
                continue
            counts[task.name] = int(ran), int(waited)
    except (OSError, ValueError):
        return {}
    return counts if any(ran for ran, _ in counts.values()) else {}
