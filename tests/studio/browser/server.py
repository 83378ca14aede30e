"""A studio in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from untrained.images import read_picture


class Studio:
    """A server process; it can be killed and started again."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.arguments = arguments
        self.workspace = folder / "workspace"
        self.log = folder / "server.log"
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start at any port, or again at the same one."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "untrained", "studio", "--workspace", str(self.workspace),
                 "--port", str(self.port), "--no-browser", "--checkpoint-every", "0.5",
                 *self.arguments],
                stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "http://" in line:
                self.port = int(line.split("http://")[1].split("/")[0].rsplit(":", 1)[1])
                return
        raise AssertionError(f"the server did not start: {self.log.read_text()}")

    def kill(self) -> None:
        """kill -9 the server alone: its worker has to notice."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server as Ctrl-C does."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api{path}", timeout=60) as answer:
            return json.load(answer)

    def job(self, id_: str) -> dict[str, Any]:
        job: dict[str, Any] = self.get(f"/jobs/{id_}")
        return job

    def wait(self, id_: str, *statuses: str, timeout: float = 150) -> dict[str, Any]:
        """Wait until a job has one of these states."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            job = self.job(id_)
            if job["status"] in statuses:
                return job
            time.sleep(0.2)
        raise AssertionError(f"the job is {job['status']} at step {job['step']}: {job['error']}")

    def result(self, id_: str) -> NDArray[Any]:
        """The pixels in the job's folder."""
        (path,) = [
            path
            for path in (self.workspace / "jobs" / id_).glob("result.*")
            if path.suffix in (".png", ".tif", ".tiff")
        ]
        return read_picture(path).pixels
