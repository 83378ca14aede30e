"""However a command ends: by a signal, without a reader, by one bad picture among others."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil
import pytest
import torch

from untrained.cli import main
from untrained.fitting import Progress
from untrained.images import Picture, write_picture

Run = Callable[..., subprocess.CompletedProcess[str]]

QUICK = ("--set", "widths=8,8", "--steps", "10")
ENDLESS = ("--set", "widths=8,8", "--set", "stopper=FixedSteps", "--steps", "1000000",
           "--sigma", "20", "--checkpoint-every", "0")  # fmt: skip


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    names = [f"{name}.png" for name in "abc"]
    for i, name in enumerate(names):
        pixels = np.random.default_rng(i).integers(0, 255, (24, 32, 3)).astype(np.uint8)
        write_picture(tmp_path / name, Picture.from_array(pixels))
    return names


def raising(what: Callable[[], None], *, of: str = "") -> Callable[..., None]:
    """Return an `on_check` that does something at the looks of one picture, or of all."""

    def on_check(self: Progress, check: Any) -> None:
        if self.label.startswith(of):
            what()

    return on_check


# --- signals


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_keeps_the_best_so_far(
    name: str, code: int, pictures: list[str], untrained: Run, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setattr(
        Progress, "on_check", raising(lambda: signal.raise_signal(getattr(signal, name)))
    )
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    done = untrained("denoise", *pictures[:2], "-o", "out", *ENDLESS)
    assert done.returncode == code
    assert "untrained resume" in done.stdout
    assert [p.name for p in (tmp_path / "out").glob("*.png")] == ["a.png"], "b was not begun"
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_what_nohup_ignores_stays_ignored(
    pictures: list[str], untrained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Progress, "on_check", raising(lambda: signal.raise_signal(signal.SIGHUP)))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert untrained("denoise", "a.png", "-o", "out.png", *QUICK).returncode == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_ends_at_once_and_loses_nothing(
    pictures: list[str], untrained: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def twice(self: Progress, *_: Any) -> None:
        if any(tmp_path.glob("untrained-runs/*/checkpoint.pt")):  # it is written at a look's end
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Progress, "on_check", twice)
    monkeypatch.setattr(Progress, "on_end", twice)
    done = untrained("denoise", "a.png", "-o", "out.png", *ENDLESS)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (143, "untrained: interrupted")
    (folder,) = (tmp_path / "untrained-runs").iterdir()
    assert (folder / "checkpoint.pt").exists()
    monkeypatch.undo()
    monkeypatch.setattr(Progress, "on_check", raising(lambda: signal.raise_signal(signal.SIGINT)))
    assert untrained("resume", folder).returncode == 130
    assert (tmp_path / "out.png").exists()


@contextlib.contextmanager
def endless_batch(folder: Path, pictures: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a batch with two workers, wait until both fit, and leave nothing of it behind."""
    command = [sys.executable, "-m", "untrained", "denoise", *pictures, "-o", "out"]
    process = subprocess.Popen(
        [*command, *ENDLESS, "--workers", "2", "--json"], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        until(lambda: len(list(folder.glob("out/untrained-runs/*/checkpoint.pt"))) == 2)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 200
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.cli
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_workers_keep_the_best_so_far_when_their_whole_group_is_told_to_end(
    pictures: list[str], tmp_path: Path
) -> None:
    with endless_batch(tmp_path, pictures) as batch:
        children = psutil.Process(batch.pid).children(recursive=True)
        os.killpg(batch.pid, signal.SIGTERM)  # as systemd does
        output, errors = batch.communicate(timeout=120)
        assert batch.returncode == 143, errors
        told = [json.loads(line) for line in output.splitlines()]
        assert [line["status"] for line in told] == ["interrupted"] * 2
        assert all((tmp_path / line["output"]).exists() for line in told)
        assert not psutil.wait_procs(children, timeout=60)[1]


@pytest.mark.cli
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_workers_end_with_a_parent_that_is_killed(pictures: list[str], tmp_path: Path) -> None:
    with endless_batch(tmp_path, pictures) as batch:
        children = psutil.Process(batch.pid).children(recursive=True)
        assert len(children) >= 2
        batch.kill()
        assert not psutil.wait_procs(children, timeout=60)[1]


# --- one picture among others


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "ran out of memory"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
         "ran out of memory"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out of memory"),
        (ZeroDivisionError("division by zero"), "internal error: ZeroDivisionError"),
    ],
)  # fmt: skip
def test_one_picture_that_fails_costs_itself_alone(
    error: Exception, line: str, pictures: list[str], untrained: Run, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def fail() -> None:
        raise error

    monkeypatch.setattr(Progress, "on_check", raising(fail, of="a.png"))
    done = untrained("denoise", *pictures[:2], "-o", "out", *QUICK)
    assert done.returncode == 1
    (told,) = (x for x in done.stderr.splitlines() if x.startswith("untrained: "))
    assert told.startswith("untrained: a.png: ")
    assert line in told
    assert (tmp_path / "out" / "b.png").exists()
    alone = untrained("denoise", "a.png", "-o", "out.png", *QUICK)
    assert (alone.returncode, alone.stderr.splitlines()[-1]) == (1, told)
    again = untrained("denoise", *pictures[:2], "-o", "out", *QUICK, "--debug")
    assert type(error).__name__ in again.stderr
    assert "Traceback" in again.stderr


def test_bad_input_weighs_more_than_our_own_failure(
    pictures: list[str], untrained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.png").write_bytes(b"no picture at all")

    def fail() -> None:
        raise MemoryError

    monkeypatch.setattr(Progress, "on_check", raising(fail, of="a.png"))
    done = untrained("denoise", *pictures, "-o", "out", *QUICK)
    assert done.returncode == 2
    assert (tmp_path / "out" / "c.png").exists()


# --- standard output and error


def without_reader() -> IO[str]:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full() -> IO[str]:
    return Path("/dev/full").open("w", encoding="utf-8")


def closed() -> IO[str]:
    with Path(os.devnull).open("w", encoding="utf-8") as stream:
        return stream


STREAMS = [without_reader, closed, lambda: None]
STREAMS += [full] if Path("/dev/full").exists() else []


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("json_", [(), ("--json",)])
def test_a_lost_standard_output_costs_no_picture_and_is_told(
    stream: Callable[[], Any], json_: tuple[str, ...], pictures: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(stream()):
        code = main(["denoise", *pictures[:2], "-o", "out", *QUICK, *json_])
    assert code == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("untrained: standard output could")
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


@pytest.mark.parametrize("stream", STREAMS)
def test_a_lost_standard_error_costs_nothing(
    stream: Callable[[], Any], pictures: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stderr(stream()):
        code = main(["denoise", *pictures[:2], "none.png", "-o", "out", *QUICK])
    assert code == 2
    assert capsys.readouterr().out.count("stopped after") == 2


def test_names_that_the_encoding_lacks_are_printed_all_the_same(
    pictures: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").rename(tmp_path / "ä.png")
    with (tmp_path / "log").open("w", encoding="ascii") as log, contextlib.redirect_stdout(log):
        assert main(["denoise", "ä.png", "-o", "out.png", *QUICK]) == 0
    assert (tmp_path / "log").read_text().startswith("\\xe4.png")


@pytest.mark.cli
@pytest.mark.skipif(sys.platform == "win32", reason="preexec_fn")
def test_closed_standard_files_are_no_place_for_a_picture(
    pictures: list[str], untrained: Run, tmp_path: Path
) -> None:
    def close() -> None:
        for number in range(3):
            os.close(number)

    done = untrained("denoise", "a.png", "-o", "out.png", *QUICK, preexec=close)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert untrained("score", "a.png", "out.png").returncode == 0
