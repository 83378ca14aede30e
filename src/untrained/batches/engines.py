"""Where the work of a batch is done: the processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from untrained.batches.footprint import footprint_of
from untrained.batches.work import Account, Piece, do_piece
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
        the "worker", its "machine", or, of a worker that never began, its "start"; another takes
        its place.
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
    """

    workers: int = 1
    threads: int | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        asked = {"workers": self.workers, "threads": self.threads, "memory": self.memory}
        for name, value in asked.items():
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}; wanted 1 or more")

    def run(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Account]]:
        """As `Engine.run`."""
        for piece, answer in do_side_by_side(
            pieces, do_piece, workers=self.workers, threads=self.threads,
            weigh=lambda piece: footprint_of(piece.entry, piece.settings),
            room=self.memory or free_memory(),
        ):  # fmt: skip
            yield piece, answer if not isinstance(answer, str) else died(answer)


def died(how: str, *, lost: str = "worker") -> Account:
    """Return the account of a piece whose worker died; `lost` as for `Engine.run`."""
    return {"status": "failed", "reason": how, "lost": lost}
