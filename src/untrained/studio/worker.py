"""A process that takes jobs from the queue and fits them, one after another.

    python -m untrained.studio.worker OPTIONS-AS-JSON

It belongs to the server that started it: on the line "stop" it lays down its job, to be gone on
with, and ends; when the pipe to the server breaks it ends at once, and the checkpoint is enough.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from untrained.errors import InputError
from untrained.fitting import Callback, Scoring
from untrained.images import orientation_of, upright_size
from untrained.jobs import Outcome, listen, run_job
from untrained.jobs.runs import now
from untrained.studio.extending import KeepState, can_be_extended, prepared
from untrained.studio.models import JobRequest
from untrained.studio.pictures import Pictures, without_paths
from untrained.studio.queue import Entry, Queue
from untrained.studio.requests import Requests, warm_up
from untrained.studio.screen import profile_in
from untrained.studio.strength import asked_of
from untrained.studio.watching import LatestImage, Watcher
from untrained.studio.workspace import Workspace
from untrained.tasks import find_task

__all__ = ["Worker", "WorkerOptions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerOptions:
    """What a server tells its workers.

    Attributes:
        workspace: its folder.
        device: where fits run.
        workers: how many share the cores.
        max_pixels: larger pictures are refused.
        checkpoint_every: in seconds.
    """

    workspace: str
    device: str = "auto"
    workers: int = 1
    max_pixels: int = 100_000_000
    checkpoint_every: float = 10.0

    def as_argument(self) -> str:
        """Return the options as JSON."""
        return json.dumps(asdict(self))


class Worker:
    """Take jobs and fit them until told to leave."""

    def __init__(self, options: WorkerOptions) -> None:
        self.workspace = Workspace(Path(options.workspace))
        self.queue = Queue(self.workspace.database)
        pictures = Pictures(self.workspace, self.queue, max_pixels=options.max_pixels)
        self.requests = Requests(
            pictures=pictures, device=options.device, checkpoint_every=options.checkpoint_every
        )
        self.leaving = threading.Event()

    def run(self) -> None:
        """Work until `leaving` is set."""
        while not self.leaving.is_set():
            entry = self.queue.claim(os.getpid())
            if entry is None:
                self.leaving.wait(0.2)
            else:
                self.work(entry)

    def work(self, entry: Entry) -> None:
        """Do one job, and enter what came of it."""
        request = asked_of(entry)
        names: dict[Path, str] = {}
        try:
            names = self.requests.names(request)
            outcome = self._fit(entry, request)
        except InputError as error:
            self._end(entry, "failed", error=without_paths(str(error), names))
        except Exception as error:
            traceback.print_exc()
            line = " ".join(f"internal error: {type(error).__name__}: {error}".splitlines())
            self._end(entry, "failed", error=without_paths(line, names))
        else:
            if outcome.status == "interrupted" and self.queue.wanted(entry.id) == "":
                # the server is closing: the next one goes on with it
                self.queue.move(entry.id, ("running",), "queued")
                return
            status = "stopped" if outcome.status == "interrupted" else "finished"
            extendable = can_be_extended(self.workspace, entry.id)
            self._end(entry, status, extendable=extendable, **_facts(outcome))

    def _fit(self, entry: Entry, request: JobRequest) -> Outcome:
        folder = self.workspace.job(entry.id)
        folder.mkdir(exist_ok=True)
        self.queue.update(
            entry.id, started=entry.state.get("started") or now(), ended=None, error=None,
            stop_reason=None, kept_step=None, taken_step=None,
        )  # fmt: skip
        job = self.requests.job(entry.id, request)
        if "extended" in entry.state:
            job = prepared(self.workspace, job, entry.state["extended"], entry.state["more_steps"])
        run = job.folder().path
        for path in run.glob("kept.*"):  # of a result that is about to be replaced
            path.unlink()
        pages = int(entry.state.get("pages", 1))
        facts = self.queue.picture(request.picture) or {}
        orientation = facts.get("orientation", 1)
        icc = None if facts.get("kind") == "scan" else profile_in(job.source)
        fits = pages
        if request.options.get("joint") is not None:  # of several pages each
            fits = len(find_task(job.task).windows(job.read_source(), job.options)[0])
        watchers: list[Watcher] = []

        def tell(**state: Any) -> None:
            self.queue.update(entry.id, **state)

        def observers(label: str, scoring: Scoring) -> Sequence[Callback]:
            watchers.append(Watcher(tell, earlier=tuple(watchers), pages=fits))
            look = functools.partial(find_task(job.task).look, options=job.options)
            latest = LatestImage(folder, orientation=orientation, look=look, icc=icc)
            callbacks = [watchers[-1], latest]
            # the end of a stack's fits is not gone on with
            return [*callbacks, KeepState(run)] if pages == 1 else callbacks

        def cancelled() -> bool:
            return self.leaving.is_set() or self.queue.wanted(entry.id) != ""

        return run_job(
            job, observers=observers, cancelled=cancelled, command=str(entry.state["command"])
        )

    def _end(self, entry: Entry, status: str, **state: Any) -> None:
        if not self.queue.move(
            entry.id, ("running",), status, ended=now(), seconds_left=None, **state
        ):  # it is to be deleted
            remove_job(self.workspace, self.queue, entry.id)


def remove_job(workspace: Workspace, queue: Queue, id_: str) -> None:
    """Delete a job, its folder, and the pictures that no other job uses."""
    pictures = queue.pictures_of(id_)
    shutil.rmtree(workspace.job(id_), ignore_errors=True)
    queue.delete_job(id_)
    for picture in pictures:
        if queue.delete_picture(picture):
            shutil.rmtree(workspace.picture(picture), ignore_errors=True)


def _facts(outcome: Outcome) -> dict[str, Any]:
    """Return what the queue keeps of a result; of a stack, the last page's."""
    results = outcome.record["results"]
    if not results:  # every page was finished before
        return {}
    last = results[-1]
    height, width = outcome.record["size"][1:3]
    if outcome.picture is not None:
        height, width = upright_size((height, width), orientation_of(outcome.picture))
    return {
        "width": width,
        "height": height,
        "stop_reason": last["stop_reason"],
        "kept_step": last["kept_step"],
    }


def main(argument: str) -> None:
    """Work for the server at the other end of standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to hear
    options = WorkerOptions(**json.loads(argument))
    if options.workers > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // options.workers))
    worker = Worker(options)

    def receive() -> str:
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.strip()

    def heard(line: str) -> None:
        if line == "stop":
            worker.leaving.set()

    listen(receive, heard)
    warm_up()
    worker.run()


if __name__ == "__main__":
    main(sys.argv[1])
