"""The ledger of a batch: what came of every entry, one JSON object a line, never rewritten.

    ledger/WRITER.jsonl     one shard a driver, which alone appends to it

A driver that dies leaves at most half a line, which nobody reads. Where the latest line of each
entry stands is kept in an index on the disk, so that the memory does not grow with the entries.
With outputs on object storage, where nothing can be appended, a shard is written in parts, the
latest anew.

Lines that follow each other quickly are brought to the disk together, and together to the storage:
a request a line, with all of its part, is what a driver of many workers waits for.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
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
from untrained.errors import FailedError, InputError
from untrained.writers import this_writer

__all__ = ["Ledger", "state_of"]

_numbers = itertools.count()  # of the ledgers of this process
_PART = 2000  # lines of a part of a shard on object storage
_OPEN = 16  # shards that are kept open to be read
_SYNC_EVERY = 0.5  # seconds, in which a machine without power may lose what was written
_SEND_EVERY = 5.0  # likewise to the storage; what was not sent is on this machine's disk


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
        self._own = -1
        self._part: list[bytes] = []
        self._parts = 0
        self._dirty = self._unsent = False
        self._synced = self._sent = -math.inf
        self._shards: list[Path] = []
        self._opened: dict[int, IO[bytes]] = {}
        self._place = tempfile.TemporaryDirectory(prefix="untrained-")
        self._index = sqlite3.connect(Path(self._place.name) / "index", isolation_level=None)
        for line in (
            "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF",
            "CREATE TABLE lines (key TEXT PRIMARY KEY, at REAL, done INTEGER, shard INTEGER, "
            "place INTEGER, size INTEGER) WITHOUT ROWID",
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
        try:
            with contextlib.suppress(*(() if kind is None else (InputError, FailedError))):
                self.sync()
                self._send()
        finally:
            for file in (*self._opened.values(), *filter(None, (self._file,))):
                file.close()
            self._index.close()
            self._place.cleanup()

    def write(self, key: str, line: Mapping[str, Any]) -> None:
        """Append what came of an entry; with the next `sync` or line of later it is on the disk.

        A driver that is killed loses nothing of it, and a machine that fails half a second.

        Raises:
            InputError: the ledger cannot be written.
            FailedError: of one on object storage.
        """
        said = {"key": key, "at": round(time.time(), 3), **line}
        data = json.dumps(said, ensure_ascii=True, default=str).encode() + b"\n"
        with self._told():
            if self._file is None:
                make_folder(self.folder)
                own = self.folder / f"{self.writer}.jsonl"
                self._file, self._own = own.open("ab"), self._shard(own)
            place = self._file.tell()
            self._file.write(data)
            self._file.flush()
        self._dirty = True
        if time.monotonic() - self._synced > _SYNC_EVERY:
            self.sync()
        self._take(data, self._own, place)
        if self.remote:
            self._part.append(data)
            self._unsent = True
            if len(self._part) >= _PART or time.monotonic() - self._sent > _SEND_EVERY:
                self._send()

    def sync(self) -> None:
        """Bring to the disk what was written; raises as `write`."""
        if self._dirty and self._file is not None:
            with self._told():
                os.fsync(self._file.fileno())
            self._dirty, self._synced = False, time.monotonic()

    def _send(self) -> None:
        """Bring to the storage what was written; raises as `write`."""
        if not self._unsent:
            return
        name = f"{self.writer}-{self._parts:06d}.jsonl"
        write_bytes(f"{self.remote}/{name}", b"".join(self._part))
        self._unsent, self._sent = False, time.monotonic()
        if len(self._part) >= _PART:
            self._part, self._parts = [], self._parts + 1

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self.folder}: the ledger cannot be written ({error.strerror}); "
                "free some space, and run this again"
            ) from None

    def refresh(self, *, all_: bool = False) -> None:
        """Read what other drivers have written since; `all_` = on the storage, too."""
        self._index.execute("BEGIN")  # one for all lines: thrice as quick
        try:
            with contextlib.suppress(FileNotFoundError):
                for shard in os.scandir(self.folder):
                    if shard.name.endswith(".jsonl") and shard.name != f"{self.writer}.jsonl":
                        self._read(Path(shard.path))
            if self.remote and all_:
                self._read_storage()
        finally:
            self._index.execute("COMMIT")

    def latest(self, key: str) -> dict[str, Any] | None:
        """Return the latest line of an entry; None = there is none."""
        row = self._index.execute(
            "SELECT shard, place, size FROM lines WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else self._line(*row)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the latest line of every entry, in the order in which each shard has them."""
        for row in self._index.execute(
            "SELECT shard, place, size FROM lines ORDER BY shard, place"
        ):
            yield self._line(*row)

    def done_since(self, when: float) -> tuple[int, float]:
        """Return how many entries were done from a time on, and when the first of them was."""
        asked = "SELECT COUNT(*), COALESCE(MIN(at), 0) FROM lines WHERE done AND at >= ?"
        count, first = self._index.execute(asked, (when,)).fetchone()
        return int(count), float(first)

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
            shard = self._shard(path)
            with path.open("rb") as file:
                file.seek(offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # still being written, or never to be ended
                    self._take(line, shard, offset)
                    offset += len(line)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        self.offsets[path.name] = offset

    def _read_storage(self) -> None:
        """Read the lines that are on the storage; they are kept beside the index."""
        path = Path(self._place.name) / "storage.jsonl"
        shard = self._shard(path)
        with path.open("ab") as file:
            for name in names_in(self.remote + "/"):
                for line in read_bytes(name).splitlines(keepends=True):
                    self._take(line, shard, file.tell())
                    file.write(line)

    def _shard(self, path: Path) -> int:
        """Return the number of a shard."""
        if path not in self._shards:
            self._shards.append(path)
        return self._shards.index(path)

    def _line(self, shard: int, place: int, size: int) -> dict[str, Any]:
        """Return a line of a shard."""
        path = self._shards[shard]
        try:
            if shard not in self._opened:
                if len(self._opened) >= _OPEN:
                    self._opened.pop(next(iter(self._opened))).close()
                self._opened[shard] = path.open("rb")
            self._opened[shard].seek(place)
            said: dict[str, Any] = json.loads(self._opened[shard].read(size))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: has changed since it was read ({error}); run this again"
            ) from None
        return said

    def _take(self, line: bytes, shard: int, place: int) -> None:
        """Note where a line stands, if it is one and the latest of its entry."""
        try:
            said = json.loads(line)
            done = said["status"] == "done"
            row = (str(said["key"]), float(said["at"]), done, shard, place, len(line))
        except (ValueError, LookupError, TypeError, RecursionError):
            return  # damaged: the entry is looked at again
        self._index.execute(
            "INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
            "at=excluded.at, done=excluded.done, shard=excluded.shard, place=excluded.place, "
            "size=excluded.size WHERE excluded.at >= at",
            row,
        )
