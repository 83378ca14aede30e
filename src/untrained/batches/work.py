"""One entry done, in a worker: fetched if it lies elsewhere, restored, put where it belongs."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from untrained.batches.addresses import fetch, hash_at, is_remote, local, put, stamp_of
from untrained.batches.entries import Entry, Settings
from untrained.errors import DivergedError, FailedError, InputError, NoRoomError, in_words
from untrained.fitting import seated
from untrained.jobs import Job, Outcome, attempt
from untrained.reading import hash_of

__all__ = ["Account", "Piece", "do_piece"]

Account = Mapping[str, Any]
"""What the ledger says of an entry: `status` (done; refused: its input does not do; failed: we did;
interrupted), `reason`, of a done one the hash of its output and the facts of its fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """An entry on its way to a worker.

    Attributes:
        key: its own.
        runs: where the folder of its run is made, of a local output.
        ours: the sha256 of what the batch has written there before; "" = nothing.
        begun: whether an earlier driver began it and said no more of it.
    """

    key: str
    entry: Entry
    settings: Settings
    runs: Path
    ours: str = ""
    begun: bool = False


def do_piece(piece: Piece, cancelled: Callable[[], bool] = lambda: False) -> Account:
    """Do a piece of work; whatever comes of it is an account."""
    began, used, seat = time.monotonic(), time.process_time(), seated()
    try:
        account = _done(piece, cancelled)
    except (FailedError, NoRoomError) as error:
        account = {"status": "failed", "reason": _one_line(error)}
    except InputError as error:
        account = {"status": "refused", "reason": _one_line(error)}
    except Exception as error:  # a disk, a library
        account = {"status": "failed", "reason": _one_line(Exception(in_words(error)))}
    spent = time.monotonic() - began, time.process_time() - used
    if seat is not None:  # others had a part of that
        spent = seat.spent()
        account |= {"together": seat.mean_company} if seat.mean_company else {}
    return {**account, "seconds": round(spent[0], 3), "cpu_seconds": round(spent[1], 3)}


def _done(piece: Piece, cancelled: Callable[[], bool]) -> dict[str, Any]:
    entry, settings = piece.entry, piece.settings
    with contextlib.ExitStack() as stack:
        room: list[Path] = []

        def aside(name: str) -> Path:
            if not room:
                made = tempfile.TemporaryDirectory(prefix="untrained-")
                room.append(Path(stack.enter_context(made)))
            return room[0] / name

        def here(place: str, folder: str) -> Path:
            """Return a file of this machine with what is at a place."""
            if not is_remote(place):
                return local(place)
            path = aside(folder) / place.rpartition("/")[2]
            path.parent.mkdir(exist_ok=True)
            fetch(place, path)
            return path

        away = is_remote(entry.target)
        there = stamp_of(entry.target)
        free = settings.overwrite or piece.ours != "" or piece.begun or there is None
        if away and not free:
            raise InputError(_exists(entry))
        source = here(entry.source, "source")
        stamp = stamp_of(entry.source)
        target = aside("output") / entry.target.rpartition("/")[2] if away else local(entry.target)
        own = bool(piece.ours) and target.is_file() and hash_of(target) == piece.ours
        job = Job(
            task=entry.task, source=source, target=target,
            recipe=settings.recipe_of(entry.task), options=settings.options_of(entry),
            files={name: here(place, name) for name, place in settings.files_of(entry).items()},
            truth=None if entry.truth is None else here(entry.truth, "truth"),
            seed=settings.seed, device=settings.device, max_pixels=settings.max_pixels,
            checkpoint_every=settings.checkpoint_every,
            run_dir=aside("runs") if away else piece.runs, overwrite=settings.overwrite or own,
        )  # fmt: skip
        answer = attempt(job, cancelled=cancelled, command="untrained batch")
        if not isinstance(answer, Outcome):
            failed = isinstance(answer, (FailedError, DivergedError, NoRoomError))
            retried = not isinstance(answer, DivergedError)
            status = "failed" if failed else "refused"
            return {"status": status, "reason": _one_line(answer), "final": not retried}
        if answer.status == "interrupted":
            return {"status": "interrupted"}
        digest = hash_of(target)
        if away:
            _put(piece, target, digest, there=there is not None)
        return {
            "status": "done", "sha256": digest, "output_stamp": stamp_of(entry.target),
            "stamp": stamp, **_facts(answer),
        }  # fmt: skip


def _put(piece: Piece, made: Path, digest: str, *, there: bool) -> None:
    """Put an output where it belongs; refuse what stands there and is of somebody else."""
    entry = piece.entry
    if there and not piece.settings.overwrite:
        before = hash_at(entry.target)
        if before == digest:
            return
        if before != piece.ours:
            raise InputError(_exists(entry))
    put(made, entry.target)


def _exists(entry: Entry) -> str:
    return f"{entry.target}: exists, and was not made by this batch; pass --overwrite to replace it"


def _facts(outcome: Outcome) -> dict[str, Any]:
    """Return what the report and the status say of a fit, means over its pages."""
    record = outcome.record
    results = record.get("results", [])
    facts: dict[str, Any] = {"size": record.get("size")}
    if not results:
        return facts
    facts["fit_seconds"] = round(sum(r["seconds"] for r in results), 3)
    facts["steps"] = sum(r["stop_step"] for r in results)
    facts["device"] = results[0]["device"]
    facts["threads"] = record.get("threads")
    diverged = [r for r in results if r["stop_reason"] == "diverged"]
    left = record.get("failed", [])
    if diverged or left:
        reasons = [r["stop_advice"] for r in diverged] + [page["error"] for page in left]
        facts["doubt"] = reasons[0]
    scores = [r["score"] for r in results if "score" in r]
    if scores:
        facts["psnr"] = round(sum(s["psnr"] for s in scores) / len(scores), 3)
        before = [s["psnr_degraded"] for s in scores]
        if None not in before:
            facts["gain"] = round(facts["psnr"] - sum(before) / len(before), 3)
    observed = [r["psnr_observed"] for r in results if "psnr_observed" in r]
    if observed:
        facts["psnr_observed"] = round(sum(observed) / len(observed), 3)
    return facts


def _one_line(error: Exception) -> str:
    line = " ".join(str(error).split())
    return os.fsencode(line).decode(errors="backslashreplace")[:500]
