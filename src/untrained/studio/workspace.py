"""The folder of a studio: where pictures and jobs lie, and why nothing else can be reached.

studio.db           the queue
lock.db             held by the server that uses the folder
pictures/ID/        picture.SUFFIX as it was given, looks at it as WebP, pages as PNG for the screen
batches/NAME/       outputs of batches (`untrained batch -o`), only looked at
jobs/ID/            result.SUFFIX, latest.png while the fit is watched, runs/ with the run's folder
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from pathlib import Path

from untrained.errors import InputError

__all__ = ["ID_PATTERN", "Workspace", "default_workspace", "new_id"]

ID_PATTERN = r"^[0-9a-f]{16}$"
"""What names a picture or a job; random, so nothing that a user types is ever part of a path."""


def new_id() -> str:
    """Return a new random name."""
    return secrets.token_hex(8)


def default_workspace() -> Path:
    """Return the workspace of this user, where no other is given."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "untrained" / "studio"


class Workspace:
    """The paths of a workspace."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def database(self) -> Path:
        """The queue."""
        return self.path / "studio.db"

    def create(self) -> None:
        """Make the folders. Raises InputError where that is not possible."""
        try:
            for folder in (self.path / "pictures", self.path / "jobs"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be made a workspace ({error.strerror}); "
                "give another with --workspace"
            ) from None

    def picture(self, id_: str) -> Path:
        """Return the folder of a picture."""
        return self.path / "pictures" / _checked(id_)

    def job(self, id_: str) -> Path:
        """Return the folder of a job."""
        return self.path / "jobs" / _checked(id_)

    def lock(self) -> sqlite3.Connection:
        """Keep other servers out for as long as the connection is open, or this process lives.

        Raises:
            InputError: another server uses the workspace.
        """
        # SQLite's file lock works on every system and ends with the process that holds it.
        lock = sqlite3.connect(self.path / "lock.db", timeout=0, isolation_level=None,
                               check_same_thread=False)  # fmt: skip
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            lock.close()
            raise InputError(
                f"{self.path}: another studio uses this workspace; close it, or give another "
                "with --workspace"
            ) from None
        return lock


def _checked(id_: str) -> str:
    assert re.fullmatch(ID_PATTERN, id_), "an id is checked where it comes in"
    return id_
