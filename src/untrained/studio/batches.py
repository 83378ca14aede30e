"""The batches that the studio shows: how far they are, from their ledgers alone.

    WORKSPACE/batches/NAME/     a batch's outputs, untrained-batch/ in them is its ledger
    --batch FOLDER              such a folder, or one whose folders are such

Which folders are looked at is said on the command line and by the workspace. A browser names a
batch by a hash, an output by the key that the ledger has for it: no path comes from there.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from untrained.batches import STATE, Ledger, status_of
from untrained.errors import InputError
from untrained.studio.screen import smaller_file

__all__ = ["Batches", "Look"]

_LATEST = 24  # results that are shown
_REASONS = 20
_SHARE = 10  # a ledger is read again after ten times as long as that took
_NAME = 200  # characters of a name that are shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What is known of a batch at the moment that its ledger was read.

    Attributes:
        status: as `untrained batch status --json` has it.
        last: seconds since 1970 of the newest line; None = there is none.
        dashboard: the address of Ray's page, "" = none is named.
        latest: the newest lines of entries that were done, the newest first.
    """

    status: dict[str, Any]
    last: float | None
    dashboard: str
    latest: tuple[dict[str, Any], ...]


@dataclass(slots=True)
class _Known:
    look: Look
    until: float


@dataclass(slots=True)
class Batches:
    """The batches of a studio; each ledger is read by one request at a time, and not too often.

    Attributes:
        workspace: the folder whose `batches/` is looked into.
        given: folders that were named on the command line.
    """

    workspace: Path
    given: Sequence[Path] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)
    known: dict[str, _Known] = field(default_factory=dict)

    def folders(self) -> dict[str, Path]:
        """Return the folders of the batches there are now, by the page's name for each."""
        found = dict.fromkeys(path for place in self._places() for path in _batches_in(place))
        return {hashlib.sha256(bytes(path)).hexdigest()[:16]: path for path in found}

    def look(self, id_: str) -> Look | None:
        """Return how far a batch is; None = there is none of that name.

        Raises:
            InputError: its ledger cannot be read.
        """
        folder = self.folders().get(id_)
        if folder is None:
            return None
        with self.lock:
            before = self.known.get(id_)
            if before is not None and time.monotonic() < before.until:
                return before.look
            began = time.monotonic()
            look = _look_at(folder)
            now = time.monotonic()
            self.known[id_] = _Known(look=look, until=now + _SHARE * (now - began))
            return look

    def thumbnail(self, id_: str, key: str) -> bytes | None:
        """Return a small look at an output as WebP; None = there is none such within the batch."""
        look, folder = self.look(id_), self.folders().get(id_)
        if look is None or folder is None:
            return None
        line = next((line for line in look.latest if line["key"] == key), None)
        path = None if line is None else _within(folder, str(line.get("target", "")))
        return None if path is None else _small(path)

    def _places(self) -> Iterator[Path]:
        yield from (path.absolute() for path in self.given)
        yield self.workspace / "batches"


def _batches_in(place: Path) -> Iterator[Path]:
    """Yield a folder that is a batch's, else those in it that are."""
    if (place / STATE).is_dir():
        yield place
        return
    with contextlib.suppress(OSError):
        yield from (path for path in sorted(place.iterdir()) if (path / STATE).is_dir())


def _look_at(folder: Path) -> Look:
    status = status_of(str(folder)).as_json()
    status["reasons"] = dict(list(status["reasons"].items())[:_REASONS])
    last, dashboard, dashboard_at = None, "", 0.0
    with Ledger(folder / STATE, str(folder)) as ledger:
        for line in ledger.lines():
            last = max(last or 0.0, float(line["at"]))
            if line["status"] == "counted" and line["at"] >= dashboard_at:
                dashboard, dashboard_at = str(line.get("dashboard") or ""), line["at"]
        done = (line for line in ledger.lines() if line["status"] == "done")
        latest = heapq.nlargest(_LATEST, done, key=lambda line: float(line["at"]))
    if not dashboard.startswith(("http://", "https://")):
        dashboard = ""
    return Look(status=status, last=last, dashboard=dashboard, latest=tuple(latest))


def _within(folder: Path, target: str) -> Path | None:
    """Return the file of an output; None where it is not a file inside of the batch's folder."""
    try:
        path = Path(target).resolve(strict=True)
        inside = path.is_relative_to(folder.resolve(strict=True))
    except (OSError, ValueError, RuntimeError):
        return None
    return path if inside and path.is_file() else None


def _small(path: Path) -> bytes | None:
    import pyvips

    try:
        return smaller_file(path, "thumbnail")
    except (pyvips.Error, InputError, OSError):
        return None
