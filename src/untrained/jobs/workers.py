"""Several pictures at the same time, each in a process with its share of the cores.

One small picture leaves cores idle at every step; side by side they are kept busy.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing.synchronize import Event

import torch

from untrained.errors import InputError
from untrained.fitting import Callback, Progress, Scoring
from untrained.jobs.job import Job
from untrained.jobs.running import Outcome, run_job

__all__ = ["run_side_by_side"]


def run_side_by_side(
    jobs: Sequence[Job], *, workers: int, command: str = "", silent: bool = False
) -> Iterator[Outcome | InputError]:
    """Run jobs in several processes; give what came of each as it ends.

    The images are those of `run_job` with as many threads, to the bit; with more threads sums are
    rounded in another order, and a fit goes another way. Ctrl-C lets every running job write what
    it has; those not begun are left.

    Args:
        jobs: what to do.
        workers: how many at the same time; each has the cores of the machine divided by that.
        command: how the user asked for it, for the records.
        silent: whether the workers keep their progress to themselves.

    Raises:
        InputError: workers under 1.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}; wanted 1 or more")
    context = multiprocessing.get_context("spawn")  # a forked torch may hang in its threads
    cancelled = context.Event()
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=context,
        initializer=_begin, initargs=(threads, cancelled),
    )  # fmt: skip
    with pool:
        left = {pool.submit(_work, job, command, silent) for job in jobs}
        try:
            for future in as_completed(tuple(left)):
                left.discard(future)
                yield future.result()
        except KeyboardInterrupt:
            cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)
            for future in left:
                if not future.cancelled():
                    yield future.result()


class _Worker:
    """What a process was told when it began."""

    cancelled: Event


def _begin(threads: int, cancelled: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and sets the event
    torch.set_num_threads(threads)
    _Worker.cancelled = cancelled


def _work(job: Job, command: str, silent: bool) -> Outcome | InputError:
    def observers(label: str, scoring: Scoring) -> list[Callback]:
        # bars of several processes would overwrite each other
        return [] if silent else [Progress(label, scoring=scoring, bar=False)]

    try:
        outcome = run_job(
            job, observers=observers, cancelled=_Worker.cancelled.is_set, command=command
        )
    except InputError as error:
        return error
    return replace(outcome, results=(), picture=None)  # too large to send; they are in the files
