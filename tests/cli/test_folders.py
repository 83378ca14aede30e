"""Folders from the command line: a second call does nothing, and nothing is left out unsaid."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from untrained.images import read_picture

Run = Callable[..., subprocess.CompletedProcess[str]]

QUICK = ("--set", "widths=4", "--steps", "8")


def picture(seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(60, 200, (24, 24)).astype(np.uint8)
    return Image.fromarray(values)


def files(folder: Path) -> set[str]:
    """Return what is in a folder and below, but for runs."""
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return {str(path) for path in found if "untrained-runs" not in path.parts}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return one with the formats that people have."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    picture(0).save(folder / "a.png")
    picture(1).save(folder / "b.jfif", "JPEG")
    picture(2).save(folder / "c.bmp")
    picture(3).save(folder / "sub" / "f.png")
    return folder


def test_twice_is_the_second_time_nothing(folder: Path, untrained: Run, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    first = untrained("denoise", "in", *QUICK)
    assert first.returncode == 0, first.stderr
    assert "skipped 1 (a subfolder; --recursive takes their pictures too): in/sub" in first.stderr
    made = tmp_path / "in-denoised"
    assert files(made) == {"a.png", "b.jfif", "c.png"}
    assert read_picture(made / "c.png").pixels.shape == (1, 24, 24, 1)
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    for word in ("in", "in/", "in/."):
        again = untrained("denoise", word, *QUICK)
        assert again.returncode == 0, again.stderr
        assert again.stdout.count("skipped") == 3
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == stamps
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_twice_by_names_is_the_second_time_nothing(
    folder: Path, untrained: Run, tmp_path: Path
) -> None:
    for _ in range(3):
        names = sorted(str(p.relative_to(tmp_path)) for p in folder.iterdir() if p.is_file())
        done = untrained("denoise", *names, *QUICK)
        assert done.returncode == 0, done.stderr
    assert "skipped 3 (made by an earlier run; name one alone to take it)" in done.stderr
    expected = {"a-denoise.png", "b-denoise.jfif", "c-denoise.png"}
    assert files(folder) == {"a.png", "b.jfif", "c.bmp", "sub/f.png"} | expected


def test_subfolders_are_laid_out_alike(folder: Path, untrained: Run, tmp_path: Path) -> None:
    for _ in range(2):  # the second time past its own outputs and runs
        done = untrained("denoise", "in", "-o", "in/out", "--recursive", *QUICK)
        assert done.returncode == 0, done.stderr
    assert files(folder / "out") == {"a.png", "b.jfif", "c.png", "sub/f.png"}
    assert done.stdout.count("finished before") == 4
    assert "skipped 1 (the folder of the outputs): in/out" in done.stderr


def test_skipped_files_are_counted_and_a_few_are_named(folder: Path, untrained: Run) -> None:
    for i in range(6):
        (folder / f"note{i}.txt").write_text("text")
    (folder / "empty.png").touch()
    done = untrained("denoise", "in", *QUICK)
    lines = [line for line in done.stderr.splitlines() if "skipped" in line]
    assert lines == [
        "untrained: skipped 1 (empty): in/empty.png",
        "untrained: skipped 6 (unknown type): in/note0.txt, in/note1.txt, in/note2.txt, "
        "in/note3.txt and 2 more",
        "untrained: skipped 1 (a subfolder; --recursive takes their pictures too): in/sub",
    ]
    assert done.returncode == 2  # a picture was to be restored and was not
    assert done.stdout.count("stopped after") == 3
    quiet = untrained("denoise", "in", "--quiet", *QUICK)
    assert (quiet.returncode, quiet.stdout) == (2, "")
    assert quiet.stderr == "untrained: skipped 1 (empty): in/empty.png\n"


def test_json_lists_what_was_skipped(folder: Path, untrained: Run) -> None:
    (folder / ".hidden.png").touch()
    picture().save(folder / "m.gif", save_all=True, append_images=[picture(9)])
    done = untrained("denoise", "in", "--json", "--format", "tif", *QUICK)
    assert (done.returncode, done.stderr) == (0, "")
    said: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    left = {one["input"]: one["reason"] for one in said if one["status"] == "left out"}
    assert set(left) == {"in/.hidden.png", "in/sub"}
    made = {one["input"]: one["output"] for one in said if one["status"] == "finished"}
    assert made == {f"in/{name}": f"in-denoised/{name[0]}.tif"
                    for name in ("a.png", "b.jfif", "c.bmp", "m.gif")}  # fmt: skip
    (moving,) = (one for one in said if one["input"] == "in/m.gif")
    assert moving["notes"] == ["the first of 2 frames was taken"]


def test_a_damaged_picture_fails_alone(folder: Path, untrained: Run, tmp_path: Path) -> None:
    for name in ("b.jfif", "c.bmp"):
        (folder / name).write_bytes((folder / name).read_bytes()[:150])
    done = untrained("denoise", "in", *QUICK)
    assert done.returncode == 2
    assert "in/b.jfif: the JPEG is damaged" in done.stderr
    assert "in/c.bmp: the BMP is damaged" in done.stderr
    assert files(tmp_path / "in-denoised") == {"a.png"}


@pytest.mark.parametrize("words", [("in",), ("in", "-o", "out"), ("in", "--recursive")])
def test_a_folder_of_nothing_says_what_is_in_it(
    tmp_path: Path, untrained: Run, words: tuple[str, ...]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("text")
    done = untrained("denoise", *words, *QUICK)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "untrained: skipped 1 (unknown type): in/a.txt",
        "untrained: in: holds no picture to denoise; wanted a folder with some",
    ]
    assert files(tmp_path) == {"in/a.txt"}


def test_an_unknown_suffix_with_a_picture_in_it(
    folder: Path, untrained: Run, tmp_path: Path
) -> None:
    (folder / "b.jfif").rename(tmp_path / "photo.dat")
    done = untrained("denoise", "photo.dat", *QUICK)
    assert done.returncode == 2
    assert done.stderr == (
        "untrained: photo.dat: a JPEG by its content, with the unknown suffix .dat; rename it to "
        ".jpg, or name the output with -o FILE\n"
    )
    assert untrained("denoise", "photo.dat", "-o", "x.png", *QUICK).returncode == 0
