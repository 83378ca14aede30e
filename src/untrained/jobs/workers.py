"""Several pictures at the same time, each in a process with its share of the cores.

One small picture leaves cores idle at every step; side by side they are kept busy.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

import torch

from untrained.errors import FailedError, InputError
from untrained.fitting import Callback, Progress, Scoring
from untrained.jobs.attempts import Answer, attempt
from untrained.jobs.job import Job
from untrained.jobs.parents import listen
from untrained.jobs.running import Outcome

__all__ = ["do_side_by_side", "run_side_by_side", "without_arrays"]

T = TypeVar("T")

_CONTEXT = multiprocessing.get_context("spawn")  # a forked torch may hang in its threads
_TO_THE_PARENT = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def run_side_by_side(
    jobs: Sequence[Job], *, workers: int, command: str = "", silent: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Answer]:  # fmt: skip
    """Run jobs in several processes; give what came of each as it ends.

    The images are those of `run_job` with as many threads, to the bit; with more threads sums are
    rounded in another order, and a fit goes another way. Ctrl-C lets every running job write what
    it has; those not begun are left. Another Ctrl-C ends the workers at once. A worker that is
    killed costs its own job; another takes its place. Workers end with this process.

    Args:
        jobs: what to do.
        workers: how many at the same time; each has the cores of the machine divided by that.
        command: how the user asked for it, for the records.
        silent: whether the workers keep their progress to themselves.
        cancelled: asked before the next answer is awaited; as Ctrl-C.

    Raises:
        InputError: workers under 1.
    """
    do = functools.partial(_attempt, command=command, silent=silent)
    for job, answer in do_side_by_side(jobs, do, workers=workers, cancelled=cancelled):
        yield FailedError(f"{job.source}: {answer}") if isinstance(answer, str) else answer


def do_side_by_side(
    work: Iterable[T], do: Callable[[T, Callable[[], bool]], Any], *, workers: int,
    cancelled: Callable[[], bool] = lambda: False, threads: int | None = None,
    weigh: Callable[[T], int] = lambda piece: 0, room: int | None = None,
) -> Iterator[tuple[T, Any]]:  # fmt: skip
    """Do pieces of work in several processes; give each and what came of it as it ends.

    A piece is taken from `work` when a worker is free for it, so that an endless `work` will do; in
    an iterator that waits for nothing. The rest is as for `run_side_by_side`.

    A worker weighs as much as the heaviest piece that it has done, since it may keep memory for the
    next. Where the next piece would bring all of them above `room`, it waits until others have
    ended; one is done at any time, whatever it weighs.

    Args:
        work: the pieces; pickled.
        do: what a worker does with one; the second argument says whether to lay it down. Pickled.
        workers: how many at the same time.
        cancelled: asked before the next answer is awaited; as Ctrl-C.
        threads: of each worker; None = its share of the cores.
        weigh: says what a piece weighs, in bytes.
        room: what all workers may weigh together; None = no limit.

    Yields:
        a piece and what `do` returned; or a text that says how its worker ended.

    Raises:
        InputError: workers under 1.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}; wanted 1 or more")
    threads = threads or max(1, (os.cpu_count() or 1) // workers)
    waiting = iter(work)
    crew: list[_Worker[T]] = []
    held: list[tuple[T, int]] = []  # the next piece and its weight, until there is room for it
    stopped = False

    def begun(worker: _Worker[T] | None) -> bool:
        """Begin the next piece with a worker, None = a new one, if there is one and room for it."""
        if stopped:
            return False
        if not held:
            for piece in waiting:
                held.append((piece, weigh(piece)))
                break
            else:
                return False
        piece, weight = held[0]
        others = [other.weight for other in crew if other is not worker]
        weight = weight if worker is None else max(weight, worker.weight)
        if room is not None and others and sum(others) + weight > room:
            return False
        held.clear()
        if worker is None:
            worker = _Worker(threads, do)
            crew.append(worker)
        worker.weight = weight
        worker.begin(piece)
        return True

    try:
        while True:
            try:
                if cancelled() and not stopped:
                    raise KeyboardInterrupt
                while len(crew) < workers and begun(None):
                    pass
                if not crew:
                    return
                for place in wait([worker.pipe for worker in crew]):
                    (worker,) = (worker for worker in crew if worker.pipe is place)
                    answered = worker.answer()
                    if not (worker.alive and begun(worker)):
                        crew.remove(worker)
                        worker.end()
                    yield answered
            except KeyboardInterrupt:
                if stopped:
                    raise
                stopped = True
                for worker in crew:
                    worker.stop()
    finally:
        for worker in crew:
            worker.end()


def without_arrays(answer: Answer) -> Answer:
    """Return an answer that can be sent: what is too large for it is in the files."""
    return replace(answer, results=(), picture=None) if isinstance(answer, Outcome) else answer


def _attempt(job: Job, cancelled: Callable[[], bool], *, command: str, silent: bool) -> Answer:
    def observers(label: str, scoring: Scoring) -> list[Callback]:
        # bars of several processes would overwrite each other
        return [] if silent else [Progress(label, scoring=scoring, bar=False)]

    return without_arrays(attempt(job, observers=observers, cancelled=cancelled, command=command))


class _Worker(Generic[T]):
    """A process that does one piece of work after another, as its parent sees it."""

    def __init__(self, threads: int, do: Callable[[T, Callable[[], bool]], Any]) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(target=_serve, args=(theirs, threads, do), daemon=True)
        with _signals_held_back():
            resource_tracker.ensure_running()  # which lets some of them through again
        with _signals_held_back():  # until it knows what to do with them
            self.process.start()
        theirs.close()
        self.piece: tuple[T, ...] = ()
        self.weight = 0
        self.alive = True

    def begin(self, piece: T) -> None:
        """Hand it a piece of work."""
        self.piece = (piece,)
        self._say(self.piece)

    def stop(self) -> None:
        """Tell it to lay down its work with what it has."""
        self._say(())

    def answer(self) -> tuple[T, Any]:
        """Return its work and what came of it; it is no longer `alive` if it has died of it."""
        (piece,) = self.piece
        try:
            return piece, self.pipe.recv()
        except (EOFError, OSError):
            self.alive = False
        self.process.join()
        code = self.process.exitcode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return piece, (
            f"its worker was ended from outside ({how}), as the system does when"
            " memory runs out; use fewer --workers or a smaller picture, or run the command again"
        )

    def end(self) -> None:
        """End it at once, whatever it does; safe to call twice."""
        self.pipe.close()  # which it hears
        self.process.join(5)
        self.process.kill()
        self.process.join()

    def _say(self, said: tuple[T, ...]) -> None:
        with contextlib.suppress(OSError):  # it has died, as `answer` will find
            self.pipe.send(said)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Hold back the signals of this thread, and of a process started inside until it lets them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TO_THE_PARENT)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, threads: int, do: Callable[[Any, Callable[[], bool]], Any]) -> None:
    """Do the work that comes through a pipe, and answer it, until its other end is closed."""
    stop = threading.Event()
    todo: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def heard(said: tuple[Any, ...]) -> None:
        if not said:
            stop.set()
        else:
            stop.clear()
            todo.put(said[0])

    for number in _TO_THE_PARENT:  # which hears them, too, and says what to do
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())  # to this process alone
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_THE_PARENT)
    listen(pipe.recv, heard)
    torch.set_num_threads(threads)
    while True:
        answer = do(todo.get(), stop.is_set)
        try:
            pipe.send(answer)
        except OSError:  # nobody is left to hear it
            return
