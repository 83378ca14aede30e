"""The run's folder: left out where it is not wanted, and no second copy of the result in it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained import atomic
from untrained.images import Picture, read_picture, write_picture

Run = Callable[..., subprocess.CompletedProcess[str]]
TINY = ("--steps", "3", "--set", "network.widths=8,8", "--device", "cpu")


@pytest.fixture
def noisy(tmp_path: Path, scene: Callable[..., NDArray[np.float64]]) -> Path:
    noise = np.random.default_rng(0).normal(0, 20, (24, 32, 3))
    pixels = np.clip(255 * scene(24, 32) + noise, 0, 255).astype(np.uint8)
    write_picture(tmp_path / "noisy.png", Picture.from_array(pixels))
    return tmp_path / "noisy.png"


def test_no_run_leaves_the_picture_and_nothing_else(
    noisy: Path, untrained: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    done = untrained("denoise", noisy, "-o", "clean.png", "--no-run", *TINY)
    assert done.returncode == 0, done.stderr
    assert "no run folder was kept" in done.stdout
    assert {p.name for p in tmp_path.iterdir()} == {"noisy.png", "clean.png", "aside"}
    assert not list(aside.glob("untrained-*"))
    with_run = untrained("denoise", noisy, "-o", "other.png", *TINY)
    assert with_run.returncode == 0
    np.testing.assert_array_equal(
        read_picture(tmp_path / "clean.png").pixels, read_picture(tmp_path / "other.png").pixels
    )
    again = untrained("denoise", noisy, "-o", "clean.png", "--no-run", *TINY)
    assert again.returncode == 2
    assert "--overwrite" in again.stderr


@pytest.mark.parametrize("words", [["--report"], ["--snapshots", "0,2"], ["--tensorboard"],
                                   ["--run-dir", "x"]])  # fmt: skip
def test_what_is_kept_in_the_folder_needs_it(noisy: Path, untrained: Run, words: list[str]) -> None:
    done = untrained("denoise", noisy, "--no-run", *words, *TINY)
    assert done.returncode == 2
    assert "--no-run leaves the run's folder out" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [p.name for p in noisy.parent.iterdir()] == ["noisy.png"]


def test_what_else_was_found_is_told_where_it_is_lost(noisy: Path, untrained: Run) -> None:
    done = untrained("dehaze", noisy, "-o", "x.png", "--no-run", "--steps", "2")
    assert done.returncode == 0, done.stderr
    assert "not kept without a run folder: transmission" in done.stdout


def test_the_result_in_the_folder_is_the_output_itself(noisy: Path, untrained: Run) -> None:
    assert untrained("denoise", noisy, "-o", "clean.png", *TINY).returncode == 0
    (kept,) = noisy.parent.glob("untrained-runs/*/result.png")
    assert kept.samefile(noisy.parent / "clean.png")
    # replacing the output leaves the run's picture alone
    write_picture(noisy.parent / "clean.png", read_picture(noisy))
    assert not kept.samefile(noisy.parent / "clean.png")


def test_it_is_a_copy_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(atomic.os, "link", refuse)
    (tmp_path / "a").write_bytes(b"whole")
    atomic.link_or_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"whole"
    assert not (tmp_path / "a").samefile(tmp_path / "b")
    assert {p.name for p in tmp_path.iterdir()} == {"a", "b"}
