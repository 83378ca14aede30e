"""From object storage to object storage, through a server that fails now and then."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained.batches import LocalEngine, Settings, run_batch
from untrained.batches import addresses as places
from untrained.errors import FailedError, InputError
from untrained.images import Picture, write_picture

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (the extra `cloud`)")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_WAIT", 0.001)


def test_files_come_and_go_whole(tmp_path: Path) -> None:
    place = "memory://box/a/x.bin"
    assert places.stamp_of(place) is None
    places.write_bytes(place, b"one")
    before = places.stamp_of(place)
    places.write_bytes(place, b"three")
    assert places.stamp_of(place) != before
    places.fetch(place, tmp_path / "x.bin")
    assert (tmp_path / "x.bin").read_bytes() == b"three"
    assert list(places.names_in("memory://box/")) == ["memory:///box/a/x.bin"]  # no leftovers
    with pytest.raises(InputError, match="no such file"):
        places.read_bytes("memory://box/none")
    with pytest.raises(InputError, match="cannot be reached"):
        places.read_bytes("nonsense://box/none")


def test_what_fails_now_and_then_is_tried_again() -> None:
    left = [OSError("500"), TimeoutError("slow")]

    def do() -> str:
        if left:
            raise left.pop()
        return "done"

    assert places._tried("read", "s3://x", do) == "done"

    def never() -> str:
        raise OSError("503 from s3://x")

    with pytest.raises(FailedError, match=r"could not be read in 6 tries .*503"):
        places._tried("read", "s3://x", never)


class Flaky:
    """A WSGI application before another: every nth request to a picture fails."""

    def __init__(self, application: Any, every: int) -> None:
        self.application = application
        self.every = every
        self.count = self.failed = 0
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        with self.lock:
            self.count += environ["PATH_INFO"].startswith("/box/")
            bad = environ["PATH_INFO"].startswith("/box/") and self.count % self.every == 0
            self.failed += bad
        if bad:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("500 Internal Server Error", [("Content-Length", "0")])
            return [b""]
        return self.application(environ, start)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flaky]:
    pytest.importorskip("s3fs", reason="s3fs is not installed (the extra `cloud`)")
    server = pytest.importorskip("moto.server", reason="moto is not installed (the extra `test`)")
    from werkzeug.serving import make_server

    flaky = Flaky(server.DomainDispatcherApplication(server.create_backend_app), 4)
    running = make_server("127.0.0.1", 0, flaky, threaded=True)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{running.port}", "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    fsspec.filesystem("s3").mkdir("box")
    yield flaky
    running.shutdown()


def test_s3_in_and_s3_out_through_a_failing_server(
    tmp_path: Path, s3: Flaky, monkeypatch: pytest.MonkeyPatch, untrained: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for i in range(4):
        noise = np.random.default_rng(i).normal(0, 20, (32, 32, 1))
        pixels = np.clip(np.linspace(60, 190, 32)[:, None, None] + noise, 0, 255)
        write_picture(tmp_path / f"in/{i}.png", Picture.from_array(pixels.astype(np.uint8)))
        places.put(tmp_path / f"in/{i}.png", f"s3://box/in/{i}.png")
    shared = Settings(
        output="s3://box/out", task="denoise", options={"sigma": 20}, changes={"max_steps": "3"}
    )
    engine = LocalEngine(workers=1, threads=1)
    totals = run_batch(["s3://box/in/"], shared, engine)
    assert totals.counts == {"done": 4}
    assert s3.failed > 3
    assert run_batch(["s3://box/in/"], shared, engine).counts == {"before": 4}
    untrained("denoise", "in", "-o", "alone", "--sigma", 20, "--steps", 3, "--no-run")
    for i in range(4):
        data = places.read_bytes(f"s3://box/out/{i}.png")
        assert data == (tmp_path / f"alone/{i}.png").read_bytes()
    names = list(places.names_in("s3://box/out/untrained-batch/ledger/"))
    lines = [json.loads(x) for name in names for x in places.read_bytes(name).splitlines()]
    assert sum(line["status"] == "done" for line in lines) == 4
