"""What a kill costs: nothing but time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from studio_server import Server, file_of, noisy, served

SETTINGS = {"max_steps": 240, "network.widths": [8, 8], "stopper": "FixedSteps"}


def test_a_killed_server_goes_on_and_ends_the_same(
    tmp_path: Path, scene: Callable[..., Any]
) -> None:
    workspace = tmp_path / "workspace"
    server = Server(workspace, "--checkpoint-every", 0)
    data = file_of(tmp_path, "in.png", noisy(scene(32, 40)))
    picture = server.upload("in.png", data)["id"]
    killed = server.start(picture, settings=SETTINGS)["id"]
    queued = server.start(picture, settings=SETTINGS)["id"]
    step = server.wait(killed, "running", step=20)["step"]
    server.kill()
    assert list((workspace / "jobs" / killed / "runs").glob("*/checkpoint.pt"))

    with served(workspace, "--checkpoint-every", 0) as server:
        job = server.wait(killed, "running", step=1)
        assert job["step"] >= step, "it went on"
        assert server.wait(killed, "finished")["step"] == 240
        assert server.wait(queued, "finished")["step"] == 240
        assert server.get(killed, "result") == server.get(queued, "result")

        # a worker that dies is replaced, and its job goes on
        again = server.start(picture, settings=SETTINGS, seed=1)["id"]
        server.wait(again, "running", step=20)
        (worker,) = psutil.Process(server.process.pid).children()
        worker.kill()
        assert server.wait(again, "finished")["step"] == 240

        # Ctrl-C lays the job down in the midst of it, to be gone on with
        last = server.start(picture, settings={**SETTINGS, "max_steps": 100_000})["id"]
        step = server.wait(last, "running", step=20)["step"]
        server.process.terminate()
        server.process.wait(100)
    with served(workspace) as server:
        assert step <= server.wait(last, "running", step=1)["step"] < 100_000
        assert server.client.delete(f"/api/jobs/{last}").status_code == 204
