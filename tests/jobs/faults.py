"""A run whose file layer fails at the n-th call: the instrument of `test_faults.py`.

    python faults.py < TRIALS

A process of its own, since its children are forked: nothing but imports may have happened in it.
It reads a folder and its trials as JSON, a line each time, and prints a JSON object a trial, then
an empty line. In a trial the command runs with a fault at one call, then again without; what both
say, and what is on the disk at the end, is for the test to judge.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FAULTS = ("EIO", "ENOSPC", "MemoryError", "KeyboardInterrupt", "SIGKILL")

_NAMES = (
    "open", "fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "link", "ftruncate",
    "scandir", "write",
)  # fmt: skip


class Layer:
    """Counts the calls of the file layer that touch a folder; the n-th one fails."""

    def __init__(self, folder: Path, fault: str, at: int) -> None:
        self.folder = str(folder)
        self.fault = fault
        self.at = at
        self.calls: list[str] = []

    def install(self) -> None:
        import numpy as np
        import torch

        for name in _NAMES:
            setattr(os, name, self._counted(f"os.{name}", getattr(os, name)))
        torch.save = self._counted("torch.save", torch.save, always=True)  # type: ignore[assignment]
        np.save = self._counted("np.save", np.save, always=True)
        opened = io.open

        def open_(path: Any, mode: str = "r", *args: Any, **more: Any) -> Any:
            if self._is_inside(path):
                self._call(f"open {mode} {Path(str(path)).name}")
            file = opened(path, mode, *args, **more)
            writes = "b" in mode and mode != "rb" and self._is_inside(path)
            return _File(file, self) if writes else file

        io.open = builtins.open = open_  # type: ignore[assignment]

    def _counted(self, name: str, call: Callable[..., Any], *, always: bool = False) -> Any:
        def counted(*args: Any, **more: Any) -> Any:
            if always or self._is_inside(args[0] if args else "."):
                self._call(f"{name} {Path(str(args[0])).name if not always else ''}")
            return call(*args, **more)

        return counted

    def _is_inside(self, path: Any) -> bool:
        if isinstance(path, int):
            with contextlib.suppress(OSError):
                path = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115
        if not isinstance(path, (str, bytes, os.PathLike)):
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(self.folder)  # noqa: PTH100

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) - 1 != self.at:
            return
        if self.fault == "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "KeyboardInterrupt":
            raise KeyboardInterrupt
        if self.fault == "MemoryError":
            raise MemoryError
        number = getattr(errno, self.fault)
        raise OSError(number, os.strerror(number), self.folder)


class _File:
    """An open file whose writes are calls, too."""

    def __init__(self, file: Any, layer: Layer) -> None:
        self.file = file
        self.layer = layer

    def write(self, data: Any) -> int:
        self.layer._call("write")
        return int(self.file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def run(folder: Path, words: list[str], *, fault: str = "", at: int = -1) -> dict[str, Any]:
    """Run the command in a child; return its exit code (-9 = killed), what it said, its calls."""
    report = folder.parent / "report.json"
    report.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        signal.alarm(200)
        with contextlib.suppress(BaseException):
            _child(folder, words, report, fault, at)
        os._exit(99)
    _, status = os.waitpid(child, 0)
    said = {"out": "", "err": "", "calls": []}
    if report.exists():
        said = json.loads(report.read_text())
    return {**said, "code": os.waitstatus_to_exitcode(status)}


def _child(folder: Path, words: list[str], report: Path, fault: str, at: int) -> None:
    from untrained.cli import main

    os.chdir(folder)
    layer = Layer(folder, fault, at)
    out, err = io.StringIO(), io.StringIO()
    sys.stdout, sys.stderr = out, err
    opened, exit_ = io.open, os._exit
    layer.install()
    code = main(words)
    with opened(report, "w") as file:
        file.write(json.dumps(
            {"out": out.getvalue(), "err": err.getvalue(), "calls": layer.calls}
        ))  # fmt: skip
    exit_(code)


def trial(folder: Path, inputs: Path, words: list[str], fault: str, at: int) -> dict[str, Any]:
    """Run with a fault, then without; return what both said and what is on the disk then."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(inputs, folder)
    before = _inputs(folder, inputs)
    hurt = run(folder, words, fault=fault, at=at)
    again = run(folder, words)
    (record, *_) = [*folder.glob("untrained-runs/*/run.json"), None]
    return {
        "fault": fault, "at": at, "hurt": hurt, "again": again,
        "inputs kept": _inputs(folder, inputs) == before,
        "files": sorted(
            str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
        ),
        "output": _hash(folder / words[words.index("-o") + 1]),
        "record": None if record is None else json.loads(record.read_text()),
        "steps": {
            str(path.relative_to(folder)): [
                json.loads(line)["step"] for line in path.read_text().splitlines()
            ]
            for path in folder.rglob("metrics.jsonl")
        },
    }  # fmt: skip


def _inputs(folder: Path, inputs: Path) -> list[str]:
    return [_hash(folder / path.name) for path in sorted(inputs.iterdir())]


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def main_() -> None:
    import untrained.cli.restoring
    import untrained.jobs
    import untrained.report  # noqa: F401

    with contextlib.suppress(ImportError):
        import pyvips  # noqa: F401

    _warm_up()
    for line in sys.stdin:
        asked = json.loads(line)
        place = Path(asked["folder"])
        for words, fault, at in asked["trials"]:
            done = trial(place / "work", place / "inputs", words, fault, at)
            print(json.dumps({"words": words, **done}), flush=True)
        print(flush=True)


def _warm_up() -> None:
    """Load what torch loads at the first fit, so that no child need do it."""
    import numpy as np

    from untrained import find_recipe, restore, with_settings

    recipe = with_settings(find_recipe("denoise", "fast"), {"widths": "8", "max_steps": "2"})
    values = np.random.default_rng(0).random((16, 16, 3))
    restore(values, recipe=recipe)


if __name__ == "__main__":
    main_()
