"""`untrained studio`: what it says, and what it refuses."""

from __future__ import annotations

import ipaddress
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from studio_server import served

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from untrained.cli import main; main(['studio', '--help']); main(['--help']); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'fastapi', 'uvicorn', 'pydantic')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--workspace" in done.stdout


def test_a_missing_extra_is_one_line(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None; from untrained.cli import main; "
        "sys.exit(main(['studio', '--no-browser']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "pip install 'untrained[studio]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("arguments", "wanted"), [
    (("--port", "70000"), "port is 70000; wanted"),
    (("--workers", "0"), "workers is 0; wanted 1 or more"),
    (("--host", "no.such.host.invalid"), "is unknown; wanted an address of this machine"),
])  # fmt: skip
def test_bad_options_are_one_line(
    arguments: tuple[str, ...], wanted: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from untrained.cli import main

    assert main(["studio", "--no-browser", "--workspace", str(tmp_path / "w"), *arguments]) == 2
    assert wanted in " ".join(capsys.readouterr().err.split())


def test_it_serves_until_interrupted(tmp_path: Path, untrained: Run) -> None:
    with served(tmp_path / "workspace", "--host", "127.0.0.1") as server:
        assert server.address.startswith("http://127.0.0.1:")
        page = server.client.get("/")
        assert page.status_code == 200
        assert "untrained" in page.text.lower()
        again = untrained("studio", "--no-browser", "--workspace", tmp_path / "workspace")
        assert again.returncode == 2
        assert "another studio uses this workspace" in " ".join(again.stderr.split())
        with httpx.stream("GET", f"{server.address}api/events") as events:  # a tab is open
            assert events.status_code == 200
            server.process.send_signal(signal.SIGINT)
            server.process.wait(60)
        assert server.process.returncode == 0
        assert not [worker for worker in server.workers if worker.is_running()]


def test_on_a_network_the_printed_address_has_the_token(tmp_path: Path) -> None:
    with served(tmp_path / "workspace", "--host", "0.0.0.0") as server:
        port, token = server.address.split(":")[2].split("/?token=")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            assert client.get("/api/jobs").status_code == 401
            bearer: dict[str, Any] = {"authorization": f"Bearer {token}"}
            assert client.get("/api/jobs", headers=bearer).status_code == 200
            page = client.get("/", headers={"accept": "text/html"})
            assert page.status_code == 401
            assert "untrained studio</code> printed" in page.text
            assert client.get("/?token=wrong", headers={"accept": "text/html"}).text == page.text
            assert client.get("/?xtoken=1").status_code == 401
            assert client.get(f"/?token={token}", follow_redirects=True).status_code == 200
            assert client.get("/api/jobs").status_code == 200


def test_other_machines_are_told_addresses_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    from untrained.cli.studio import _announce
    from untrained.studio.serve import own_addresses

    for name in own_addresses():
        assert not ipaddress.ip_address(name).is_loopback
    _announce(["http://192.0.2.7:8710/?token=abc", "http://host:8710/?token=abc"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The studio is at http://192.0.2.7:8710/?token=abc  (Ctrl-C ends it)"
    assert lines[1].endswith("or http://host:8710/?token=abc")
    assert len(lines) > 12
    assert any("\u2588" in line or "\u2580" in line for line in lines[2:])
    _announce(["http://127.0.0.1:8710/"])
    assert len(capsys.readouterr().out.splitlines()) == 1, "nobody else comes in: no code"
