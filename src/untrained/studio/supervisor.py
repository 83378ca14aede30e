"""Keeps the workers alive, and puts back the job of one that died."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
import time

from untrained.studio.queue import Queue
from untrained.studio.worker import WorkerOptions, remove_job
from untrained.studio.workspace import Workspace

__all__ = ["Supervisor"]

_GRACE = 30.0
_log = logging.getLogger(__name__)
_MOST_CRASHES = 2


class Supervisor:
    """The worker processes of a server."""

    def __init__(self, workspace: Workspace, queue: Queue, options: WorkerOptions) -> None:
        self.workspace = workspace
        self.queue = queue
        self.options = options
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Put back what the last server left, and start the workers."""
        for id_ in self.queue.given_up():
            remove_job(self.workspace, self.queue, id_)
        self.queue.requeue()
        self.processes = [self._spawn() for _ in range(self.options.workers)]

    async def watch(self) -> None:
        """Replace workers that die, until cancelled."""
        while True:
            await asyncio.sleep(0.5)
            for i, process in enumerate(self.processes):
                if process.poll() is None:
                    continue
                await asyncio.sleep(1.0)  # one that cannot start must not take all the time
                try:
                    self._bury(process)
                    self.processes[i] = self._spawn()
                except (sqlite3.OperationalError, OSError) as error:  # no disk, no memory: again
                    _log.warning("a worker cannot be replaced: %s", error)

    def stop(self) -> None:
        """Let every worker lay down its job, then end it."""
        for process in self.processes:
            if process.stdin is not None and process.poll() is None:
                try:
                    process.stdin.write(b"stop\n")
                    process.stdin.flush()
                except OSError:
                    pass  # it has just died
        deadline = time.monotonic() + _GRACE
        for process in self.processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "untrained.studio.worker", self.options.as_argument()]
        return subprocess.Popen(command, stdin=subprocess.PIPE)

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        for id_ in self.queue.claimed_by(process.pid):
            if self.queue.wanted(id_) == "delete":
                remove_job(self.workspace, self.queue, id_)
            elif self.queue.crashed(id_) < _MOST_CRASHES:
                self.queue.move(id_, ("running",), "queued")
            else:
                self.queue.move(
                    id_, ("running",), "failed",
                    error=f"the process that fitted it died twice (code {process.returncode}); "
                    "it may need more memory than there is: try a smaller picture or recipe",
                )  # fmt: skip
