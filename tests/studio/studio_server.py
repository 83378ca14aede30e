"""A studio for tests: a server in a process of its own, and a client that talks to it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from numpy.typing import NDArray

from untrained.images import Picture, write_picture

ENDED = ("finished", "stopped", "failed")


class Server:
    """`untrained studio` in a process."""

    def __init__(self, workspace: Path, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "untrained", "studio", "--no-browser", "--port", "0",
             "--workspace", workspace, *map(str, arguments)],
            stdout=subprocess.PIPE, text=True, cwd=workspace.parent,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.address = line.partition(" at ")[2].split()[0]
        self.workers = psutil.Process(self.process.pid).children(recursive=True)
        self.client = httpx.Client(base_url=self.address, timeout=60)

    def kill(self) -> None:
        """Kill the server, and wait for its workers to notice."""
        self.process.kill()
        self.process.wait()
        _, alive = psutil.wait_procs(self.workers, timeout=100)  # at once, on a quiet machine
        assert not alive, "a worker outlived its server"

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(100)

    def upload(self, name: str, data: bytes, **query: str) -> dict[str, Any]:
        answer = self.client.post("/api/pictures", files={"file": (name, data)}, params=query)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def start(self, picture: str, task: str = "denoise", **request: Any) -> dict[str, Any]:
        answer = self.client.post("/api/jobs", json={"task": task, "picture": picture, **request})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def job(self, id_: str) -> dict[str, Any]:
        return dict(self.client.get(f"/api/jobs/{id_}").json())

    def wait(self, id_: str, *statuses: str, step: int = 0, seconds: float = 150) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.job(id_)
            if job["status"] in (statuses or ENDED) and job["step"] >= step:
                return job
            assert not statuses or job["status"] not in ENDED, job
            time.sleep(0.05)
        raise AssertionError(f"still {job}")

    def do(self, id_: str, what: str, **body: Any) -> dict[str, Any]:
        answer = self.client.post(f"/api/jobs/{id_}/{what}", json=body or None)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def get(self, id_: str, what: str) -> bytes:
        answer = self.client.get(f"/api/jobs/{id_}/{what}")
        assert answer.status_code == 200, answer.text
        return answer.content


@contextmanager
def served(workspace: Path, *arguments: object) -> Iterator[Server]:
    server = Server(workspace, *arguments)
    try:
        yield server
    finally:
        server.close()


def file_of(folder: Path, name: str, values: NDArray[Any]) -> bytes:
    """Return the bytes of a picture file."""
    path = folder / f"of-{os.getpid()}-{name}"
    write_picture(path, Picture.from_array(values))
    return path.read_bytes()


def pixels_of(data: bytes) -> NDArray[Any]:
    """Return the values of a PNG."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


def noisy(scene: NDArray[np.float64], seed: int = 0, white: int = 255) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    values = np.rint(white * (scene + rng.normal(0, 0.06, scene.shape)).clip(0, 1))
    return values.astype(np.uint8 if white == 255 else np.uint16)
