"""The API does what its description says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis

# Loaded here, not when first used: Python 3.11 cannot parse while hypothesis counts collections.
import schemathesis.specs.openapi.schemas
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from studio_server import file_of, noisy

from untrained.studio.app import create_app
from untrained.studio.safety import Safety
from untrained.studio.studio import Studio
from untrained.studio.worker import WorkerOptions

HERE = "http://127.0.0.1:8710"
OWN = {"host": "127.0.0.1:8710"}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    options = WorkerOptions(workspace=str(tmp_path_factory.mktemp("api")), max_pixels=10_000)
    studio = Studio.open(options, Safety.for_loopback(8710, max_upload=1_000_000))
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", create_app(studio), headers=OWN)
    schema.config.base_url = HERE
    return schema.exclude(path="/api/events")  # it never ends


@pytest.fixture
def small(scene: Callable[..., Any], tmp_path: Path) -> bytes:
    return file_of(tmp_path, "small.png", noisy(scene(16, 16)))


def test_the_api_keeps_to_its_description(described: Any, small: bytes) -> None:
    """Whatever is sent, the answer is one of those that are described."""
    client = TestClient(described.app, base_url=HERE)
    picture = client.post("/api/pictures", files={"file": ("a.png", small)}).json()["id"]
    request = {"task": "denoise", "picture": picture}
    job = client.post("/api/jobs", json=request).json()["id"]
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=8, deadline=None, database=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def check(case: Any) -> None:
            case.call_and_validate(headers=OWN, excluded_checks=[positive_data_acceptance])
            if case.path_parameters.get("id") and case.method != "DELETE":  # of things there are
                case.path_parameters["id"] = picture if "/pictures/" in case.path else job
                case.call_and_validate(headers=OWN, excluded_checks=[positive_data_acceptance])

        check()
        tried += 1
    assert tried > 20


def test_every_address_says_what_it_does(described: Any) -> None:
    for path, operations in described.raw_schema["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], f"{method} {path}"
            assert {"400", "401", "403"} <= operation["responses"].keys()
