"""Where the work of a batch is done: the processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from untrained.batches.footprint import PROCESS, footprint_of
from untrained.batches.groups import do_group, grouped
from untrained.batches.work import Account, Piece
from untrained.errors import InputError
from untrained.jobs import do_side_by_side
from untrained.memory import free_memory

__all__ = ["Engine", "LocalEngine"]


class Engine(Protocol):
    """Does pieces of work, many at the same time."""

    def run(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Account]]:
        """Yield each piece and what came of it, as it ends.

        A piece is taken from `pieces` only when there is a worker for it, and is begun only when
        there is the memory for it, so that no more are on their way than there are workers. A
        worker that dies costs its own piece, which is "failed" then, and its `lost` says what was:
        the "worker", its "machine", of a worker that never began its "start", or the "group" that
        it did at once; another takes its place.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalEngine:
    """The processes of this machine.

    Attributes:
        workers: how many.
        threads: of each; None = its share of the cores.
        memory: bytes that all of them may need together, as predicted; None = what is free when
            they begin. A piece that alone needs more is done alone.
        together: how many small pictures of one size a worker fits in one pass at most.
        alone: keys of pieces whose group has lost its worker: they are done one by one.
    """

    workers: int = 1
    threads: int | None = None
    memory: int | None = None
    together: int = 1
    alone: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        asked = {
            "workers": self.workers, "threads": self.threads, "memory": self.memory,
            "together": self.together,
        }  # fmt: skip
        for name, value in asked.items():
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}; wanted 1 or more")

    def run(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Account]]:
        """As `Engine.run`."""
        for group, answer in do_side_by_side(
            grouped(pieces, self.together, self.alone), do_group,
            workers=self.workers, threads=self.threads,
            weigh=_weight, room=self.memory or free_memory(),
        ):  # fmt: skip
            if isinstance(answer, str):
                self.alone.update(piece.key for piece in group)
                lost = "worker" if len(group) == 1 else "group"
                answer = [died(answer, lost=lost)] * len(group)
            yield from zip(group, answer, strict=True)


def _weight(group: tuple[Piece, ...]) -> int:
    """Return the bytes that a worker needs for pieces that it fits at the same time."""
    needed = [footprint_of(piece.entry, piece.settings) for piece in group]
    return sum(needed) - PROCESS * (len(group) - 1)


def died(how: str, *, lost: str = "worker") -> Account:
    """Return the account of a piece whose worker died; `lost` as for `Engine.run`."""
    return {"status": "failed", "reason": how, "lost": lost}
