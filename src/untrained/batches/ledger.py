"""The ledger of a batch: what came of every entry, one JSON object a line, never rewritten.

    ledger/WRITER.jsonl     one shard a driver, which alone appends to it

A driver that dies leaves at most half a line, which nobody reads. What all shards say together is
kept in an index on the disk, so that the memory does not grow with the entries. With outputs on
object storage, where nothing can be appended, a shard is written in parts, the latest anew.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from untrained.atomic import make_folder
from untrained.batches.addresses import is_remote, join, local, names_in, read_bytes, write_bytes
from untrained.batches.entries import STATE
from untrained.errors import InputError
from untrained.writers import this_writer

__all__ = ["Ledger", "state_of"]

_numbers = itertools.count()  # of the ledgers of this process
_PART = 200  # lines of a part of a shard on object storage


def state_of(output: str) -> Path:
    """Return the folder of this machine in which the batch of an output keeps its ledger."""
    if not is_remote(output):
        return local(output) / STATE
    name = "".join(c if c.isalnum() else "-" for c in output)[-60:]
    return Path(f"{STATE}{name if name.startswith('-') else '-' + name}")


class Ledger:
    """What came of the entries, by key; of several lines of one key the latest counts."""

    def __init__(self, state: Path, output: str = "") -> None:
        """`output` is the batch's, whose storage keeps the ledger, too, if it is an address."""
        self.folder = state / "ledger"
        self.remote = join(output, f"{STATE}/ledger") if is_remote(output) else ""
        self.writer = f"{this_writer()}-{next(_numbers)}"
        self.offsets: dict[str, int] = {}
        self._file: IO[bytes] | None = None
        self._part: list[bytes] = []
        self._parts = 0
        self._place = tempfile.TemporaryDirectory(prefix="untrained-")
        self._index = sqlite3.connect(Path(self._place.name) / "index", isolation_level=None)
        for line in (
            "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF",
            "CREATE TABLE lines (key TEXT PRIMARY KEY, at REAL, status TEXT, line TEXT) "
            "WITHOUT ROWID",
            "CREATE TABLE targets (target TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID",
        ):  # fmt: skip
            self._index.execute(line)

    def __enter__(self) -> Ledger:
        self.refresh(all_=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._file is not None:
            self._file.close()
        self._index.close()
        self._place.cleanup()

    def write(self, key: str, line: Mapping[str, Any]) -> None:
        """Append what came of an entry; it is on the disk when this returns.

        Raises:
            InputError: the ledger cannot be written.
            FailedError: of one on object storage.
        """
        said = {"key": key, "at": round(time.time(), 3), **line}
        data = json.dumps(said, ensure_ascii=True, default=str).encode() + b"\n"
        try:
            if self._file is None:
                make_folder(self.folder)
                self._file = (self.folder / f"{self.writer}.jsonl").open("ab")
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise InputError(
                f"{self.folder}: the ledger cannot be written ({error.strerror}); "
                "free some space, and run this again"
            ) from None
        self._take(data)
        if self.remote:
            self._part.append(data)
            name = f"{self.writer}-{self._parts:06d}.jsonl"
            write_bytes(f"{self.remote}/{name}", b"".join(self._part))
            if len(self._part) == _PART:
                self._part, self._parts = [], self._parts + 1

    def refresh(self, *, all_: bool = False) -> None:
        """Read what other drivers have written since; `all_` = on the storage, too."""
        with contextlib.suppress(FileNotFoundError):
            for shard in os.scandir(self.folder):
                if shard.name.endswith(".jsonl") and shard.name != f"{self.writer}.jsonl":
                    self._read(Path(shard.path))
        for name in names_in(self.remote + "/") if self.remote and all_ else ():
            for line in read_bytes(name).splitlines():
                self._take(line)

    def latest(self, key: str) -> dict[str, Any] | None:
        """Return the latest line of an entry; None = there is none."""
        row = self._index.execute("SELECT line FROM lines WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the latest line of every entry."""
        for row in self._index.execute("SELECT line FROM lines"):
            yield json.loads(row[0])

    def claims_target(self, target: str, key: str) -> str:
        """Note that an entry's output goes there; return who said so before, "" = nobody."""
        said = "INSERT OR IGNORE INTO targets VALUES (?, ?)"
        if self._index.execute(said, (target, key)).rowcount:
            return ""
        row = self._index.execute("SELECT key FROM targets WHERE target = ?", (target,)).fetchone()
        return str(row[0])

    def _read(self, path: Path) -> None:
        """Read the whole lines of a shard that are new."""
        offset = self.offsets.get(path.name, 0)
        try:
            if path.stat().st_size <= offset:
                return
            with path.open("rb") as file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # still being written, or never to be ended
                    offset += len(line)
                    self._take(line)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        self.offsets[path.name] = offset

    def _take(self, line: bytes) -> None:
        try:
            said = json.loads(line)
            row = (str(said["key"]), float(said["at"]), str(said["status"]), line.decode())
        except (ValueError, LookupError, TypeError, RecursionError):
            return  # damaged: the entry is looked at again
        self._index.execute(
            "INSERT INTO lines VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET at=excluded.at, "
            "status=excluded.status, line=excluded.line WHERE excluded.at >= at",
            row,
        )
