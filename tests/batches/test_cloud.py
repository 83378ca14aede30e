"""From object storage to object storage, through a server that fails now and then."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import torch
from batch_extras import needed

from untrained.batches import (
    Account,
    Engine,
    LocalEngine,
    Piece,
    Settings,
    do_piece,
    entries_in,
    run_batch,
)
from untrained.batches import addresses as places
from untrained.errors import FailedError, InputError
from untrained.images import Picture, write_picture

fsspec = needed("fsspec")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(places, "_WAIT", 0.001)
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as the workers have
    yield
    torch.set_num_threads(before)


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


class Stalls:
    """A file system of its own library, without a request that can be ended: one call hangs."""

    def __init__(self) -> None:
        self.ends = threading.Event()

    def info(self, name: str) -> dict[str, int]:
        self.ends.wait(60)
        return {"size": 3}


def test_a_call_that_hangs_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNTRAINED_STORAGE_TIMEOUT", "0.05")
    system = Stalls()
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer"):
        places._asked(system, "info", "x")
    assert time.monotonic() - began < 30
    system.ends.set()
    monkeypatch.setenv("UNTRAINED_STORAGE_TIMEOUT", "soon")
    with pytest.raises(InputError, match="wanted seconds"):
        places._asked(system, "info", "x")


class Faulty:
    """A WSGI application before another, which does each of these to some requests of pictures.

    error: 500; reset: the connection is cut; half: of the answer; stall: no answer for long;
    trickle: a byte now and then, which no library's own timeout ends.
    """

    kinds = ("error", "half", "reset", "stall", "trickle")

    def __init__(self, application: Any, every: int) -> None:
        self.application = application
        self.every = every
        self.count = 0
        self.done: Counter[str] = Counter()
        self.ends = threading.Event()
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        if not environ["PATH_INFO"].startswith("/box/"):
            return self.application(environ, start)
        with self.lock:
            self.count += 1
            number, left = divmod(self.count, self.every)
            slow = number > 2 * len(self.kinds)  # each of these takes as long as we wait for it
            kind = "" if left else self.kinds[number % (3 if slow else len(self.kinds))]
            self.done[kind] += 1
        return getattr(self, kind)(environ, start) if kind else self.application(environ, start)

    def error(self, environ: dict[str, Any], start: Any) -> Any:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start("500 Internal Server Error", [("Content-Length", "0")])
        return [b""]

    def reset(self, environ: dict[str, Any], start: Any) -> Any:
        connection = environ["werkzeug.socket"]
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        raise ConnectionAbortedError

    def half(self, environ: dict[str, Any], start: Any) -> Any:
        data = b"".join(self.application(environ, start))
        return [data[: len(data) // 2]]

    def stall(self, environ: dict[str, Any], start: Any) -> Any:
        self.ends.wait(60)
        return self.error(environ, start)

    def trickle(self, environ: dict[str, Any], start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Length", "1000000")])
        while not self.ends.wait(0.2):
            yield b"x"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    needed("s3fs")
    server = needed("moto.server")
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *words: Any) -> None:
            pass

    faulty = Faulty(server.DomainDispatcherApplication(server.create_backend_app), 10**9)
    running = make_server("127.0.0.1", 0, faulty, threaded=True, request_handler=Quiet)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{running.port}", "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    urlopen(Request(f"http://127.0.0.1:{running.port}/moto-api/reset", method="POST")).close()
    fsspec.filesystem("s3").clear_instance_cache()
    fsspec.filesystem("s3").mkdir("box")
    yield faulty
    faulty.ends.set()
    running.shutdown()
    fsspec.filesystem("s3").clear_instance_cache()


class Here:
    """An engine of this process, so that none has to be begun."""

    def run(self, pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Account]]:
        for piece in pieces:
            yield piece, do_piece(piece)


def pictures(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{i}.png" for i in range(count)]
    for i, path in enumerate(paths):
        noise = np.random.default_rng(i).normal(0, 20, (24, 24, 1))
        pixels = np.clip(np.linspace(60, 190, 24)[:, None, None] + noise, 0, 255)
        write_picture(path, Picture.from_array(pixels.astype(np.uint8)))
    return paths


def of_bucket(**others: Any) -> Settings:
    changes = {"max_steps": "2"}
    options = {"sigma": 20}
    return Settings(
        output="s3://box/out", task="denoise", options=options, changes=changes, **others
    )


@pytest.mark.parametrize(
    ("count", "engine"),
    [(4, Here()), pytest.param(40, LocalEngine(workers=2, threads=1), marks=pytest.mark.slow)],
)
def test_s3_in_and_s3_out_through_a_server_that_fails_stalls_and_cuts(
    tmp_path: Path, s3: Faulty, monkeypatch: pytest.MonkeyPatch, count: int, engine: Engine
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = pictures(tmp_path / "in", count)
    for path in paths:
        places.put(path, f"s3://box/in/{path.name}")
    monkeypatch.setenv("UNTRAINED_STORAGE_TIMEOUT", "1")
    s3.every, s3.count = 4, 0
    totals = run_batch(["s3://box/in/"], of_bucket(), engine)
    assert totals.counts == {"done": count}
    assert set(s3.done) == {"", *s3.kinds}
    s3.every = 10**9
    assert run_batch(["s3://box/in/"], of_bucket(), engine).counts == {"before": count}
    alone = Settings(
        output="alone", task="denoise", options={"sigma": 20}, changes={"max_steps": "2"}
    )
    run_batch(["in"], alone, Here())
    for path in paths:
        data = places.read_bytes(f"s3://box/out/{path.name}")
        assert data == (tmp_path / "alone" / path.name).read_bytes()
    names = list(places.names_in("s3://box/out/untrained-batch/ledger/"))
    lines = [json.loads(x) for name in names for x in places.read_bytes(name).splitlines()]
    assert sum(line["status"] == "done" for line in lines) == count


def test_an_output_of_which_no_tag_was_told_is_known_by_its_bytes(
    tmp_path: Path, s3: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (path,) = pictures(tmp_path / "in", 1)
    places.put(path, "s3://box/in/0.png")
    with monkeypatch.context() as patch:  # as half a listing seems to say
        patch.setattr("untrained.batches.work.stamp_of", lambda place: None)
        assert run_batch(["s3://box/in/"], of_bucket(), Here()).counts == {"done": 1}
    assert run_batch(["s3://box/in/"], of_bucket(), Here()).counts == {"before": 1}
    target = "s3://box/out/0.png"
    places.write_bytes(target, places.read_bytes(target)[:-1])
    assert run_batch(["s3://box/in/"], of_bucket(), Here()).counts == {"refused": 1}


def test_a_server_that_is_gone_costs_a_failure_and_no_more(
    tmp_path: Path, s3: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "_TRIES", 2)
    (path,) = pictures(tmp_path / "in", 1)
    places.put(path, "s3://box/in/0.png")
    monkeypatch.setenv("UNTRAINED_STORAGE_TIMEOUT", "0.5")
    s3.kinds, s3.every = ("stall",), 1
    with pytest.raises(FailedError, match=r"could not be (fetched|looked at) in 2 tries"):
        places.fetch("s3://box/in/0.png", tmp_path / "copy.png")


def test_a_bucket_that_is_not_there_or_not_ours_is_told_in_a_line(
    s3: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("s3://nobody/in/", "s3://nobody/*.png"):
        with pytest.raises(InputError, match="no files there"):
            list(entries_in([place], of_bucket()))
    with pytest.raises(InputError, match="no such file"):
        list(entries_in(["s3://nobody/list.csv"], of_bucket()))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(InputError, match="no credentials"):
        list(entries_in(["s3://box/in/"], of_bucket()))

    def forbidden(environ: dict[str, Any], start: Any) -> Any:
        start("403 Forbidden", [("Content-Length", "0")])
        return [b""]

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    s3.application = forbidden
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(InputError, match="no permission"):
        list(entries_in(["s3://box/in/"], of_bucket()))


def test_an_answer_without_a_tag_is_asked_for_again(
    s3: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.write_bytes("s3://box/a.txt", b"a")
    stamp = places.stamp_of("s3://box/a.txt")
    answers = [{"type": "file", "size": 1000000, "ETag": None}]
    asked = places._asked

    def stumbling(*arguments: Any, **others: Any) -> Any:
        return answers.pop() if answers else asked(*arguments, **others)

    monkeypatch.setattr(places, "_asked", stumbling)
    assert places.stamp_of("s3://box/a.txt") == stamp
    assert not answers
