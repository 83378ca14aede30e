"""How much memory this process may still take, and what pictures need of it.

The least of what the machine has free, what the control groups around the process leave (a
container, a batch system, systemd), and its own limits (`ulimit -v`, `-d`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from untrained.errors import NoRoomError

__all__ = ["check_room", "free_memory", "in_gib"]

_PROC = Path("/proc")
_GROUPS = Path("/sys/fs/cgroup")
_NO_LIMIT = 2**60  # what control groups of the first version say where there is none


def free_memory() -> int | None:
    """Return the bytes that this process may still take; None if that cannot be told."""
    found = [*_of_the_machine(), *_of_the_groups(), *_of_the_process()]
    return max(0, min(found)) if found else None


def check_room(place: object, needed: int, what: str = "the picture") -> None:
    """Refuse what does not fit into memory, before it is taken.

    Args:
        place: the file, for the message.
        needed: bytes.
        what: needs them.

    Raises:
        NoRoomError: more than is free; says how much of both.
    """
    free = free_memory()
    if free is not None and needed > free:
        raise NoRoomError(
            f"{place}: {what} needs about {in_gib(needed)} of memory, {in_gib(free)} are free; "
            "use a smaller one, a part of it, or a machine with more memory"
        )


def in_gib(count: int) -> str:
    """Return "1.5 GiB" of a number of bytes."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 / 10 else f"{count / 2**20:.0f} MiB"


def _of_the_machine() -> Iterator[int]:
    for name, value in _numbers(_PROC / "meminfo"):
        if name == "MemAvailable":
            yield value * 1024
            return
    try:
        import psutil
    except ImportError:
        return
    yield int(psutil.virtual_memory().available)


def _of_the_groups() -> Iterator[int]:
    """Yield what each control group around this process leaves, of either version."""
    for line in _text(_PROC / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if controllers == "":
            root, limit, used, idle = _GROUPS, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            root, limit = _GROUPS / "memory", "memory.limit_in_bytes"
            used, idle = "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        path = PurePosixPath(name.strip().lstrip("/"))
        # In a container the group's own folder is the root, whatever its name outside.
        for folder in {root / path, *(root / parent for parent in path.parents), root}:
            most = _number(folder / limit)
            taken = _number(folder / used)
            if most is None or taken is None or most >= _NO_LIMIT:
                continue
            # Pages of files that are given back before anything is refused.
            spare = dict(_numbers(folder / "memory.stat")).get(idle, 0)
            yield most - taken + spare


def _of_the_process() -> Iterator[int]:
    """Yield what the process's own limits leave, where its use of them can be told."""
    try:
        import resource
    except ImportError:  # Windows
        return
    status = dict(_numbers(_PROC / "self" / "status"))
    for limit, used in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield most - 1024 * status.get(used, 0)


def _numbers(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the names and first numbers of the lines of a file of the system."""
    for line in _text(path).splitlines():
        words = line.replace(":", " ").split()
        if len(words) > 1 and words[1].isdecimal():
            yield words[0], int(words[1])


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
