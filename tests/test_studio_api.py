"""The API does what its description says, and the example of a client works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from studio_server import file_of, noisy, served
from untrained.studio.app import Studio, create_app
from untrained.studio.safety import Safety
from untrained.studio.worker import WorkerOptions

HERE = "http://127.0.0.1:8710"
EXAMPLE = Path(__file__).parent.parent / "examples" / "studio_client.py"


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    options = WorkerOptions(workspace=str(tmp_path_factory.mktemp("api")), max_pixels=10_000)
    studio = Studio.open(options, Safety.for_loopback(8710, max_upload=1_000_000))
    schema = schemathesis.openapi.from_asgi(
        "/api/openapi.json", create_app(studio), headers={"host": "127.0.0.1:8710"}
    )
    schema.config.base_url = HERE
    return schema.exclude(path="/api/events")  # it never ends


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(
    max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck), derandomize=True,
)  # fmt: skip
def test_the_api_keeps_to_its_description(case: Any) -> None:
    case.call_and_validate(headers={"host": "127.0.0.1:8710"})


def test_every_address_says_what_it_does(described: Any) -> None:
    for path, operations in described.raw_schema["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], f"{method} {path}"
            assert {"400", "401", "403"} <= operation["responses"].keys()


def test_the_example_restores_a_picture(tmp_path: Path, scene: Callable[..., Any]) -> None:
    (tmp_path / "in.png").write_bytes(file_of(tmp_path, "in.png", noisy(scene(24, 24))))
    with served(tmp_path / "workspace") as server:
        done = subprocess.run(
            [sys.executable, str(EXAMPLE), server.address, "in.png", "out.png",
             "max_steps=20", "network.widths=8,8"],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout
    assert (tmp_path / "out.png").exists()
