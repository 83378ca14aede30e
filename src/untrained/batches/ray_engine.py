"""Batches on a cluster, by Ray (extra `cluster`): actors that do one piece after another.

Ray's actors and not its Data: a batch has few, long pieces, each with files of its own, and what
came of one is to be in the ledger as it ends; a table whose blocks are mapped would be written at
the end of a block, and a block whose worker dies would be mapped again as a whole.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from untrained.batches.engines import died
from untrained.batches.footprint import footprint_of
from untrained.batches.work import Account, Piece, do_piece
from untrained.errors import InputError

__all__ = ["RayEngine"]

_MOST_STARTS = 20  # of workers that could not begin, one after another
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NODE_DIED = "its node has died"  # as Ray says it
_MEMORY, _GROWTH = 512 * 2**20, 1.5  # what is kept for a worker: the least, and the next more


@dataclass(frozen=True, kw_only=True, slots=True)
class RayEngine:
    """The machines of a Ray cluster. Files that are no addresses must be there on all of them.

    Attributes:
        address: of the cluster; "auto" = that of this machine or job, or else a new one here.
        workers: how many actors; 0 = as many as the cluster has cores and GPUs for.
        threads: of each, and the cores that are kept for it.
        gpus: kept for each: 1, or a part of one. Memory is kept, too: what its piece is predicted
            to need.
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
        if self.gpus > 1 and self.gpus % 1:
            raise InputError(
                f"gpus is {self.gpus:g}; wanted a part of one (0.25), or a whole number"
            )

    def dashboard(self) -> str:
        """Return the address of Ray's own page on the cluster, "" if there is none.

        Raises:
            InputError: no Ray, no such cluster.
        """
        ray = connected(self.address)
        link = ""
        with contextlib.suppress(Exception):  # an old Ray, a cluster that has none
            link = ray._private.worker.get_dashboard_url() or ""
        return link if not link or "://" in link else f"http://{link}"

    def run(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Account]]:
        """As `Engine.run`.

        Raises:
            InputError: no Ray, no such cluster, no room in it.
        """
        ray = connected(self.address)
        crew = _Crew(ray, self)
        count = self.workers or self._room(ray)
        failed = 0  # starts
        try:
            while True:
                while len(crew.at_work) < count and (piece := next(pieces, None)) is not None:
                    crew.begin(piece)
                if not crew.at_work:
                    return
                if len(crew.at_work) < count:  # those that wait for room need theirs
                    crew.dismiss()
                piece, account = crew.answer()
                failed = failed + 1 if account.get("lost") == "start" else 0
                yield piece, account
                if failed > _MOST_STARTS:
                    raise InputError(
                        f"{self.address}: {failed} workers could not begin, the last as follows: "
                        f"{account['reason']}; look at the cluster's logs"
                    )
        finally:
            crew.end()

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


@dataclass(slots=True)
class _Worker:
    """An actor, and the bytes that are kept for it."""

    actor: Any
    memory: int


class _Crew:
    """The actors of a run: those at work with their pieces, and those that wait for one."""

    def __init__(self, ray: Any, engine: RayEngine) -> None:
        self.ray = ray
        self.engine = engine
        # A new actor takes the place of one that died: by its node, it would come back to nothing.
        self.kind = ray.remote(
            num_cpus=engine.threads, num_gpus=engine.gpus, max_restarts=0, max_task_retries=0
        )(_Actor)
        self.idle: list[_Worker] = []
        self.at_work: dict[Any, tuple[_Worker, Piece]] = {}

    def begin(self, piece: Piece) -> None:
        """Give a piece to an actor that has the memory for it, or to a new one."""
        needed = footprint_of(piece.entry, piece.settings, gpu=True if self.engine.gpus else None)
        memory = _kept(needed)
        fit = [one for one in self.idle if memory <= one.memory <= memory * _GROWTH**2]
        if fit:
            worker = fit[0]
            self.idle.remove(worker)
        else:
            self.dismiss()  # or they would keep what the new one needs
            kept = min(memory, self._largest())
            actor = self.kind.options(memory=kept or None).remote(self.engine.threads)
            worker = _Worker(actor, memory)
        self.at_work[worker.actor.do.remote(piece)] = worker, piece

    def answer(self) -> tuple[Piece, Account]:
        """Wait until a piece has come to an end; return it and what came of it."""
        ray = self.ray
        (ended,), _ = ray.wait(list(self.at_work), num_returns=1)
        worker, piece = self.at_work.pop(ended)
        try:
            account: Account = ray.get(ended)
        except ray.exceptions.RayError as error:
            lost = self._lost(error)
            ray.kill(worker.actor)
            return piece, died(_in_words(error), lost=lost)
        self.idle.append(worker)
        return piece, account

    def dismiss(self) -> None:
        """End the actors that have no piece."""
        for worker in self.idle:
            self.ray.kill(worker.actor)
        self.idle.clear()

    def end(self) -> None:
        """End all actors, whatever they do."""
        self.dismiss()
        for worker, _ in self.at_work.values():
            self.ray.kill(worker.actor)
        self.at_work.clear()

    def _largest(self) -> int:
        """Return the bytes of the largest machine, or an actor that needs more would never begin.

        Its fit says in words that there is too little.
        """
        alive = (node for node in self.ray.nodes() if node["Alive"])
        return max((int(node["Resources"].get("memory", 0)) for node in alive), default=0)

    def _lost(self, error: Exception) -> str:
        """Return what was lost, as `Engine.run` says it."""
        ray = self.ray
        away = isinstance(error, ray.exceptions.ActorUnavailableError)  # a network that is cut
        if away or getattr(error, "preempted", False) or _NODE_DIED in str(error):
            return "machine"
        # An exception of its own; what kills a process that has just begun may be its piece.
        failed = getattr(error, "actor_init_failed", False)
        failed = failed or isinstance(error, ray.exceptions.RuntimeEnvSetupError)
        return "start" if failed else "worker"


def _kept(needed: int) -> int:
    """Return what is kept for an actor: a little more than its piece needs, so that others fit."""
    kept = float(_MEMORY)
    while kept < needed:
        kept *= _GROWTH
    return int(kept)


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
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
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
    """Return one line on an actor that was lost: of an exception of its own, that; else Ray's."""
    lines = [line for line in _COLOURS.sub("", str(error)).splitlines() if line.strip()]
    if getattr(error, "actor_init_failed", False):
        lines = lines[-1:]
    said = [line for line in lines if not line.startswith("\t")]  # ids and ports
    text = " ".join(" ".join(said).split())
    return f"its worker was lost ({text[:200]})"
