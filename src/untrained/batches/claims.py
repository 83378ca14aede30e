"""Who is at work on which entry: two drivers on one batch do nothing twice."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from untrained.atomic import make_folder
from untrained.errors import InputError
from untrained.jobs import RunLock

__all__ = ["Claims"]

_SAY_EVERY = 60  # seconds


class Claims:
    """The entries that this driver is at work on: a locked file each, in a folder of its own.

    The system gives a lock back with the process that holds it; the folder stays then, and tells
    the next driver that the entry was begun.
    """

    def __init__(self, state: Path) -> None:
        self.folder = state / "claims"
        self.held: dict[str, RunLock] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._say, daemon=True).start()

    def take(self, key: str) -> bool | None:
        """Claim an entry: None = another driver has it, else whether it was begun before.

        Raises:
            InputError: no claim can be written.
        """
        place = self.folder / key
        begun = place.exists()
        for _ in range(5):  # another may remove the folder in this instant
            make_folder(place)
            lock = RunLock(place)
            try:
                lock.take()
            except InputError:
                return None
            if lock.held:
                with self._lock:
                    self.held[key] = lock
                return begun
        raise InputError(f"{place}: cannot be locked; give another folder with --state")

    def release(self, key: str) -> None:
        """Give an entry back; what came of it is in the ledger."""
        with self._lock:
            lock = self.held.pop(key, None)
        if lock is not None:
            lock.__exit__(None, None, None)
            with contextlib.suppress(OSError):
                lock.path.parent.rmdir()

    def close(self) -> None:
        """Give all back; those of entries that are not done keep their folders."""
        self._ended.set()
        with self._lock:
            for lock in self.held.values():
                lock.__exit__(None, None, None)
            self.held.clear()

    def _say(self) -> None:
        """Let drivers on other machines know that this one is still there."""
        while not self._ended.wait(_SAY_EVERY):
            with self._lock:
                for lock in self.held.values():
                    lock.say()
