"""Pictures from standard input and to standard output."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from untrained.cli import main
from untrained.images import picture_kind, read_picture

QUICK = ("--set", "widths=4", "--steps", "8")

Piped = Callable[..., tuple[int, bytes, str]]


class Pipe(io.TextIOWrapper):
    """A standard stream; its bytes can be had when it is closed."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        self.bytes = io.BytesIO(data)
        self.terminal = terminal
        super().__init__(self.bytes, write_through=True)

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def piped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Piped:
    """Return a function that gives the exit code, standard output and what is said of a command."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def run(*words: str, data: bytes = b"", terminal: str = "") -> tuple[int, bytes, str]:
        ends = {name: Pipe(data if name == "stdin" else b"", terminal=name == terminal)
                for name in ("stdin", "stdout", "stderr")}  # fmt: skip
        with monkeypatch.context() as patch:
            for name, stream in ends.items():
                patch.setattr(sys, name, stream)
            code = main(words)
        assert not list((tmp_path / "temporary").iterdir())
        return code, ends["stdout"].bytes.getvalue(), ends["stderr"].bytes.getvalue().decode()

    return run


def encoded(kind: str) -> bytes:
    values = np.random.default_rng(0).integers(60, 200, (20, 24, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "more", "wanted"),
    [
        ("PNG", (), "png"), ("JPEG", (), "jpeg"), ("TIFF", (), "tiff"), ("BMP", (), "png"),
        ("PPM", ("--format", "webp"), "webp"), ("PNG", ("--format", "npy"), "npy"),
    ],
)  # fmt: skip
def test_from_pipe_to_pipe(
    piped: Piped, tmp_path: Path, kind: str, more: tuple[str, ...], wanted: str
) -> None:
    code, out, said = piped("denoise", "-", "-o", "-", *QUICK, *more, data=encoded(kind))
    assert code == 0, said
    assert "standard input → standard output" in said
    assert str(tmp_path) not in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["temporary"]  # no runs
    (tmp_path / "got").write_bytes(out)
    assert picture_kind(tmp_path / "got") == wanted
    assert read_picture(tmp_path / "got").pixels.shape == (1, 20, 24, 3)


def test_the_picture_is_that_of_files(piped: Piped, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    assert piped("denoise", "a.png", "-o", "b.png", "--no-run", *QUICK)[0] == 0
    wanted = read_picture(tmp_path / "b.png").pixels
    code, out, said = piped("denoise", "a.png", "-o", "-", "--quiet", *QUICK)
    assert (code, said) == (0, "")
    (tmp_path / "c.png").write_bytes(out)
    code, out, said = piped("denoise", "-", "-o", "d.png", *QUICK, data=encoded("PNG"))
    assert code == 0
    assert b"standard input \xe2\x86\x92 d.png" in out
    for name in ("c.png", "d.png"):
        np.testing.assert_array_equal(read_picture(tmp_path / name).pixels, wanted)
    assert not (tmp_path / "untrained-runs").exists()


def test_in_a_chain_of_processes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    command = [sys.executable, "-m", "untrained"]
    with subprocess.Popen(
        [*command, "denoise", "-", "-o", "-", "--quiet", *QUICK], cwd=tmp_path,
        stdin=(tmp_path / "a.png").open("rb"), stdout=subprocess.PIPE,
    ) as first:  # fmt: skip
        words = ("upscale", "-", "--factor", "2", "-o", "b.png", "--quiet", "--set", "width=4")
        second = subprocess.run(
            [*command, *words, "--steps", "8"], cwd=tmp_path, stdin=first.stdout, check=False
        )
    assert (first.returncode, second.returncode) == (0, 0)
    assert read_picture(tmp_path / "b.png").pixels.shape == (1, 40, 48, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "standard input: the file is empty"),
        (b"hello, world, this is text", "standard input: is not a picture that can be read here"),
        (encoded("PNG")[:300], "standard input: the PNG is damaged or cut short"),
        (encoded("BMP")[:300], "standard input: the BMP is damaged or cut short"),
    ],
)
@pytest.mark.parametrize("output", ["-", "out.png"])
def test_a_bad_picture_is_one_line(
    piped: Piped, tmp_path: Path, data: bytes, message: str, output: str
) -> None:
    code, out, said = piped("denoise", "-", "-o", output, *QUICK, data=data)
    assert (code, out) == (2, b"")
    assert said.startswith(f"untrained: {message}")
    assert said.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["temporary"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-",), "has no name; give -o FILE"),
        (("-", "a.png", "-o", "-"), "stands for one picture"),
        (("a.png", "b.png", "-o", "-"), "stands for one picture"),
        ((".", "-o", "-"), "stands for one picture"),
        (("-", "-o", "folder"), "is no file name"),
        (("-", "-o", "."), "is no file name"),
        (("-", "-o", "-", "--report"), "a pipe keeps no folder"),
        (("-", "-o", "a.png", "--run-dir", "x"), "a pipe keeps no folder"),
    ],
)
def test_what_a_pipe_cannot_do(piped: Piped, words: tuple[str, ...], message: str) -> None:
    code, out, said = piped("denoise", *words, data=encoded("PNG"))
    assert (code, out, said.count("\n")) == (2, b"", 1)
    assert message in said


@pytest.mark.parametrize("end", ["stdin", "stdout"])
def test_a_terminal_is_refused(piped: Piped, end: str) -> None:
    code, out, said = piped("denoise", "-", "-o", "-", data=encoded("PNG"), terminal=end)
    assert (code, out) == (2, b"")
    assert "is a terminal" in said


def test_a_stream_without_end_is_not_kept(piped: Piped) -> None:
    endless = encoded("PNG") + bytes(1 << 20)
    code, _, said = piped(
        "denoise", "-", "-o", "-", "--max-pixels", "1000", *QUICK, data=endless
    )  # fmt: skip
    assert code == 2
    assert "standard input: more than 64,000 bytes" in said


def test_whoever_reads_has_gone(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    with subprocess.Popen(
        [sys.executable, "-m", "untrained", "denoise", "a.png", "-o", "-", "--quiet", *QUICK],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 2
    assert said.decode().splitlines() == [
        "untrained: standard output: cannot be written (Broken pipe)"
    ]
