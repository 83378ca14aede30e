"""What the viewer is given of a run's folder."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from untrained import InputError, find_recipe, with_settings
from untrained.cli import main
from untrained.fitting import spread_steps
from untrained.images import Picture, read_picture, write_picture
from untrained.jobs import Job, Outcome, run_job
from untrained.recipes import RECIPES, changes_of, explain
from untrained.report import RunPictures, ViewRun, view_of_run
from untrained.report.facts import level_in_words, peak_in_words

Scene = Callable[..., Any]

SIGMA = {"sigma": None, "sigma_in_units": False}


def view(folder: Path, page: int = 1) -> ViewRun:
    return view_of_run(folder, link=lambda shown: f"/{shown.name}.png", page=page)


def pixels(folder: Path, name: str) -> Any:
    shown = RunPictures(folder).find(name)
    assert shown is not None
    values = shown.pixels()
    assert values.shape[:2] == (shown.height, shown.width)
    return values


def small(task: str = "denoise", **changes: str) -> Any:
    wanted = {"widths": "8,8", "max_steps": "40", "stopper": "FixedSteps", **changes}
    return with_settings(find_recipe(task, "fast"), wanted)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Take one thread: the number of them decides the last digits, and pictures here are tiny."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Path:
    """Return where a noisy and a clean picture are."""
    path = tmp_path_factory.mktemp("pictures")
    clean = scene(24, 32)
    noise = np.random.default_rng(0).normal(0, 0.1, clean.shape)
    for name, values in (("clean", clean), ("noisy", clean + noise)):
        image = np.rint(255 * values.clip(0, 1)).astype(np.uint8)
        write_picture(path / f"{name}.png", Picture.from_array(image))
    return path


@pytest.fixture(scope="module")
def job(folder: Path) -> Job:
    return Job(
        task="denoise", source=folder / "noisy.png", target=folder / "out" / "noisy.png",
        recipe=small(), options=SIGMA, truth=folder / "clean.png", device="cpu", seed=3,
        snapshots=spread_steps(40),
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(job: Job) -> Outcome:
    return run_job(job)


def test_automatic_snapshots_are_dense_at_first() -> None:
    for most in (1, 7, 200, 3000):
        steps = spread_steps(most)
        assert steps[0] == 0
        assert steps[-1] == most
        assert len(steps) <= 16
        gaps = np.diff(steps)
        assert (gaps > 0).all()
        assert (np.diff(gaps) >= -1).all()  # but for rounding, ever farther apart
    assert len(spread_steps(3000)) == 16
    assert sum(step <= 1000 for step in spread_steps(3000)) > 10


def test_snapshots_change_no_pixel(job: Job, done: Outcome, tmp_path: Path) -> None:
    plain = replace(job, snapshots=(), truth=None, target=tmp_path / "plain.png")
    assert plain.fingerprint() == job.fingerprint()
    assert run_job(plain).folder != done.folder
    np.testing.assert_array_equal(
        read_picture(plain.target).pixels, read_picture(job.target).pixels
    )


def test_a_finished_run_is_told_whole(job: Job, done: Outcome) -> None:
    run = view(done.folder)
    assert json.loads(json.dumps(run, allow_nan=False)) == run
    assert (run["title"], run["task"], run["recipe"]) == ("noisy.png", "denoise", "fast")
    assert run["status"] == "finished"
    assert {name: layer["src"] for name, layer in run["layers"].items()} == {  # type: ignore[index]
        "estimate": "/estimate.png", "observed": "/observed.png", "truth": "/truth.png",
    }  # fmt: skip
    assert run["layers"]["estimate"]["width"] == 32
    np.testing.assert_array_equal(
        pixels(done.folder, "estimate"), read_picture(job.target).pixels[0]
    )
    np.testing.assert_array_equal(
        pixels(done.folder, "observed"), read_picture(job.source).pixels[0]
    )
    assert [s["step"] for s in run["snapshots"]] == [0, 10, 20, 30, 40]
    np.testing.assert_array_equal(
        pixels(done.folder, "snapshots/40"), pixels(done.folder, "estimate")
    )
    assert RunPictures(done.folder).find("snapshots/41") is None
    assert RunPictures(done.folder).find("run.json") is None
    assert run["history"]["step"] == list(range(1, 41))
    assert run["history"]["truth_step"] == [10, 20, 30, 40]
    assert run["stop"] == {
        "step": 40, "kept_step": 40, "kept": "average", "refined": True, "reason": "max_steps",
        "advice": "all planned steps were taken",
    }  # fmt: skip
    score = done.results[0].score
    assert score is not None
    assert run["peak"] is not None
    assert run["peak"]["step"] == score.peak_step
    facts = {fact["label"]: fact["value"] for fact in run["facts"]}
    assert f"{score.psnr_kept:.2f} dB" in facts["PSNR to the truth"]
    assert facts["seed"] == "3"
    assert "σ" in facts["noise"]


def test_a_long_history_is_thinned_to_its_ends(done: Outcome, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text((done.folder / "run.json").read_text())
    lines = [
        {"step": i, "loss": 1 / i, "psnr_observed": float("inf") if i == 1 else 20.0}
        for i in range(1, 5001)
    ]
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    history = view(folder)["history"]
    assert len(history["step"]) == len(history["loss"]) == 1000
    assert (history["step"][0], history["step"][-1]) == (1, 5000)
    assert history["psnr_observed"][0] is None
    assert history["truth_step"] == []


def test_a_kept_iterate_is_not_the_curves(done: Outcome, tmp_path: Path) -> None:
    record = json.loads((done.folder / "run.json").read_text())
    average = view(done.folder)
    record["results"][0]["kept"] = "iterate"
    (tmp_path / "run.json").write_text(json.dumps(record))
    iterate = view(tmp_path)
    for run, told in ((average, False), (iterate, True)):
        facts = {fact["label"]: fact["value"] for fact in run["facts"]}
        assert ("not of the curve" in facts["PSNR to the truth"]) is told
        assert any("An iterate was kept" in note for note in run["notes"]) is told


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (0.004, "28.20 dB at step 90; the kept image is the best one seen"),
        (
            -0.3,
            "28.20 dB at step 90 of the curve; the kept image, drawn once more after its step, "
            "is 0.30 dB above it",
        ),
        (0.02, "28.20 dB at step 90, 0.02 dB above what was kept"),
    ],
)
def test_the_peak_in_words(gap: float, words: str) -> None:
    assert peak_in_words({"peak_psnr": 28.2, "peak_step": 90, "gap_to_peak": gap}) == words


def do_again(run: ViewRun, way: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what the report says in a folder that holds the inputs."""
    monkeypatch.chdir(folder)
    if way == "command":
        program, *arguments = shlex.split(run["command"])
        assert program == "untrained"
        assert main([*arguments, "--quiet"]) == 0
    else:
        exec(run["python"], {})


@pytest.mark.parametrize("way", ["command", "python"])
def test_command_and_python_make_the_same_picture(
    way: str, job: Job, done: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (job.source, job.truth):
        assert path is not None
        (tmp_path / path.name).write_bytes(path.read_bytes())
    do_again(view(done.folder), way, tmp_path, monkeypatch)
    np.testing.assert_array_equal(
        read_picture(tmp_path / "out" / "noisy.png").pixels, read_picture(job.target).pixels
    )


@pytest.mark.parametrize("way", ["command", "python"])
def test_files_and_options_are_part_of_doing_it_again(
    way: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    for place in (first, again):
        (place / "my masks").mkdir(parents=True)
        (place / "a picture.png").write_bytes((folder / "clean.png").read_bytes())
        mask = np.zeros((24, 32), np.uint8)
        mask[4:8, 5:9] = 255
        write_picture(place / "my masks" / "mask.png", Picture.from_array(mask))
    recipe = small("inpaint", max_steps="10", average="none")
    job = Job(
        task="inpaint", source=first / "a picture.png", target=first / "filled.png", recipe=recipe,
        files={"mask": first / "my masks" / "mask.png"}, options={"mask_invert": True},
        device="cpu", seed=5,
    )  # fmt: skip
    do_again(view(run_job(job).folder), way, again, monkeypatch)
    np.testing.assert_array_equal(
        read_picture(again / "filled.png").pixels, read_picture(job.target).pixels
    )


def test_every_recipe_can_be_reached_by_its_changes() -> None:
    for recipes in RECIPES.values():
        for recipe in recipes.values():
            assert changes_of(recipe, recipe) == {}
    base = find_recipe("denoise", "fast")
    other = find_recipe("denoise", "paper")
    changes = changes_of(replace(other, name=base.name, source=base.source), base)
    assert changes is not None
    assert changes["optimizer"] == "Adam"
    reached = with_settings(base, changes)
    assert replace(reached, name="paper", source=other.source) == other
    assert changes_of(replace(base, name="other"), base) is None  # no setting renames a recipe


def test_settings_are_explained_by_their_docstrings() -> None:
    words = {name: (value, text) for name, value, text in explain(find_recipe("denoise", "fast"))}
    assert words["max_steps"] == ("400", "The most steps of the optimizer.")
    assert words["network"][1].startswith("Settings of the encoder-decoder")
    assert words["network.widths"][0] == "32,32,32,32"
    assert "one a scale" in words["network.widths"][1]
    assert all(text for _, text in words.values()), words
    assert not any("`" in text for _, text in words.values())


def test_a_run_cut_short_shows_where_it_is(job: Job, tmp_path: Path) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    short = replace(job, target=tmp_path / "cut.png")
    run = view(run_job(short, cancelled=cancelled).folder)
    assert run["status"] == "stopped"
    assert run["stop"] is not None
    assert run["stop"]["reason"] == "cancelled"

    record = short.folder().path / "run.json"
    data = json.loads(record.read_text())
    for name in ("results", "size", "ended"):
        del data[name]
    record.write_text(json.dumps({**data, "status": "running"}))
    (record.parent / "result.png").unlink()
    run = view(record.parent)
    assert (run["status"], run["stop"]) == ("running", None)
    assert "not over" in run["layers"]["estimate"]["note"]
    np.testing.assert_array_equal(
        pixels(record.parent, "estimate"), pixels(record.parent, "snapshots/30")
    )


def test_an_input_that_is_gone_or_changed_is_said(job: Job, tmp_path: Path) -> None:
    source = tmp_path / "here.png"
    source.write_bytes(job.source.read_bytes())
    here = replace(job, source=source, target=tmp_path / "restored.png", recipe=small())
    folder = run_job(here).folder
    assert "observed" in view(folder)["layers"]
    assert job.truth is not None
    source.write_bytes(job.truth.read_bytes())
    changed = view(folder)
    assert "observed" not in changed["layers"]
    assert any("no longer the file" in note for note in changed["notes"])
    source.unlink()
    assert any("is gone" in note for note in view(folder)["notes"])


def test_sixteen_bits_share_one_map(scene: Scene, tmp_path: Path) -> None:
    # a 12-bit camera in a 16-bit file, which the fit stretches to its own range
    values = np.rint(400 + 3000 * scene(16, 24, 1)[..., 0]).astype(np.uint16)
    write_picture(tmp_path / "deep.tif", Picture.from_array(values))
    deep = Job(
        task="denoise", source=tmp_path / "deep.tif", target=tmp_path / "out.tif",
        recipe=small(max_steps="10"), options=SIGMA, device="cpu", snapshots=(10,),
    )  # fmt: skip
    folder = run_job(deep).folder
    observed = pixels(folder, "observed")
    assert observed.shape == (16, 24)
    assert (observed.min(), observed.max()) == (0, 255)
    low, high = float(values.min()), float(values.max())
    restored = (read_picture(deep.target).pixels[0, ..., 0] - low) / (high - low)
    np.testing.assert_array_equal(
        pixels(folder, "estimate"), np.rint(255 * restored.clip(0, 1)).astype(np.uint8)
    )
    difference = pixels(folder, "snapshots/10").astype(int) - pixels(folder, "estimate")
    assert abs(difference).max() <= 1
    assert any(f"white {high:g}" in note for note in view(folder)["notes"])


def test_missing_pixels_and_extras_are_overlays(scene: Scene, tmp_path: Path) -> None:
    write_picture(
        tmp_path / "in.png",
        Picture.from_array(np.rint(255 * scene(16, 24)).astype(np.uint8)),
    )
    mask = np.full((16, 24), 255, np.uint8)
    mask[4:8, 5:9] = 0
    write_picture(tmp_path / "mask.png", Picture.from_array(mask))
    job = Job(
        task="inpaint", source=tmp_path / "in.png", target=tmp_path / "out.png", device="cpu",
        recipe=small("inpaint", max_steps="10"), files={"mask": tmp_path / "mask.png"},
        options={"mask_invert": False},
    )  # fmt: skip
    folder = run_job(job).folder
    spread = np.linspace(0.02, 0.1, 16 * 24, dtype=np.float32).reshape(16, 24)
    np.save(folder / "uncertainty.npy", spread)
    write_picture(folder / "uncertainty.png", Picture.from_array(mask))
    run = view(folder)
    assert [entry["name"] for entry in run["overlays"]] == ["uncertainty", "missing"]
    assert run["overlays"][0]["high"] == pytest.approx(25.5)
    np.testing.assert_array_equal(pixels(folder, "overlays/missing"), 255 - mask)
    assert [entry["marks"] for entry in run["overlays"]] == [False, True]
    assert any("--snapshots auto" in note for note in run["notes"])
    assert re.search(r"--mask mask\.png", run["command"])


def test_a_stack_is_shown_page_by_page(scene: Scene, tmp_path: Path) -> None:
    pages = np.stack([np.rint(255 * scene(16, 16, 1)[..., 0] * f) for f in (1, 0.5)])
    source = Picture(pixels=pages.astype(np.uint8)[..., None], lead=(2,), has_channel_axis=False)
    write_picture(tmp_path / "stack.tif", source)
    job = Job(
        task="denoise", source=tmp_path / "stack.tif", target=tmp_path / "out.tif", device="cpu",
        recipe=small(max_steps="10"), options=SIGMA, snapshots=(10,),
    )  # fmt: skip
    folder = run_job(job).folder
    second = view(folder, page=2)
    assert second["title"] == "stack.tif page 2/2"
    assert second["id"] != view(folder)["id"]
    assert second["stop"] is not None
    shown = RunPictures(folder, page=2).find("observed")
    assert shown is not None
    np.testing.assert_array_equal(shown.pixels(), pages[1])
    with pytest.raises(InputError, match="no page 3"):
        view(folder, page=3)


def test_the_run_of_another_version_is_still_shown(done: Outcome, tmp_path: Path) -> None:
    record = json.loads((done.folder / "run.json").read_text())
    record["job"]["recipe"]["no_such_setting"] = 1
    (tmp_path / "run.json").write_text(json.dumps(record))
    run = view(tmp_path)
    assert run["settings"] == []
    assert run["command"] == run["python"] == ""


def test_a_noise_level_is_in_the_units_that_its_reader_knows() -> None:
    eight = {"sigma": 12.04, "sigma_255": 12.04, "full_scale": 255.0}
    thermal = {"sigma": 12.04, "sigma_255": 0.047, "full_scale": 65535.0}
    assert level_in_words(eight) == "σ 12.0 on the 0-255 scale"
    assert level_in_words(thermal) == "σ 12 in the units of the file"
    assert level_in_words({"sigma_255": 3.0}) == "σ 3.0 on the 0-255 scale"  # an older record
