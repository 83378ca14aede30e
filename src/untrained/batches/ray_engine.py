"""Batches on a cluster, by Ray (extra `cluster`): actors that do one piece after another.

Ray's actors and not its Data: a batch has few, long pieces, each with files of its own, and what
came of one is to be in the ledger as it ends; a table whose blocks are mapped would be written at
the end of a block, and a block whose worker dies would be mapped again as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from untrained.batches.engines import died
from untrained.batches.work import Account, Piece, do_piece
from untrained.errors import InputError

__all__ = ["RayEngine"]

_MOST_STARTS = 20  # of actors that died one after another, and of whom none did a piece


@dataclass(frozen=True, kw_only=True, slots=True)
class RayEngine:
    """The machines of a Ray cluster. Files that are no addresses must be there on all of them.

    Attributes:
        address: of the cluster; "auto" = that of this machine or job, or else a new one here.
        workers: how many actors; 0 = as many as the cluster has room for.
        threads: of each, and the cores that are kept for it.
        gpus: kept for each: 1, or a part of one.
    """

    address: str = "auto"
    workers: int = 0
    threads: int = 1
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.workers < 0 or self.threads < 1 or self.gpus < 0:
            raise InputError(
                f"workers, threads and gpus are {self.workers}, {self.threads} and {self.gpus:g}; "
                "wanted 0 or more, 1 or more and 0 or more"
            )

    def run(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Account]]:
        """As `Engine.run`.

        Raises:
            InputError: no Ray, no such cluster, no room in it.
        """
        ray = connected(self.address)
        count = self.workers or self._room(ray)
        # A new actor takes the place of one that died: by its node, it would come back to nothing.
        actor = ray.remote(
            num_cpus=self.threads, num_gpus=self.gpus, max_restarts=0, max_task_retries=0
        )(_Actor)
        idle: list[Any] = []
        at_work: dict[Any, tuple[Any, Piece]] = {}
        deaths = 0
        try:
            while True:
                while len(at_work) < count:
                    piece = next(pieces, None)
                    if piece is None:
                        break
                    worker = idle.pop() if idle else actor.remote(self.threads)
                    at_work[worker.do.remote(piece)] = worker, piece
                if not at_work:
                    return
                (ended,), _ = ray.wait(list(at_work), num_returns=1)
                worker, piece = at_work.pop(ended)
                try:
                    account = ray.get(ended)
                    idle.append(worker)
                    deaths = 0
                except ray.exceptions.RayError as error:
                    ray.kill(worker)
                    deaths += 1
                    account = died(_in_words(error))
                yield piece, account
                if deaths > _MOST_STARTS:
                    raise InputError(
                        f"{self.address}: {deaths} workers died one after another, the last as "
                        f"follows: {account['reason']}; look at the cluster's logs"
                    )
        finally:
            for worker in [*idle, *(worker for worker, _ in at_work.values())]:
                ray.kill(worker)

    def _room(self, ray: Any) -> int:
        """Return how many actors the cluster has room for."""
        has = ray.cluster_resources()
        room = int(has.get("CPU", 0) // self.threads)
        if self.gpus:
            room = min(room, int(has.get("GPU", 0) / self.gpus + 1e-9))
        if room < 1:
            raise InputError(
                f"{self.address}: has {has.get('CPU', 0):g} cores and {has.get('GPU', 0):g} GPUs; "
                f"a worker takes {self.threads} and {self.gpus:g}: use fewer --threads or --gpus"
            )
        return room


class _Actor:
    """A worker on the cluster."""

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)

    def do(self, piece: Piece) -> Account:
        """Do a piece."""
        return do_piece(piece)


def connected(address: str) -> Any:
    """Return the module `ray`, connected to a cluster.

    Raises:
        InputError: it is not installed; there is no such cluster.
    """
    try:
        import ray
    except ImportError:
        raise InputError(
            "--cluster needs the extra `cluster`: pip install 'untrained[cluster]'"
        ) from None
    if ray.is_initialized():
        return ray
    try:
        try:
            ray.init(address=address, log_to_driver=False, logging_level="warning")
        except ConnectionError:
            if address != "auto":
                raise
            ray.init(address="local", log_to_driver=False, logging_level="warning")
    except (ConnectionError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(
            f"{address}: no Ray cluster could be reached there ({text}); "
            "start one with `ray start --head`, or leave --cluster out"
        ) from None
    return ray


def _in_words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"its worker was lost ({text[:200]})"
