"""Small pictures of one size that a worker fits in one pass."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator

import torch

from untrained.batches.addresses import is_remote, local
from untrained.batches.sizes import sides_of
from untrained.batches.work import Account, Piece, do_piece
from untrained.fitting import Together

__all__ = ["do_group", "grouped"]

Group = tuple[Piece, ...]

_LARGEST = 256**2  # pixels: larger ones are done one after another, by any worker that is free


def grouped(pieces: Iterator[Piece], most: int, alone: Collection[str]) -> Iterator[Group]:
    """Yield pieces in groups of one task and size, in their order; none is taken before it must.

    Args:
        pieces: those of one size after another.
        most: pieces of a group.
        alone: keys of those that are to be in no group; may grow meanwhile.
    """
    group: list[Piece] = []
    kind: object = None
    for piece in pieces:
        its = None if piece.key in alone else _kind(piece)
        if group and (its is None or its != kind):
            yield tuple(group)
            group = []
        group.append(piece)
        kind = its
        if its is None or len(group) == most:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _kind(piece: Piece) -> tuple[str, int, int, int] | None:
    """Return the task, height, width and channels of a small picture; None = of no other."""
    entry = piece.entry
    sides = None if is_remote(entry.source) else sides_of(local(entry.source))
    small = sides is not None and sides[0] * sides[1] <= _LARGEST
    return (entry.task, *sides) if sides is not None and small else None


def do_group(group: Group, cancelled: Callable[[], bool] = lambda: False) -> list[Account]:
    """Do the pieces of a group, their fits in one pass; return what came of each, in order."""
    if len(group) == 1:
        return [do_piece(group[0], cancelled)]
    together, threads = Together(len(group)), torch.get_num_threads()
    accounts: list[Account] = [{"status": "failed", "reason": "it was never begun"} for _ in group]

    def work(i: int) -> None:
        torch.set_num_threads(threads)
        with together.seat():
            accounts[i] = do_piece(group[i], cancelled)

    crew = [threading.Thread(target=work, args=(i,)) for i in range(len(group))]
    for thread in crew:
        thread.start()
    for thread in crew:
        while thread.is_alive():  # in parts, so that signals are heard
            thread.join(0.5)
    return accounts
