"""The queue on disk: which pictures and jobs there are, and how far each job is.

Server and workers share it. Every change is one statement, so a process that is killed leaves it
whole. What a job is (`request`) never changes; how far it is (`state`) is patched by its worker.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from untrained.jobs.runs import now

__all__ = ["Entry", "Queue"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pictures (
    id TEXT PRIMARY KEY, facts TEXT NOT NULL, created TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT UNIQUE NOT NULL,
    request TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'queued',
    wanted TEXT NOT NULL DEFAULT '',
    worker INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT '{}',
    revision INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS clock (value INTEGER NOT NULL);
INSERT INTO clock SELECT 0 WHERE NOT EXISTS (SELECT * FROM clock);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON jobs BEGIN
    UPDATE clock SET value = value + 1;
    UPDATE jobs SET revision = (SELECT value FROM clock) WHERE number = NEW.number;
END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE OF status, wanted, crashes, state ON jobs BEGIN
    UPDATE clock SET value = value + 1;
    UPDATE jobs SET revision = (SELECT value FROM clock) WHERE number = NEW.number;
END;
CREATE INDEX IF NOT EXISTS jobs_by_revision ON jobs (revision);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status);
"""
_COLUMNS = "number, id, request, status, wanted, crashes, state, revision"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A job in the queue.

    Attributes:
        number: its place; the lowest queued one is next.
        id: its name.
        request: what is to be done; see `models.JobRequest`.
        status: queued, running, finished, stopped or failed.
        wanted: what its worker is asked to do: "" = go on, "stop" or "delete".
        crashes: how often the process that ran it died.
        state: how far it is, see `models.Job`.
        revision: grows with every change of any job.
    """

    number: int
    id: str
    request: dict[str, Any]
    status: str
    wanted: str
    crashes: int
    state: dict[str, Any]
    revision: int


class Queue:
    """The database of a workspace; may be used by several threads."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        self.database = sqlite3.connect(
            path, timeout=30, isolation_level=None, check_same_thread=False
        )
        self.database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _SCHEMA
        )

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def add_picture(self, id_: str, facts: dict[str, Any]) -> None:
        """Enter a picture."""
        self._do("INSERT INTO pictures VALUES (?, ?, ?)", id_, json.dumps(facts), now())

    def picture(self, id_: str) -> dict[str, Any] | None:
        """Return what is known of a picture."""
        rows = self._do("SELECT facts FROM pictures WHERE id = ?", id_)
        return json.loads(rows[0][0]) if rows else None

    def pictures(self) -> dict[str, dict[str, Any]]:
        """Return what is known of all pictures by id, newest first."""
        rows = self._do("SELECT id, facts FROM pictures ORDER BY rowid DESC")
        return {id_: json.loads(facts) for id_, facts in rows}

    def unused_pictures(self, *, before: str) -> list[str]:
        """Return the pictures of no job that were entered before a time."""
        rows = self._do("SELECT id FROM pictures WHERE created < ?", before)
        return [id_ for (id_,) in rows if not self.uses_of(id_)]

    def delete_picture(self, id_: str) -> bool:
        """Forget a picture that no job uses; whether there was such a one."""
        return bool(
            self._do(
                "DELETE FROM pictures WHERE id = ? AND NOT EXISTS "
                "(SELECT 1 FROM jobs WHERE instr(request, ?) > 0) RETURNING 1", id_, f'"{id_}"',
            )
        )  # fmt: skip

    def add_job(
        self, id_: str, request: dict[str, Any], state: dict[str, Any], *,
        pictures: Collection[str] = (),
    ) -> bool:  # fmt: skip
        """Enter a job at the end of the queue, if these pictures are there; whether they are."""
        wanted = json.dumps(sorted(set(pictures)))
        return bool(
            self._do(
                "INSERT INTO jobs (id, request, state) SELECT ?1, ?2, ?3 WHERE "
                "(SELECT count(*) FROM pictures WHERE id IN (SELECT value FROM json_each(?4))) "
                "= json_array_length(?4) RETURNING 1",
                id_, json.dumps(request), json.dumps({"created": now(), **state}), wanted,
            )
        )  # fmt: skip

    def job(self, id_: str) -> Entry | None:
        """Return a job that is not about to be deleted."""
        found = self._jobs("WHERE id = ? AND wanted <> 'delete'", id_)
        return found[0] if found else None

    def jobs(self) -> list[Entry]:
        """Return all jobs that are not about to be deleted, newest first."""
        return self._jobs("WHERE wanted <> 'delete' ORDER BY number DESC")

    def changed_since(self, revision: int) -> list[Entry]:
        """Return the jobs that changed after a revision, and all queued ones if any did."""
        return self._jobs(
            "WHERE revision > ?1 OR (status = 'queued' AND "
            "(SELECT value FROM clock) > ?1) ORDER BY revision", revision,
        )  # fmt: skip

    def revision(self) -> int:
        """Return the revision of the last change."""
        return int(self._do("SELECT value FROM clock")[0][0])

    def positions(self) -> dict[str, int]:
        """Return the place of every queued job, from 1."""
        rows = self._do("SELECT id FROM jobs WHERE status = 'queued' ORDER BY number")
        return {id_: i + 1 for i, (id_,) in enumerate(rows)}

    def claim(self, worker: int) -> Entry | None:
        """Take the next job for a worker and call it running; None if there is none."""
        found = self._entries(
            "UPDATE jobs SET status = 'running', worker = ? WHERE number = "
            "(SELECT min(number) FROM jobs WHERE status = 'queued') AND status = 'queued' "
            f"RETURNING {_COLUMNS}", worker,
        )  # fmt: skip
        return found[0] if found else None

    def is_busy(self) -> bool:
        """Return whether a job is running."""
        return bool(self._do("SELECT 1 FROM jobs WHERE status = 'running' LIMIT 1"))

    def claimed_by(self, worker: int) -> list[str]:
        """Return the jobs that a worker runs, or ran when it died."""
        rows = self._do("SELECT id FROM jobs WHERE status = 'running' AND worker = ?", worker)
        return [id_ for (id_,) in rows]

    def update(self, id_: str, **state: Any) -> None:
        """Change how far a job is."""
        self._do(
            "UPDATE jobs SET state = json_patch(state, ?) WHERE id = ?", json.dumps(state), id_,
        )  # fmt: skip

    def wanted(self, id_: str) -> str:
        """Return what the worker of a job is asked to do; "delete" if the job is gone."""
        rows = self._do("SELECT wanted FROM jobs WHERE id = ?", id_)
        return str(rows[0][0]) if rows else "delete"

    def ask(self, id_: str, wanted: str) -> bool:
        """Ask the worker of a running job for something; whether it was running."""
        return bool(
            self._do(
                "UPDATE jobs SET wanted = ? "
                "WHERE id = ? AND status = 'running' RETURNING 1", wanted, id_,
            )
        )  # fmt: skip

    def move(self, id_: str, old: tuple[str, ...], new: str, **state: Any) -> bool:
        """Change the status of a job that has one of the `old`; whether it had."""
        marks = ", ".join("?" * len(old))
        return bool(
            self._do(
                "UPDATE jobs SET status = ?, wanted = '', state = json_patch(state, ?) "
                f"WHERE id = ? AND status IN ({marks}) AND wanted <> 'delete' "
                "RETURNING 1", new, json.dumps(state), id_, *old,
            )
        )  # fmt: skip

    def to_front(self, id_: str) -> bool:
        """Let a queued job be the next; whether it was queued."""
        return bool(
            self._do(
                "UPDATE jobs SET number = (SELECT min(number) FROM jobs) - 1, state = state "
                "WHERE id = ? AND status = 'queued' AND wanted = '' RETURNING 1", id_,
            )
        )  # fmt: skip

    def crashed(self, id_: str) -> int:
        """Count a death of the process that ran a job; return how many there were."""
        rows = self._do(
            "UPDATE jobs SET crashes = crashes + 1 WHERE id = ? RETURNING crashes",
            id_,
        )
        return int(rows[0][0]) if rows else 0

    def give_up(self, id_: str) -> str | None:
        """Let a job be deleted; return the status that it had, None if it is not there."""
        rows = self._do(
            "UPDATE jobs SET wanted = 'delete' WHERE id = ? AND wanted <> 'delete' "
            "RETURNING status", id_,
        )  # fmt: skip
        return str(rows[0][0]) if rows else None

    def pictures_of(self, id_: str) -> list[str]:
        """Return the pictures that a job uses in any way."""
        rows = self._do("SELECT request FROM jobs WHERE id = ?", id_)
        request = json.loads(rows[0][0]) if rows else {}
        found = [request.get("picture"), *request.get("files", {}).values(), request.get("truth")]
        return [picture for picture in found if picture]

    def delete_job(self, id_: str) -> None:
        """Forget a job."""
        self._do("DELETE FROM jobs WHERE id = ?", id_)

    def given_up(self) -> list[str]:
        """Return the jobs that are about to be deleted."""
        return [id_ for (id_,) in self._do("SELECT id FROM jobs WHERE wanted = 'delete'")]

    def uses_of(self, picture: str) -> int:
        """Return how many jobs use a picture in any way."""
        rows = self._do("SELECT count(*) FROM jobs WHERE instr(request, ?) > 0", f'"{picture}"')
        return int(rows[0][0])

    def requeue(self) -> None:
        """Put running jobs back at their place: their processes ended with the last server."""
        self._do(
            "UPDATE jobs SET status = 'queued', wanted = '' "
            "WHERE status = 'running' AND wanted <> 'delete'"
        )

    def _jobs(self, where: str, *values: Any) -> list[Entry]:
        return self._entries(f"SELECT {_COLUMNS} FROM jobs {where}", *values)

    def _entries(self, statement: str, *values: Any) -> list[Entry]:
        return [
            Entry(
                number=number, id=id_, request=json.loads(request), status=status, wanted=wanted,
                crashes=crashes, state=json.loads(state), revision=revision,
            )
            for number, id_, request, status, wanted, crashes, state, revision in self._do(
                statement, *values
            )
        ]  # fmt: skip

    def _do(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.lock:
            return self.database.execute(statement, values).fetchall()
