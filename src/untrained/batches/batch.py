"""A batch run: entries found, those that are done passed over, the others done and written down.

entries ─▶ not done ─▶ by size ─▶ claimed ─▶ engine ─▶ ledger
                                    ▲                    │ failed, to be tried again
                                    └────────────────────┘
"""

from __future__ import annotations

import math
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from untrained.atomic import check_place
from untrained.batches.addresses import hash_at, is_remote, stamp_of
from untrained.batches.claims import Claims
from untrained.batches.engines import Engine
from untrained.batches.entries import Entry, Settings
from untrained.batches.finding import count_entries, entries_in
from untrained.batches.ledger import Ledger, state_of
from untrained.batches.sizes import size_of_entry
from untrained.batches.work import Account, Piece
from untrained.errors import InputError

__all__ = ["Totals", "run_batch"]

_WINDOW = 256  # entries that are looked at ahead, to be done by size
_MOST_DEATHS = 3  # of workers with one piece, however many more tries it would have
_MOST_SPARED = 100  # tries of a piece that were no fault of its own, and are not counted
_AT_ONCE = 32  # requests to a storage, of the outputs that an earlier part has made
_OFTEN = 0.5  # seconds; entries are claimed about as often, one or many


@dataclass(kw_only=True, slots=True)
class Totals:
    """What became of the entries of a batch.

    Attributes:
        counts: "done" now; "before": done by an earlier part; "refused", "failed", set aside now;
            "aside": set aside by an earlier part; "elsewhere": another driver is at work on them;
            "interrupted"; "repeated": named once more by the inputs.
        retried: how many tries were made again.
    """

    counts: Counter[str] = field(default_factory=Counter)
    retried: int = 0

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do and nothing was set aside."""
        ends = ("done", "before", "repeated")
        return not any(n for name, n in self.counts.items() if name not in ends)


def run_batch(
    inputs: Sequence[str], settings: Settings, engine: Engine, *, state: Path | None = None,
    retries: int = 2, again: bool = False, verify: bool = False,
    tell: Callable[[Entry, Account], None] = lambda entry, account: None,
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> Totals:  # fmt: skip
    """Restore the pictures of a batch; what an earlier part of it has done is not done again.

    An entry is done if the ledger says so, its source is as it was, and its output is there with
    the hash that the ledger says. What fails by no fault of its input (a worker killed, a disk, a
    server) is tried again; then, as all inputs that do not do, it is set aside with its reason. A
    machine that is taken away costs no try, a picture that has ended three workers gets no other.

    Args:
        inputs: files, folders, patterns, addresses, manifests.
        settings: what all share.
        engine: where it is done.
        state: the folder of the ledger; None = beside the outputs, for those on object storage in
            the current folder, which all drivers of one batch then must share.
        retries: how many more tries an entry is given; of those that end their worker at most two.
        again: whether those that were set aside before are tried again.
        verify: whether outputs of unchanged size and time are read and hashed all the same.
        tell: is told of every entry that has come to an end.
        facts: on this run, for those who look at the ledger (`dashboard`: an address).

    Raises:
        InputError: an input that is not there, no picture in any, settings that do not do, no place
            for the outputs.
    """
    settings.check()
    if retries < 0:
        raise InputError(f"retries is {retries}; wanted 0 or more")
    state = (state or state_of(settings.output)).absolute()  # workers may be in another folder
    check_place(state / "ledger")
    totals = Totals()
    with Ledger(state, settings.output) as ledger, closing(Claims(state)) as claims:
        total = count_entries(inputs, settings)
        if not total:
            raise InputError(
                f"{', '.join(inputs)}: no picture is named there; wanted pictures, folders of them "
                "(--recursive takes subfolders), or a manifest with rows"
            )
        ledger.write("batch", {**facts, "status": "counted", "total": total})
        feed = _Feed(inputs, settings, ledger, claims, totals, state, again, verify, tell)
        with closing(feed):
            for piece, account in _endless(engine, feed):
                if account["status"] == "interrupted":
                    totals.counts["interrupted"] += 1
                    continue
                tries = feed.tries[piece.key]
                tries.note(account)
                if tries.may_go_on(account, retries):
                    totals.retried += 1
                    feed.put_back(piece)
                    continue
                if account.get("lost") == "worker" and tries.deaths > 1:
                    reason = f"{tries.deaths} workers ended with it, the last: {account['reason']}"
                    account = {**account, "reason": reason}
                said = {name: value for name, value in account.items() if name != "final"}
                ledger.write(piece.key, {**_names(piece.entry), "tries": tries.count, **said})
                feed.end(piece, account)
        if repeated := totals.counts["repeated"]:
            once = {**facts, "status": "counted", "total": total - repeated}
            ledger.write("batch", once)
    return totals


def _endless(engine: Engine, feed: _Feed) -> Iterator[tuple[Piece, Account]]:
    """Run the engine until the feed has nothing more, not even what was put back at the end."""
    while True:
        yield from engine.run(feed)
        if not feed.waiting or feed.totals.counts["interrupted"]:
            return


def _names(entry: Entry) -> dict[str, Any]:
    names = {"source": entry.source, "target": entry.target, "task": entry.task}
    return names if entry.truth is None else {**names, "truth": entry.truth}


@dataclass(slots=True)
class _Tries:
    """How often a piece was tried in this run, and what became of its workers."""

    count: int = 0
    deaths: int = 0
    spared: int = 0

    def note(self, account: Account) -> None:
        """Count a try by what came of it."""
        self.count += 1
        self.deaths += account.get("lost") == "worker"
        self.spared += account.get("lost") in ("machine", "start", "group")

    def may_go_on(self, account: Account, retries: int) -> bool:
        """Whether a piece is tried again."""
        if account["status"] != "failed" or account.get("final"):
            return False
        counted = self.count - min(self.spared, _MOST_SPARED)
        return counted <= retries and self.deaths < _MOST_DEATHS


class _Feed(Iterator[Piece]):
    """The pieces that are to be done, each claimed; those that are put back come first.

    Nothing in it grows with the entries: what is to be known of all is in the ledger's index.
    """

    def __init__(
        self, inputs: Sequence[str], settings: Settings, ledger: Ledger, claims: Claims,
        totals: Totals, state: Path, again: bool, verify: bool,
        tell: Callable[[Entry, Account], None],
    ) -> None:  # fmt: skip
        self.settings = settings
        self.ledger = ledger
        self.claims = claims
        self.totals = totals
        self.state = state
        self.again = again
        self.verify = verify
        self.tell = tell
        self.waiting: deque[Piece] = deque()
        self.tries: dict[str, _Tries] = {}  # of those on their way
        self._share = 1  # how many are claimed at once
        self._claimed_at = -math.inf
        self._left = self._by_size(self._to_do(entries_in(inputs, settings)))

    def __next__(self) -> Piece:
        piece = self.waiting.popleft() if self.waiting else next(self._left)
        self.tries.setdefault(piece.key, _Tries())
        return piece

    def close(self) -> None:
        """Let go of open manifests."""
        self._left.close()

    def put_back(self, piece: Piece) -> None:
        """Let a piece be tried again."""
        self.waiting.append(piece)

    def end(self, piece: Piece, account: Account) -> None:
        """Let go of a piece that is in the ledger."""
        del self.tries[piece.key]
        self.totals.counts[account["status"]] += 1
        if account["status"] != "done" or not self.settings.keep_runs:
            shutil.rmtree(piece.runs, ignore_errors=True)
        self.claims.release(piece.key)
        self.tell(piece.entry, account)

    def _to_do(self, entries: Iterator[Entry]) -> Iterator[tuple[str, Entry]]:
        """Yield the keys and entries of those that are neither done nor set aside."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:  # which makes its threads when it needs them
            while window := list(islice(entries, _WINDOW)):
                keyed = [(self._key(entry), entry) for entry in window]
                mine = {key: entry for key, entry in keyed if key and self._is_new(key, entry)}
                whole = self._far_outputs(mine, pool)
                for key, entry in mine.items():
                    if not self._is_over(key, entry, whole.get(key)):
                        yield key, entry

    def _is_new(self, key: str, entry: Entry) -> bool:
        """Whether no entry before has an output there, neither this one nor another."""
        owner = self.ledger.claims_target(entry.target, key)
        if owner == key:
            self.totals.counts["repeated"] += 1
        elif owner:
            self._refuse(entry, f"{entry.target}: another entry's output goes there", key=key)
        return not owner

    def _far_outputs(self, entries: dict[str, Entry], pool: ThreadPoolExecutor) -> dict[str, bool]:
        """Return by key whether the outputs on a storage are whole; many are asked for at once."""
        done = {
            key: (line, entry)
            for key, entry in entries.items()
            if is_remote(entry.source) or is_remote(entry.target)
            if (line := self.ledger.latest(key)) is not None and line["status"] == "done"
        }
        found = pool.map(lambda asked: self._is_whole(*asked), done.values())
        return dict(zip(done, found, strict=True))

    def _key(self, entry: Entry) -> str | None:
        try:
            if entry.bad:
                raise InputError(entry.bad)
            return self.settings.key(entry)
        except InputError as error:
            self._refuse(entry, str(error), key=f"bad {entry.source} {entry.bad}"[:300])
            return None

    def _refuse(self, entry: Entry, reason: str, *, key: str) -> None:
        account = {"status": "refused", "reason": reason}
        before = self.ledger.latest(f"row {key}")
        if before is None or before.get("reason") != reason:
            self.ledger.write(f"row {key}", {**_names(entry), **account})
        self.totals.counts["refused"] += 1
        self.tell(entry, account)

    def _is_over(self, key: str, entry: Entry, whole: bool | None = None) -> bool:
        """Whether an entry needs nothing more, its output being `whole`; counts it then."""
        line = self.ledger.latest(key)
        if line is None:
            return False
        if line["status"] == "done":
            if not (self._is_whole(line, entry) if whole is None else whole):
                return False
            self.totals.counts["before"] += 1
        elif self.again:
            return False
        else:
            self.totals.counts["aside"] += 1
        return True

    def _is_whole(self, line: dict[str, Any], entry: Entry) -> bool:
        """Whether an output is there as it was written, of the source as it is."""
        before = line.get("stamp")  # None: the storage did not tell it then
        if before is not None and stamp_of(entry.source) not in (before, None):
            return False  # a source that is gone takes nothing away
        stamp = stamp_of(entry.target)
        if stamp is None:
            return False
        if stamp == line.get("output_stamp") and not self.verify:
            return True
        try:
            return hash_at(entry.target) == line.get("sha256")
        except InputError:
            return False

    def _by_size(self, found: Iterator[tuple[str, Entry]]) -> Generator[Piece, None, None]:
        """Yield the pieces, those of one size after another within a window, each claimed."""
        while window := list(islice(found, _WINDOW)):
            window.sort(key=lambda one: (one[1].task, size_of_entry(one[1])))
            while window:
                yield from self._claimed(window)

    def _claimed(self, window: list[tuple[str, Entry]]) -> Iterator[Piece]:
        """Claim some of a window, take them off it, and yield those that are to be done.

        One where the next is asked for in seconds, more where many are asked for in one: a driver
        claims about twice a second, and keeps no more from other drivers than it soon begins.
        """
        now = time.monotonic()
        often = now - self._claimed_at < _OFTEN
        self._share = min(_WINDOW, 2 * self._share) if often else max(1, self._share // 2)
        self._claimed_at = now
        share, window[:] = window[: self._share], window[self._share :]
        self.ledger.sync()  # what is no longer claimed is in it
        claimed = self.claims.take([key for key, _ in share])
        self.ledger.refresh()  # another driver may have done it in between
        for key, entry in share:
            begun = claimed[key]
            if self._is_over(key, entry):
                self.claims.release(key)
            elif begun is None:
                self.totals.counts["elsewhere"] += 1
            else:
                line = self.ledger.latest(key) or {}
                yield Piece(
                    key=key, entry=entry, settings=self.settings, begun=begun,
                    runs=self.state / "runs" / key, ours=str(line.get("sha256", "")),
                )  # fmt: skip
