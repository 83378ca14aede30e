"""The figure and the animation of a run: files that open again, and what they show."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from untrained import InputError, find_recipe, with_settings
from untrained.cli import main
from untrained.images import Picture, write_picture
from untrained.jobs import Job, run_job
from untrained.report import write_figure, write_video
from untrained.report.figure import busiest

Scene = Callable[..., Any]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Iterator[Job]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("drawings")
    for name, values in (("small", scene(20, 24, 1)[::2, ::2]), ("large", scene(20, 24, 1))):
        image = np.rint(255 * values[..., 0]).astype(np.uint8)
        write_picture(folder / f"{name}.png", Picture.from_array(image))
    changes = {"width": "8", "max_steps": "30", "stopper": "FixedSteps"}
    yield Job(
        task="upscale", source=folder / "small.png", target=folder / "out.png",
        recipe=with_settings(find_recipe("upscale", "fast"), changes), options={"factor": 2},
        truth=folder / "large.png", device="cpu", snapshots=(0, 20, 30),
    )  # fmt: skip
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(job: Job) -> Path:
    return run_job(job).folder


def test_a_figure_is_of_a_journals_width(folder: Path, tmp_path: Path) -> None:
    write_figure(folder, tmp_path / "figure.png", dpi=100)
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.width == 710
        colours = np.asarray(figure.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 50
    write_figure(folder, tmp_path / "figure.pdf")
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_what_cannot_be_drawn_is_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, message in [
        (("figure", "--dpi", "0"), "dpi is 0; wanted 10 to 1200"),
        (("figure", "--dpi", "100000"), "dpi is 100000; wanted 10 to 1200"),
        (("video", "--seconds-per-image", "inf"), "seconds-per-image is inf; wanted above 0"),
        (("video", "--seconds-per-image", "0"), "seconds-per-image is 0; wanted above 0"),
    ]:
        target = tmp_path / f"out.{'png' if words[0] == 'figure' else 'gif'}"
        assert main([words[0], str(folder), "-o", str(target), *words[1:]]) == 2
        told = capsys.readouterr().err
        assert message in told
        assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_what_is_drawn_is_told_as_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "out.png")
    assert main(["figure", str(folder), "-o", target, "--dpi", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": target}
    target = str(tmp_path / "out.gif")
    assert main(["video", str(folder), "-o", target, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": target, "images": 3}


def test_the_detail_is_where_the_picture_varies_most() -> None:
    pixels = np.full((64, 80), 100, np.uint8)
    pixels[40:56, 8:24] += np.random.default_rng(0).integers(0, 40, (16, 16), dtype=np.uint8)
    left, top, side = busiest(pixels)
    assert side == 16
    assert abs(left - 8) <= 1
    assert abs(top - 40) <= 1


def test_a_detail_beyond_the_picture_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="within 24x20"):
        write_figure(folder, tmp_path / "figure.png", crop=(10, 10, 16))
    assert main(["figure", str(folder), "--crop", "1,2"]) == 2
    assert not list(tmp_path.iterdir())


def test_an_animation_shows_every_saved_image(folder: Path, tmp_path: Path) -> None:
    assert write_video(folder, tmp_path / "fit.gif", seconds_per_image=0.2) == 3
    with Image.open(tmp_path / "fit.gif") as gif:
        assert gif.n_frames == 3  # type: ignore[attr-defined]
        durations, pictures = [], []
        for i in range(3):
            gif.seek(i)
            durations.append(gif.info["duration"])
            pictures.append(np.asarray(gif.convert("RGB")).astype(int))
    assert durations == [200, 200, 2000]
    assert all(abs(a - b).max() > 50 for a, b in pairwise(pictures))

    write_video(folder, tmp_path / "fit.mp4", seconds_per_image=0.2)
    with av.open(str(tmp_path / "fit.mp4")) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 2 + 2 + 20
    assert frames[0].shape == pictures[0].shape
    for frame, picture in ((frames[0], pictures[0]), (frames[-1], pictures[-1])):
        assert abs(frame - picture).mean() < 4  # GIF has 255 colours, H.264 is lossy


def test_a_run_without_saved_images_has_no_animation(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_bytes((folder / "run.json").read_bytes())
    assert main(["video", str(tmp_path)]) == 2
    assert "--snapshots auto" in capsys.readouterr().err
    assert main(["video", str(folder), "-o", str(tmp_path / "fit.avi")]) == 2
    assert ".mp4 or .gif" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "command", "remedy"),
    [
        ("av", ["video", "-o", "fit.mp4"], "untrained[video]"),
        ("matplotlib", ["figure", "-o", "figure.png"], "untrained[figures]"),
    ],
)
def test_a_missing_package_is_one_line(
    package: str, command: list[str], remedy: str, folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.chdir(tmp_path)
    assert main([command[0], str(folder), *command[1:]]) == 2
    error = capsys.readouterr().err
    assert remedy in error
    assert error.count("\n") == 1
