"""A studio in a process of its own, for the benchmarks of it."""

from __future__ import annotations

import io
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
from PIL import Image

ENDED = ("finished", "stopped", "failed")


class Served:
    """A running server: its client, and its process."""

    def __init__(self, address: str, process: subprocess.Popen[str]) -> None:
        self.address = address
        self.process = psutil.Process(process.pid)
        self.client = httpx.Client(base_url=address, timeout=120)

    def upload(self, name: str, pixels: np.ndarray) -> str:
        """Send a picture; return its id."""
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
        answer = self.client.post("/api/pictures", files={"file": (name, buffer.getvalue())})
        return str(answer.raise_for_status().json()["id"])

    def start(self, picture: str, **request: Any) -> str:
        """Queue a job; return its id."""
        body = {"task": "denoise", "picture": picture, **request}
        return str(self.client.post("/api/jobs", json=body).raise_for_status().json()["id"])

    def wait(self, job: str) -> dict[str, Any]:
        """Return a job when it has ended."""
        while True:
            found = dict(self.client.get(f"/api/jobs/{job}").raise_for_status().json())
            if found["status"] in ENDED:
                return found
            time.sleep(1)


@contextmanager
def served(workspace: Path, *, env: dict[str, str] | None = None) -> Iterator[Served]:
    """Yield a studio that ends with the block; `env` instead of this process's environment."""
    command = [sys.executable, "-m", "untrained", "studio", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--workspace", str(workspace)], stdout=subprocess.PIPE, text=True, env=env
    )
    try:
        assert process.stdout is not None
        yield Served(process.stdout.readline().partition(" at ")[2].split()[0], process)
    finally:
        process.terminate()
        process.wait(60)


def noisy(side: int, seed: int = 0) -> np.ndarray:
    """Return a picture with something in it, and noise."""
    y, x = np.mgrid[0:side, 0:side] / side
    rng = np.random.default_rng(seed)
    scene = np.stack([0.5 + 0.4 * np.sin(k * (x + y**2)) for k in (7, 11, 17)], axis=-1)
    return np.rint(255 * (scene + rng.normal(0, 0.1, scene.shape)).clip(0, 1)).astype(np.uint8)
