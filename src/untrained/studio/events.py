"""Changes of jobs, sent to every open tab.

One task reads the queue a few times a second; a tab that reads slowly gets the newest state of each
job when it is ready, so what is kept for it is never more than the number of jobs.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator

from untrained.studio.models import Job
from untrained.studio.queue import Entry, Queue
from untrained.studio.strength import asked_of

__all__ = ["Events", "job_of"]

_EVERY = 0.25
_log = logging.getLogger(__name__)


def job_of(entry: Entry, position: int | None) -> Job:
    """Return a job as the page sees it."""
    return Job.model_validate(
        {
            **asked_of(entry).model_dump(),
            **entry.state,
            "id": entry.id,
            "revision": entry.revision,
            "status": entry.status,
            "position": position if entry.status == "queued" else None,
            "stopping": entry.wanted == "stop" and entry.status == "running",
        }
    )


class Events:
    """Follow the queue and tell those who listen."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.listeners: set[_Listener] = set()
        self.closed = False
        self.revision = 0
        self.sent: dict[str, str] = {}

    async def follow(self) -> None:
        """Read the queue until the server closes."""
        self.revision = self.queue.revision()
        while not self.closed:
            await asyncio.sleep(_EVERY)
            try:
                self._look()
            except sqlite3.OperationalError as error:  # the disk is full, or busy: later, then
                _log.warning("the queue cannot be read: %s", error)

    def _look(self) -> None:
        newest = self.queue.revision()
        if newest == self.revision:
            return
        changed = self.queue.changed_since(self.revision)
        positions = self.queue.positions()
        self.revision = newest
        for entry in changed:
            if entry.wanted == "delete":
                self.deleted(entry.id)
                continue
            data = job_of(entry, positions.get(entry.id)).model_dump_json()
            if self.sent.get(entry.id) != data:
                self.sent[entry.id] = data
                self._tell(entry.id, data)

    def deleted(self, id_: str) -> None:
        """Tell that a job is gone; on the event loop's thread."""
        self.sent.pop(id_, None)
        self._tell(id_, None)

    def close(self) -> None:
        """End every listener's stream."""
        self.closed = True
        for listener in self.listeners:
            listener.ready.set()

    async def listen(self) -> AsyncIterator[tuple[str, str | None]]:
        """Yield (id, JSON) of every job, then of every change; None = the job is gone."""
        listener = _Listener()
        self.listeners.add(listener)
        try:
            positions = self.queue.positions()
            for entry in self.queue.jobs():
                yield entry.id, job_of(entry, positions.get(entry.id)).model_dump_json()
            while not self.closed:
                await listener.ready.wait()
                listener.ready.clear()
                pending, listener.pending = listener.pending, {}
                for id_, data in pending.items():
                    yield id_, data
        finally:
            self.listeners.discard(listener)

    def _tell(self, id_: str, data: str | None) -> None:
        for listener in self.listeners:
            listener.pending[id_] = data
            listener.ready.set()


class _Listener:
    def __init__(self) -> None:
        self.pending: dict[str, str | None] = {}
        self.ready = asyncio.Event()
