"""Clips: what is read is what was written, warm starts, a killed run, the command."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained import InputError, find_recipe, with_settings
from untrained.images import Frame, Picture, read_clip, read_picture, write_clip, write_picture
from untrained.jobs import ClipJob, restore_clip

Run = Callable[..., subprocess.CompletedProcess[str]]
Scene = Callable[..., NDArray[np.float64]]
av: Any = pytest.importorskip("av")


def moving(scene: Scene, count: int, height: int = 32, width: int = 40) -> list[NDArray[Any]]:
    wide = scene(height, width + 2 * count)
    return [np.rint(255 * wide[:, 2 * i : 2 * i + width]).astype(np.uint8) for i in range(count)]


def write_video(
    path: Path, frames: list[NDArray[Any]], *, rate: int = 12, sound: bool = False
) -> None:
    """Write a lossless video at this rate, by PyAV alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        tone = container.add_stream("pcm_s16le", rate=8000) if sound else None
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
        if tone is not None:
            samples = (8000 * np.sin(np.arange(4000))).astype(np.int16)[None]
            piece = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            piece.sample_rate = 8000
            container.mux(tone.encode(piece))
            container.mux(tone.encode())


def sound_of(path: Path) -> NDArray[Any]:
    with av.open(str(path)) as container:
        return np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)


def job(source: Path, target: Path, **changes: Any) -> ClipJob:
    settings = {"widths": "8,8", "max_steps": "40"}
    recipe = with_settings(find_recipe("denoise", "fast"), settings)
    return ClipJob(**{
        "source": source, "target": target, "task": "denoise", "recipe": recipe, "later_steps": 10,
        "options": {"sigma": 10.0, "sigma_in_units": False}, "device": "cpu", **changes,
    })  # fmt: skip


def test_a_lossless_video_keeps_every_frame_its_time_and_its_sound(
    tmp_path: Path, scene: Scene
) -> None:
    frames = moving(scene, 4, 31, 41)  # odd sides
    write_video(tmp_path / "in.mkv", frames, sound=True)
    read = list(read_clip(tmp_path / "in.mkv"))
    assert all(np.array_equal(a.pixels, b) for a, b in zip(read, frames, strict=True))
    told = write_clip(tmp_path / "out.mkv", read, source=tmp_path / "in.mkv")
    again = list(read_clip(tmp_path / "out.mkv"))
    assert all(np.array_equal(a.pixels, b) for a, b in zip(again, frames, strict=True))
    assert told == "the sound is copied"
    assert np.array_equal(sound_of(tmp_path / "in.mkv"), sound_of(tmp_path / "out.mkv"))
    with av.open(str(tmp_path / "in.mkv")) as a, av.open(str(tmp_path / "out.mkv")) as b:
        rates = [float(c.streams.video[0].average_rate) for c in (a, b)]
        times = [[float(f.time) for f in c.decode(video=0)] for c in (a, b)]
    assert rates[0] == pytest.approx(12)
    assert rates[1] == pytest.approx(rates[0])
    assert times[1] == pytest.approx(times[0])


@pytest.mark.parametrize(("height", "width"), [(32, 40), (31, 41)])
def test_h264_keeps_the_size_and_nearly_the_colours(
    tmp_path: Path, scene: Scene, height: int, width: int
) -> None:
    frames = moving(scene, 3, height, width)
    write_video(tmp_path / "in.mkv", frames, sound=True)
    told = write_clip(
        tmp_path / "out.mp4", read_clip(tmp_path / "in.mkv"), source=tmp_path / "in.mkv"
    )
    again = [frame.pixels for frame in read_clip(tmp_path / "out.mp4")]
    error = np.mean((np.stack(again).astype(float) - np.stack(frames)) ** 2)
    assert 10 * np.log10(255**2 / error) > 38
    assert told  # of PCM in MP4: copied or left out, but it is said
    assert not list(tmp_path.glob(".*part*"))


def test_a_killed_run_goes_on_and_ends_the_same(tmp_path: Path, scene: Scene) -> None:
    source = tmp_path / "clip"
    source.mkdir()
    for i, frame in enumerate(moving(scene, 3)):
        noisy = frame + np.random.default_rng(i).normal(0, 10, frame.shape)
        picture = Picture.from_array(noisy.clip(0, 255).astype(np.uint8))
        write_picture(source / f"f{i}.png", picture)
    whole = restore_clip(job(source, tmp_path / "whole", run_dir=tmp_path / "a"))
    assert [row["warm"] for row in whole["frames"]] == [False, True, True]
    assert [row["steps"] <= 10 for row in whole["frames"]] == [False, True, True]
    said: list[str] = []
    parts = job(source, tmp_path / "parts", run_dir=tmp_path / "b")
    restore_clip(parts, limit=2)
    assert not parts.target.exists()
    restore_clip(parts, say=said.append)
    assert len(said) == 1
    for name in ("f0.png", "f1.png", "f2.png"):
        a, b = (read_picture(tmp_path / f / name).pixels for f in ("whole", "parts"))
        assert np.array_equal(a, b)


def test_after_a_cut_a_frame_is_fitted_from_scratch(tmp_path: Path, scene: Scene) -> None:
    source = tmp_path / "clip"
    source.mkdir()
    frames = moving(scene, 2)
    for i, frame in enumerate([*frames, 255 - frames[0]]):
        write_picture(source / f"f{i}.png", Picture.from_array(frame))
    rows = restore_clip(job(source, tmp_path / "out"))["frames"]
    assert [row["warm"] for row in rows] == [False, True, False]


def test_what_is_no_clip_is_refused(tmp_path: Path, scene: Scene) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"nonsense")
    (tmp_path / "empty").mkdir()
    for source, target, message in [
        ("bad.mp4", "out.mkv", "cannot be read as a video"), ("no.mp4", "out.mkv", "no such file"),
        ("empty", "out", "holds no picture"), ("empty", "out.mkv", "wanted a folder"),
        ("bad.mp4", "out.xyz", "cannot be written"), ("bad.mp4", "bad.mp4", "the input itself"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=message):
            restore_clip(job(tmp_path / source, tmp_path / target))
    with pytest.raises(InputError, match="give a mask"):
        restore_clip(job(tmp_path / "bad.mp4", tmp_path / "o.mkv", task="inpaint"))
    for side in (16, 18):
        picture = Picture.from_array(np.rint(255 * scene(side, 16)).astype(np.uint8))
        write_picture(tmp_path / "empty" / f"{side}.png", picture)
    with pytest.raises(InputError, match="wanted one size"):
        list(read_clip(tmp_path / "empty"))
    assert not (tmp_path / "untrained-runs").exists()


def test_a_folder_that_is_no_clip_is_refused_before_the_first_fit(
    tmp_path: Path, scene: Scene
) -> None:
    clip = tmp_path / "clip"
    frame = moving(scene, 1)[0]
    for name, pixels, message in [
        ("b.png", frame[:-2], "b.png: is 30x40x3, frames before it 32x40x3"),
        ("a.jpg", frame, "a.jpg and a.png would both become a.png; rename one"),
        ("b.tif", (frame / 255).astype(np.float32), "holds float32 values; wanted frames of 8"),
    ]:
        write_picture(clip / "a.png", Picture.from_array(frame))
        write_picture(clip / name, Picture.from_array(pixels))
        with pytest.raises(InputError, match=message):
            restore_clip(job(clip, tmp_path / "out"))
        (clip / name).unlink()
    (tmp_path / "file").touch()
    for changes in ({"target": tmp_path / "file" / "out"}, {"run_dir": tmp_path / "file" / "runs"}):
        with pytest.raises(InputError, match="is a file, not a folder"):
            restore_clip(job(clip, **{"target": tmp_path / "out", **changes}))
    write_picture(tmp_path / "white.png", Picture.from_array(np.full((32, 40), 255, np.uint8)))
    asked = {"task": "inpaint", "options": {"mask_invert": False}}
    with pytest.raises(InputError, match="the mask is white everywhere"):
        restore_clip(job(clip, tmp_path / "out", files={"mask": tmp_path / "white.png"}, **asked))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip", "file", "white.png"]


@pytest.mark.parametrize(
    "words",
    [("--mask", "m.png"), ("--mask-invert",), ("--factor", "3"),
     ("--task", "upscale", "--sigma", "5"), ("--task", "inpaint", "--sigma-in-units")],
)  # fmt: skip
def test_an_option_of_another_task_is_refused(words: tuple[str, ...], untrained: Run) -> None:
    done = untrained("restore-video", "clip", "-o", "out", *words)
    assert done.returncode == 2
    assert f"{words[-1 if words[-1].startswith('--') else -2]} goes with --task" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_logo_goes_from_a_video_by_the_command(
    tmp_path: Path, scene: Scene, untrained: Run
) -> None:
    frames = moving(scene, 2)
    known = np.ones(frames[0].shape[:2], dtype=bool)
    known[4:8, 4:20] = False
    write_video(tmp_path / "in.mkv", [np.where(known[..., None], f, 255) for f in frames])
    write_picture(tmp_path / "mask.png", Picture.from_array(255 * known.astype(np.uint8)))
    done = untrained(
        "restore-video", "in.mkv", "-o", "out.mkv", "--task", "inpaint", "--mask", "mask.png",
        "--set", "widths=8,8", "--steps", 60, "--later-steps", 30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 frames" in done.stdout
    made = [frame.pixels for frame in read_clip(tmp_path / "out.mkv")]
    for restored, truth in zip(made, frames, strict=True):
        assert np.array_equal(restored[known], truth[known])
        error = np.abs(restored[~known].astype(float) - truth[~known]).mean()
        assert error < 0.3 * np.abs(255.0 - truth[~known]).mean()


def test_frames_are_written_into_a_folder_by_their_names(tmp_path: Path, scene: Scene) -> None:
    frame = Frame(pixels=moving(scene, 1)[0], name="a.tif")
    write_clip(tmp_path / "out", [frame], source=tmp_path)
    assert np.array_equal(read_picture(tmp_path / "out" / "a.png").pixels[0], frame.pixels)
