"""Who is at work on which entry: two drivers on one batch do nothing twice.

    claims/lock           held while a driver takes entries, many at once
    claims/DRIVER/lock    held as long as the driver lives
    claims/DRIVER/keys    the entries that it has taken, a line each, written anew at each taking

The files go by the drivers and not by the entries, since a file a picture is what a driver of many
workers waits for (`docs/measurements.md`). The system gives a driver's lock back with its process;
its keys stay then, and tell the next driver that these were begun.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from untrained.atomic import make_folder, write_atomically
from untrained.errors import InputError
from untrained.jobs import RunLock
from untrained.writers import this_writer

__all__ = ["Claims", "claimed_in"]

_SAY_EVERY = 60  # seconds
_PATIENCE = 660  # seconds; a machine that died as it took entries is given up after ten minutes
_WAIT = 0.005

_numbers = itertools.count()  # of the drivers of this process


class Claims:
    """The entries that this driver is at work on, or will be next."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "claims"
        self.own = self.folder / f"{this_writer()}-{next(_numbers)}"
        self.held: set[str] = set()
        self._life = RunLock(self.own)
        self._known: dict[str, tuple[object, frozenset[str]]] = {}  # what others' files said
        self._ended = threading.Event()
        threading.Thread(target=self._say, daemon=True).start()

    def take(self, keys: Sequence[str]) -> dict[str, bool | None]:
        """Claim entries; of each: None = another driver has it, else whether it was begun before.

        Raises:
            InputError: no claim can be written.
        """
        make_folder(self.own)
        with self._alone():
            if not self._life.held:
                self._life.take()
                self._check(self._life)
            answer: dict[str, bool | None] = dict.fromkeys(keys, False)
            dead: dict[Path, frozenset[str]] = {}
            for other, theirs in self._others():
                shared = theirs.intersection(keys)
                if shared and self._lives(other):
                    answer.update(dict.fromkeys(shared, None))
                elif shared:
                    dead[other] = theirs
            for theirs in dead.values():
                answer.update({key: True for key in theirs if answer.get(key) is False})
            self.held |= {key for key, begun in answer.items() if begun is not None}
            self._write(self.own, self.held)
            for other, theirs in dead.items():
                self._write(other, theirs - self.held)
        return answer

    def release(self, key: str) -> None:
        """Give an entry back; what came of it is in the ledger, which others read first."""
        self.held.discard(key)

    def close(self) -> None:
        """Give all back; those of entries that are not done stay in the file."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._life.held:
            with contextlib.suppress(InputError), self._alone():
                self._write(self.own, self.held)
            self._life.__exit__(None, None, None)
            with contextlib.suppress(OSError):
                self.own.rmdir()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep all other drivers from taking entries."""
        began = time.monotonic()
        with RunLock(self.folder) as lock:
            while True:
                try:
                    lock.take()
                    break
                except InputError:
                    if time.monotonic() - began > _PATIENCE:
                        raise
                    time.sleep(_WAIT)
            self._check(lock)
            yield

    def _others(self) -> Iterator[tuple[Path, frozenset[str]]]:
        """Yield the folders of all other drivers, alive or not, and what they have taken."""
        for place in self.folder.iterdir():
            if place in (self.own, self.folder / "lock"):
                continue
            try:
                found = (place / "keys").stat()
                stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
                before = self._known.get(place.name)
                if before is None or before[0] != stamp:
                    before = self._known[place.name] = stamp, frozenset(_read(place))
            except OSError:
                self._known.pop(place.name, None)
                continue
            yield place, before[1]

    def _lives(self, other: Path) -> bool:
        """Whether a driver is still there."""
        with RunLock(other) as life:
            try:
                life.take()
            except InputError:
                return True
            self._check(life)
        return False

    def _write(self, place: Path, keys: Collection[str]) -> None:
        """Write down what a driver has taken; nothing = its file goes, and its folder if it can."""
        if keys:
            data = "".join(f"{key}\n" for key in sorted(keys)).encode()
            write_atomically(place / "keys", lambda file: file.write(data))
            return
        (place / "keys").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            place.rmdir()

    def _check(self, lock: RunLock) -> None:
        if not lock.held:
            raise InputError(f"{lock.path}: cannot be locked; give another folder with --state")

    def _say(self) -> None:
        """Let drivers on other machines know that this one is still there."""
        while not self._ended.wait(_SAY_EVERY):
            self._life.say()


def claimed_in(state: Path) -> set[str]:
    """Return the keys that drivers have taken, those that died too."""
    found: set[str] = set()
    for place in (state / "claims").glob("*/keys"):
        with contextlib.suppress(OSError):
            found |= set(_read(place.parent))
    return found


def _read(place: Path) -> list[str]:
    return (place / "keys").read_text(encoding="ascii", errors="replace").splitlines()
