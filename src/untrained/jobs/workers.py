"""Several pictures at the same time, each in a process with its share of the cores.

One small picture leaves cores idle at every step; side by side they are kept busy.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait

import torch

from untrained.errors import FailedError, InputError
from untrained.fitting import Callback, Progress, Scoring
from untrained.jobs.attempts import Answer, attempt
from untrained.jobs.job import Job
from untrained.jobs.parents import listen
from untrained.jobs.running import Outcome

__all__ = ["run_side_by_side"]

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
    if workers < 1:
        raise InputError(f"workers is {workers}; wanted 1 or more")
    threads = max(1, (os.cpu_count() or 1) // workers)
    waiting = deque(jobs)
    crew: list[_Worker] = []
    stopped = False
    try:
        while True:
            try:
                if cancelled() and not stopped:
                    raise KeyboardInterrupt
                while waiting and not stopped and len(crew) < workers:
                    crew.append(_Worker(threads, command, silent))
                    crew[-1].begin(waiting.popleft())
                if not crew:
                    return
                for place in wait([worker.pipe for worker in crew]):
                    (worker,) = (worker for worker in crew if worker.pipe is place)
                    answer = worker.answer()
                    if worker.alive and waiting and not stopped:
                        worker.begin(waiting.popleft())
                    else:
                        crew.remove(worker)
                        worker.end()
                    yield answer
            except KeyboardInterrupt:
                if stopped:
                    raise
                stopped = True
                for worker in crew:
                    worker.stop()
    finally:
        for worker in crew:
            worker.end()


class _Worker:
    """A process that does one job after another, as its parent sees it."""

    def __init__(self, threads: int, command: str, silent: bool) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(
            target=_serve, args=(theirs, threads, command, silent), daemon=True
        )
        with _signals_held_back():
            resource_tracker.ensure_running()  # which lets some of them through again
        with _signals_held_back():  # until it knows what to do with them
            self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.alive = True

    def begin(self, job: Job) -> None:
        """Hand it a job."""
        self.job = job
        self._say(job)

    def stop(self) -> None:
        """Tell it to lay down its job with what it has."""
        self._say(None)

    def answer(self) -> Answer:
        """Return what came of its job; the worker is no longer `alive` if it has died of it."""
        try:
            answer: Answer = self.pipe.recv()
            return answer
        except (EOFError, OSError):
            self.alive = False
        self.process.join()
        assert self.job is not None
        code = self.process.exitcode or 0
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return FailedError(
            f"{self.job.source}: its worker was ended from outside ({how}), as the system does when"
            " memory runs out; use fewer --workers or a smaller picture, or run the command again"
        )

    def end(self) -> None:
        """End it at once, whatever it does; safe to call twice."""
        self.pipe.close()  # which it hears
        self.process.join(5)
        self.process.kill()
        self.process.join()

    def _say(self, said: Job | None) -> None:
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


def _serve(pipe: Connection, threads: int, command: str, silent: bool) -> None:
    """Do the jobs that come through a pipe, and answer each, until its other end is closed."""
    stop = threading.Event()
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()

    def heard(said: Job | None) -> None:
        if said is None:
            stop.set()
        else:
            stop.clear()
            todo.put(said)

    for number in _TO_THE_PARENT:  # which hears them, too, and says what to do
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())  # to this process alone
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_THE_PARENT)
    listen(pipe.recv, heard)
    torch.set_num_threads(threads)

    def observers(label: str, scoring: Scoring) -> list[Callback]:
        # bars of several processes would overwrite each other
        return [] if silent else [Progress(label, scoring=scoring, bar=False)]

    while True:
        answer = attempt(todo.get(), observers=observers, cancelled=stop.is_set, command=command)
        if isinstance(answer, Outcome):  # too large to send; they are in the files
            answer = replace(answer, results=(), picture=None)
        try:
            pipe.send(answer)
        except OSError:  # nobody is left to hear it
            return
