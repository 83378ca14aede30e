"""Which process writes: a name that no other process has had, and whether that one still lives."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path

__all__ = ["is_gone", "this_writer"]

_NAME = re.compile(r"(\d+)-(\d+)-(\w+)")


def this_writer() -> str:
    """Return PID-START-MACHINE of this process, START being when it began.

    A process number is given away again; together with the start it is one process. MACHINE is of
    the machine since it was last switched on.
    """
    pid = os.getpid()
    return f"{pid}-{_start_of(pid)}-{_machine()}"


def is_gone(writer: str) -> bool:
    """Whether a process of that name can write no more: it has ended, or was never one of ours.

    Of another machine (or of this one before it was switched off) that cannot be known: False.
    """
    match = _NAME.fullmatch(writer)
    if match is None:
        return False
    pid, start, machine = int(match[1]), int(match[2]), match[3]
    return machine == _machine() and (pid == 0 or _start_of(pid) != start)


def _start_of(pid: int) -> int:
    """Return when a process began, in units of the system; -1 = there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        return int(stat.rpartition(b")")[2].split()[19])  # its name may hold anything, even ")"
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return -1
    except (OSError, ValueError, IndexError):
        pass
    import psutil

    try:
        return int(1000 * psutil.Process(pid).create_time())
    except (psutil.Error, OSError, OverflowError):
        return -1


@functools.cache
def _machine() -> str:
    """Return what tells machines (and containers, which count processes anew) apart."""
    import hashlib
    import platform

    parts = [platform.node()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            parts.append(str(Path(path).readlink()) if "ns" in path else Path(path).read_text())
        except OSError:
            parts.append("")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
