"""How far a batch is, from its ledger alone: it can be asked while drivers are at work."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from untrained.batches.claims import claimed_in
from untrained.batches.ledger import Ledger, state_of
from untrained.errors import InputError

__all__ = ["Status", "status_of"]

_LATELY = 600  # seconds, over which the rate is taken
_REASON = 160  # characters of a reason that are told


@dataclass(kw_only=True, slots=True)
class Status:
    """How far a batch is.

    Attributes:
        total: entries, as the latest driver counted them; None = it has not.
        counts: by status: done, refused, failed.
        reasons: of those set aside, and how many there are of each.
        at_work: entries that are begun and not ended, by the claims on this machine's disk.
        seconds: that the workers took for what is done.
        core_seconds: likewise, times the threads of each: of cores that were kept for them.
        cpu_seconds: of the processors, which may have waited meanwhile.
        rate: entries a second over the last ten minutes of work; None = none have ended.
        dashboard: the address of Ray's page on the latest run's cluster, "" = none.
        price: of an hour of a worker, or if `per_core` of a core; None = not told.
    """

    total: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    at_work: int = 0
    seconds: float = 0.0
    core_seconds: float = 0.0
    cpu_seconds: float = 0.0
    rate: float | None = None
    dashboard: str = ""
    price: float | None = None
    per_core: bool = False

    @property
    def left(self) -> int | None:
        """How many entries have not come to an end."""
        return None if self.total is None else max(0, self.total - sum(self.counts.values()))

    @property
    def seconds_left(self) -> float | None:
        """How long that takes at the present rate."""
        return None if self.left is None or not self.rate else self.left / self.rate

    @property
    def cost(self) -> float | None:
        """What has been done has cost, in the money of `price`; None = no price."""
        if self.price is None:
            return None
        return self.price * (self.core_seconds if self.per_core else self.seconds) / 3600

    @property
    def cost_left(self) -> float | None:
        """What the rest will cost if it is like what is done; None = it cannot be told."""
        if self.cost is None or self.left is None or not self.counts["done"]:
            return None
        return self.cost / self.counts["done"] * self.left

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {
            "total": self.total, **dict(self.counts), "left": self.left, "at_work": self.at_work,
            "rate_per_second": self.rate, "seconds_left": self.seconds_left,
            "worker_seconds": round(self.seconds, 1),
            "core_seconds": round(self.core_seconds, 1), "cpu_seconds": round(self.cpu_seconds, 1),
            "cost": self.cost, "cost_left": self.cost_left, "dashboard": self.dashboard or None,
            "reasons": dict(self.reasons.most_common()),
        }  # fmt: skip


def status_of(
    output: str, *, state: Path | None = None, price: float | None = None, per_core: bool = False
) -> Status:
    """Return how far the batch of an output is.

    Args:
        output: of the batch.
        state: its ledger's folder, if it is another.
        price: of an hour of a worker, or if `per_core` of each core that it has; for the cost.
        per_core: which of both.

    Raises:
        InputError: there is none; a price below 0.
    """
    if price is not None and not 0 <= price < math.inf:
        raise InputError(f"price is {price:g}; wanted what an hour costs, 0 or more")
    state = state or state_of(output)
    found = Status(price=price, per_core=per_core)
    last = 0.0
    with Ledger(state, output) as ledger:
        for line in ledger.lines():
            if line["status"] == "counted":
                found.total = int(line["total"])
                found.dashboard = str(line.get("dashboard", ""))
                continue
            found.counts[line["status"]] += 1
            if line["status"] == "done":
                found.seconds += line.get("seconds", 0.0)
                found.core_seconds += line.get("seconds", 0.0) * (line.get("threads") or 1)
                found.cpu_seconds += line.get("cpu_seconds", 0.0)
            else:
                found.reasons[_kind(line)] += 1
            last = max(last, line["at"])
        if not found.counts and found.total is None:
            raise InputError(f"{state}: no batch has begun there; wanted the folder of its outputs")
        lately, first = ledger.done_since(last - _LATELY)
        found.at_work = sum(ledger.latest(key) is None for key in claimed_in(state))
    if lately > 1 and last > first:
        found.rate = (lately - 1) / (last - first)
    if found.at_work and last and time.time() - last > _LATELY:
        found.rate = None  # the drivers are gone, or their fits are long
    return found


def _kind(line: dict[str, Any]) -> str:
    """Return a reason without the names of the files, so that like ones are one."""
    text = str(line.get("reason", "?"))
    for name in (line.get("source"), line.get("target")):
        if name:
            text = text.replace(str(name), "…")
    return text.removeprefix("…: ")[:_REASON]
