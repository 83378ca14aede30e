"""What is made of which file, and what is left out and why: no fit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained.errors import InputError
from untrained.images import Picture, write_picture
from untrained.jobs import Plan, RunFolder, plan_targets
from untrained.tasks import TASKS


def put(*paths: Path) -> None:
    """Make files that are pictures by their names, with something in them."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"something")


def ran(task: str, source: Path, target: Path, runs: Path | None = None) -> None:
    """Make what a run leaves: the output and the record that names it."""
    put(target)
    folder = (runs or target.parent / "untrained-runs") / f"{source.stem}-{task}-{len(str(target))}"
    record = {"task": task, "source": str(source.resolve()), "target": str(target.resolve())}
    RunFolder(folder).write_record({"job": record})


def plan(*sources: Path, output: Path | None = None, task: str = "denoise", **how: Any) -> Plan:
    return plan_targets(task, sources, output, **how)


def targets(found: Plan, base: Path) -> dict[str, str]:
    return {str(a.relative_to(base)): str(b.relative_to(base)) for a, b in found.pairs}


def reasons(found: Plan) -> dict[str, str]:
    return {one.path.name: one.reason for one in found.left_out}


def test_a_folder_goes_into_one_beside_it_named_by_the_task(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png", tmp_path / "in" / "B.JPG", tmp_path / "in" / "c.Tiff")
    assert targets(plan(tmp_path / "in"), tmp_path) == {
        "in/a.png": "in-denoised/a.png",
        "in/B.JPG": "in-denoised/B.JPG",
        "in/c.Tiff": "in-denoised/c.Tiff",
    }
    pictures = [name for name, task in TASKS.items() if task.formats.what == "picture"]
    words = {task: plan(tmp_path / "in", task=task).pairs[0][1].parent.name for task in pictures}
    assert words["upscale"] == "in-upscaled"
    assert words["deblur-blind"] == words["deblur"] == "in-deblurred"
    assert all(word.startswith("in-") and word != "in-" for word in words.values())


@pytest.mark.parametrize("typed", [".", "../in", "./", "sub/.."])
def test_a_folder_is_named_whatever_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    put(tmp_path / "in" / "a.png", tmp_path / "in" / "sub" / "b.png")
    monkeypatch.chdir(tmp_path / "in")
    ((_, target),) = plan(Path(typed)).pairs
    assert target.resolve() == tmp_path / "in-denoised" / "a.png"


def test_a_link_to_a_folder_is_named_as_the_link(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.png")
    (tmp_path / "link").symlink_to("in")
    assert targets(plan(tmp_path / "link"), tmp_path) == {"link/a.png": "link-denoised/a.png"}


def test_formats_that_are_not_written_become_png_and_never_clash(tmp_path: Path) -> None:
    for name in ("a.bmp", "a.GIF", "b.ppm", "c.png", "c.pgm", "d.png", "d.jpg"):
        put(tmp_path / "in" / name)
    assert targets(plan(tmp_path / "in", output=tmp_path / "out"), tmp_path) == {
        "in/a.GIF": "out/a.GIF.png",
        "in/a.bmp": "out/a.bmp.png",
        "in/b.ppm": "out/b.png",
        "in/c.pgm": "out/c.pgm.png",
        "in/c.png": "out/c.png",
        "in/d.jpg": "out/d.jpg",
        "in/d.png": "out/d.png",
    }
    assert targets(plan(tmp_path / "in" / "a.bmp"), tmp_path) == {"in/a.bmp": "in/a-denoise.png"}
    all_tif = targets(plan(tmp_path / "in", suffix=".tif"), tmp_path)
    assert len(set(all_tif.values())) == 7
    assert all_tif["in/b.ppm"] == "in-denoised/b.tif"
    with pytest.raises(InputError, match="--format goes with"):
        plan(tmp_path / "in" / "a.bmp", output=tmp_path / "a.png", suffix=".tif")


def test_everything_that_is_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "a.png", folder / "notes.txt", folder / ".hidden.png", folder / "sub" / "b.png")
    (folder / "empty.jpg").touch()
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "gone.tif").symlink_to("nowhere.tif")
    (folder / "round").symlink_to(".")
    os.mkfifo(folder / "pipe.png")
    os.mkfifo(folder / "pipe")
    write_picture(folder / "b.png", Picture.from_array(np.zeros((9, 9, 3), np.uint8)))
    (folder / "b.png").rename(folder / "photo.dat")
    ran("denoise", tmp_path / "x.png", folder / "runs" / "y.png")
    found = plan(folder)
    assert targets(found, tmp_path) == {"in/a.png": "in-denoised/a.png"}
    assert reasons(found) == {
        ".hidden.png": "hidden",
        "empty.jpg": "empty",
        "gone.tif": "a link to nothing, or to itself",
        "loop.png": "a link to nothing, or to itself",
        "notes.txt": "unknown type",
        "photo.dat": "unknown suffix, though a PNG by content",
        "pipe": "unknown type",
        "pipe.png": "a pipe or device",
        "round": "a link to a folder",
        "runs": "a subfolder; --recursive takes their pictures too",
        "sub": "a subfolder; --recursive takes their pictures too",
    }
    bad = {one.path.name for one in found.left_out if one.bad}
    assert bad == {"empty.jpg", "gone.tif", "loop.png"}


def test_recursion_keeps_the_places_and_follows_no_link(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "a.png", folder / "x" / "a.png", folder / "x" / "y" / "a.png", tmp_path / "b.png")
    (folder / "x" / "up").symlink_to("..")
    (folder / "away").symlink_to(tmp_path)
    found = plan(folder, recursive=True)
    assert targets(found, tmp_path) == {
        f"in/{place}": f"in-denoised/{place}" for place in ("a.png", "x/a.png", "x/y/a.png")
    }
    assert reasons(found) == {"up": "a link to a folder", "away": "a link to a folder"}


def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    put(folder / "a.png", folder / "b.png", folder / "closed" / "c.png")
    access = os.access
    monkeypatch.setattr(  # root may read everything
        os, "access", lambda path, mode: Path(path).name not in ("b.png", "closed")
        and access(path, mode),
    )  # fmt: skip
    found = plan(folder, recursive=True)
    assert targets(found, tmp_path) == {"in/a.png": "in-denoised/a.png"}
    assert set(reasons(found)) == {"b.png", "closed"}
    assert all(one.bad and "cannot be read" in one.reason for one in found.left_out)


def test_outputs_inside_the_folder_are_no_inputs(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "a.png", folder / "x" / "b.png")
    for name in ("a.png", "x/b.png"):
        ran("denoise", folder / name, folder / "out" / name)
    again = plan(folder, output=folder / "out", recursive=True)
    assert set(targets(again, tmp_path)) == {"in/a.png", "in/x/b.png"}
    assert reasons(again) == {"out": "the folder of the outputs"}
    # and elsewhere: its records tell what they are, whatever the task
    for task in ("denoise", "upscale"):
        other = plan(folder, output=tmp_path / "elsewhere", recursive=True, task=task)
        assert set(targets(other, tmp_path)) == {"in/a.png", "in/x/b.png"}
        assert reasons(other)["untrained-runs"] == "a folder of runs"


@pytest.mark.parametrize("how", ["beside", "moved", "run_dir", "no record"])
def test_named_files_that_we_made_are_left_out(tmp_path: Path, how: str) -> None:
    folder, runs = tmp_path / "in", tmp_path / "runs"
    a, made = folder / "a.png", folder / "a-denoise.png"
    put(a, made)
    if how != "no record":
        ran("denoise", a, made, runs if how == "run_dir" else None)
    if how == "moved":
        folder = folder.rename(tmp_path / "other")
    again = plan(*sorted(folder.glob("*.png")), run_dir=runs if how == "run_dir" else None)
    assert [source.name for source, _ in again.pairs] == ["a.png"]
    assert [one.path.name for one in again.left_out] == ["a-denoise.png"]
    assert not again.left_out[0].bad


def test_what_we_made_is_an_input_where_that_is_meant(tmp_path: Path) -> None:
    a, made, folder = tmp_path / "a.png", tmp_path / "a-denoise.png", tmp_path / "in"
    put(a)
    ran("denoise", a, made)
    assert len(plan(made).pairs) == 1  # named alone
    put(tmp_path / "b-denoise.png")
    assert len(plan(made, tmp_path / "b-denoise.png", task="upscale").pairs) == 2
    put(folder / "a.png")
    ran("denoise", folder / "a.png", tmp_path / "in-denoised" / "a.png")
    for task in ("upscale", "denoise"):  # one step after another, each with a folder
        assert len(plan(tmp_path / "in-denoised", task=task).pairs) == 1
    # without what it was made of, the record still tells
    a.unlink()
    left = plan(made, tmp_path / "b-denoise.png")
    assert [one.path for one in left.left_out] == [made]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"job": 3}', '{"job": {"task": "denoise"}}'])
def test_a_damaged_record_tells_nothing(tmp_path: Path, text: str) -> None:
    put(tmp_path / "a.png", tmp_path / "b.png")
    record = tmp_path / "untrained-runs" / "a-denoise-1" / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text(text)
    assert len(plan(tmp_path / "a.png", tmp_path / "b.png").pairs) == 2


def test_what_is_given_beside_the_pictures_is_no_picture_to_restore(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "a.png", folder / "mask.png", folder / "clean.png")
    beside = {"mask": folder / "mask.png", "truth": folder / "sub" / ".." / "clean.png"}
    (folder / "sub").mkdir()
    for sources in ([folder], sorted(folder.glob("*.png"))):
        found = plan(*sources, task="inpaint", beside=beside)
        assert [source.name for source, _ in found.pairs] == ["a.png"]
        told = {"mask.png": "given as the mask", "clean.png": "given as the truth"}
        assert told.items() <= reasons(found).items()
    assert len(plan(folder / "mask.png", beside=beside).pairs) == 1  # named alone


def test_the_same_file_is_taken_once(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "a.png")
    found = plan(folder, folder / "a.png", folder / ".." / "in" / "a.png")
    assert targets(found, tmp_path) == {"in/a.png": "in-denoised/a.png"}
    assert [one.reason for one in found.left_out] == ["given twice"] * 2


def refused(match: str, sources: Sequence[Path], output: Path | None = None, **how: Any) -> None:
    with pytest.raises(InputError, match=match) as error:
        plan(*sources, output=output, **how)
    assert "\n" not in str(error.value)


def test_impossible_outputs_are_refused_in_one_line(tmp_path: Path) -> None:
    folder, other = tmp_path / "in", tmp_path / "other"
    put(folder / "a.png", folder / "b.png", other / "a.png")
    (tmp_path / "link").symlink_to("in")
    refused("no input", [])
    for same in (folder, tmp_path / "link", folder / ".." / "in"):
        refused("the folder of the pictures itself", [folder], same)
    refused("is a file", [folder], other / "a.png")
    refused("name of a picture", [folder], tmp_path / "out.png")
    refused("name of a picture", [folder / "a.png", folder / "b.png"], tmp_path / "out.jpg")
    refused("two inputs would go there", [folder, other], tmp_path / "out")


def test_an_output_that_is_another_input_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "in"
    put(folder / "x.png", folder / "in" / "x.png")
    refused("would be written there", [folder], tmp_path / "out", recursive=True)
    assert len(plan(folder, output=tmp_path / "out").pairs) == 1  # out/in inside of -o out


def test_an_unknown_suffix_says_what_the_content_is(tmp_path: Path) -> None:
    image = Picture.from_array(np.zeros((9, 9, 3), np.uint8))
    for suffix, kind in ((".jpg", "JPEG"), (".tif", "TIFF")):
        write_picture(tmp_path / f"a{suffix}", image)
        (tmp_path / f"a{suffix}").rename(tmp_path / f"photo{suffix}_")
        found = plan(tmp_path / f"photo{suffix}_")
        assert not found.pairs
        reason = found.left_out[0].reason
        assert reason.startswith(f"a {kind} by its content")
        assert f"rename it to {suffix}" in reason
        named = plan(tmp_path / f"photo{suffix}_", output=tmp_path / "x.png")
        assert len(named.pairs) == 1
