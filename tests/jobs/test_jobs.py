"""Jobs: what their fingerprint, their record and their folder hold."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from untrained import InputError, find_recipe, restore, with_settings
from untrained.images import Picture, read_picture, write_picture
from untrained.jobs import Job, RunFolder, job_of_run, run_job, runs
from untrained.objectives import DataFit, DataFitObjective, Problem, RunNetwork
from untrained.recipes import Recipe
from untrained.restoring import Execution, planner, solve_tiled, tile_places

Scene = Callable[..., Any]


def quick(task: str, name: str = "fast", **changes: str) -> Recipe:
    return with_settings(find_recipe(task, name), {"widths": "8,8", "max_steps": "20", **changes})


@pytest.fixture
def job(tmp_path: Path, scene: Scene) -> Job:
    image = np.rint(255 * scene(24, 30)).astype(np.uint8)
    write_picture(tmp_path / "in.png", Picture.from_array(image))
    mask = np.full((24, 30), 255, np.uint8)
    mask[5:9, 5:9] = 0
    write_picture(tmp_path / "mask.png", Picture.from_array(mask))
    return Job(
        task="inpaint", source=tmp_path / "in.png", target=tmp_path / "out.png",
        recipe=quick("inpaint"), files={"mask": tmp_path / "mask.png"},
        options={"mask_invert": False}, device="cpu",
    )  # fmt: skip


def test_the_fingerprint_is_of_all_that_decides_the_result(job: Job, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes((tmp_path / "mask.png").read_bytes())
    print_ = job.fingerprint()
    assert replace(job, files={"mask": copy}, overwrite=True).fingerprint() == print_
    others = [
        replace(job, seed=1), replace(job, files={}), replace(job, options={"mask_invert": True}),
        replace(job, files={"mask": job.source}), replace(job, source=copy),
        replace(job, recipe=quick("inpaint", max_steps="30")),
    ]  # fmt: skip
    assert len({print_, *(other.fingerprint() for other in others)}) == 1 + len(others)


def test_a_job_is_checked_when_it_is_made(job: Job) -> None:
    with pytest.raises(InputError, match="no task 'sharpen'"):
        replace(job, task="sharpen")
    with pytest.raises(InputError, match="factor is 1"):
        replace(job, task="upscale", files={}, options={"factor": 1})
    with pytest.raises(AssertionError, match="takes"):
        replace(job, files={"kernel": job.source})


def test_a_cancelled_job_goes_on_from_its_record(job: Job) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 1

    cut = run_job(replace(job, checkpoint_every=0), cancelled=cancelled)
    assert cut.status == "interrupted"
    again = job_of_run(cut.folder)
    assert again.files == {"mask": job.files["mask"].resolve()}
    assert again.options == job.options
    assert again.fingerprint() == job.fingerprint()
    assert run_job(again).status == "finished"
    resumed = read_picture(job.target).pixels
    whole = replace(job, target=job.target.with_name("whole.png"), run_dir=cut.folder / "other")
    run_job(whole)
    np.testing.assert_array_equal(resumed, read_picture(whole.target).pixels)

    job.files["mask"].write_bytes(job.source.read_bytes())
    with pytest.raises(InputError, match="the input, the mask or the device is not what"):
        job_of_run(cut.folder)


def test_a_job_in_tiles_goes_on_from_its_record(
    job: Job, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "_TILED_FROM", 1)
    monkeypatch.setattr(planner, "TILE", 100)
    monkeypatch.setattr(planner, "tile_places", functools.partial(tile_places, tile=100))
    module = importlib.import_module(
        "untrained.restoring.restore"
    )  # the name is also the function's
    monkeypatch.setattr(module, "solve_tiled", functools.partial(solve_tiled, tile=100))
    noisy = scene(40, 120, 1) + np.random.default_rng(0).normal(0, 0.1, (40, 120, 1))
    image = np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)
    write_picture(job.source, Picture.from_array(image))
    job = replace(
        job, task="denoise", recipe=quick("denoise", max_steps="100", check_every="5"), files={},
        options={"sigma": None, "sigma_in_units": False}, checkpoint_every=0,
    )  # fmt: skip
    looks: list[int] = []

    def cancelled() -> bool:
        looks.append(1)
        return len(looks) > 20  # at the first of the second tile's two looks

    cut = run_job(job, cancelled=cancelled)
    assert cut.results[0].notes[0].startswith("fitted in 2 tiles")
    assert len(RunFolder(cut.folder).load_state()["tiles"]) == 1  # type: ignore[index]
    done = run_job(job_of_run(cut.folder), cancelled=lambda: bool(looks.append(1)))
    assert done.status == "finished"
    assert len(looks) == 21 + 1
    assert not RunFolder(cut.folder).checkpoint.exists()
    whole = replace(job, target=job.target.with_name("whole.png"), run_dir=cut.folder / "other")
    assert run_job(whole).results[0].stop_step == done.results[0].stop_step
    assert whole.target.read_bytes() == job.target.read_bytes()


def test_a_stack_leaves_whole_pages_and_no_checkpoints(
    job: Job, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = np.rint(255 * scene(20, 24))[..., 0].astype(np.uint8)
    picture = Picture.from_array(stack)
    picture = replace(picture, pixels=np.stack([picture.pixels[0], picture.pixels[0][::-1]]))
    job = replace(
        job, task="denoise", recipe=quick("denoise"), files={}, checkpoint_every=0,
        source=job.source.with_suffix(".tif"), target=job.target.with_suffix(".tif"),
        options={"sigma": None, "sigma_in_units": False},
    )  # fmt: skip
    write_picture(job.source, picture)
    pages = job.folder().path / "pages"

    def fill_the_disk(file: Any, array: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", fill_the_disk)
        with pytest.raises(InputError, match=r"page\.npy: cannot be written"):
            run_job(job)
    assert not list(pages.rglob("*page.npy*"))
    assert run_job(job_of_run(job.folder().path)).status == "finished"
    assert [path.parent.name for path in sorted(pages.rglob("page.npy"))] == ["0001", "0002"]
    assert not list(job.folder().path.rglob("*.pt"))


def test_a_state_of_tiles_is_no_state_of_one_piece(job: Job, scene: Scene) -> None:
    states = [{"tiles": [], "weights": None, "running": None, "callbacks": []}, None]
    recipe = quick("denoise")
    images = [
        restore(scene(20, 30), recipe=recipe, execution=Execution(state=s)).image for s in states
    ]
    np.testing.assert_array_equal(*images)


def test_checkpoints_take_little_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, written = [0.0], [0.0]

    def save(folder: RunFolder, state: dict[str, Any]) -> None:
        clock[0] += 4
        written[0] += 4

    monkeypatch.setattr(RunFolder, "save_state", save)
    monkeypatch.setattr(runs, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    folder = RunFolder(tmp_path)
    recorder = runs.Recorder(folder, folder, {}, checkpoint_every=20)
    recorder.on_start(SimpleNamespace())  # type: ignore[arg-type]
    for _ in range(1000):
        clock[0] += 2
        recorder.on_check(SimpleNamespace(state=dict))  # type: ignore[arg-type]
    assert 0 < written[0] <= 0.03 * clock[0]


def test_the_run_of_another_version_is_refused(job: Job) -> None:
    folder = run_job(job, cancelled=lambda: True).folder
    record = json.loads((folder / "run.json").read_text())
    record["job"]["mask"] = record["job"].pop("files")["mask"]
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="another version"):
        job_of_run(folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class WithExtras(DataFit):
    def build(
        self, problem: Problem, input_size: tuple[int, int], *, seed: int, members: int = 1
    ) -> DataFitObjective:
        return ObjectiveWithExtras(problem, self, input_size, seed=seed, members=members)


class ObjectiveWithExtras(DataFitObjective):
    def extras(self, network: RunNetwork) -> dict[str, Tensor]:
        assert not torch.is_grad_enabled()
        return {
            "kernel": torch.arange(15.0).view(1, 1, 3, 5) - 7,
            "layer": 1 - self.estimate(network),
        }


def test_extras_are_written_beside_the_result(job: Job) -> None:
    recipe = quick("denoise", "paper", average="none")
    recipe = replace(recipe, objective=WithExtras())
    options = {"sigma": None, "sigma_in_units": False}
    job = replace(job, task="denoise", recipe=recipe, files={}, options=options)
    done = run_job(job)
    kernel = torch.arange(15.0).view(3, 5).numpy() - 7
    assert done.record["results"][0]["extras"] == ["kernel", "layer"]
    np.testing.assert_array_equal(np.load(done.folder / "kernel.npy"), kernel)
    np.testing.assert_allclose(
        np.load(done.folder / "layer.npy"), 1 - read_picture(job.target).pixels[0] / 255, atol=0.002
    )
    layer = read_picture(done.folder / "layer.png").pixels[0]
    np.testing.assert_allclose(layer / 65535, np.load(done.folder / "layer.npy"), atol=1e-5)
    assert (done.folder / "kernel.png").exists()  # scaled: it is not within [0, 1]

    cut = run_job(replace(job, seed=1, overwrite=True), cancelled=lambda: True)
    assert not (cut.folder / "kernel.npy").exists()
    assert "extras" not in cut.record["results"][0]


def test_extras_are_not_offered_in_tiles(scene: Scene) -> None:
    recipe = replace(quick("denoise", "paper"), objective=WithExtras())
    problem = Problem(observed=torch.rand(1, 1, 100, 30))
    assert solve_tiled(problem, recipe, device=torch.device("cpu"), tile=90).extras == {}


def test_only_what_the_run_itself_has_written_is_replaced_or_kept(job: Job, tmp_path: Path) -> None:
    """A run of the same settings may have another output, and an output may be another run's."""
    precious = tmp_path / "precious.png"
    precious.write_bytes(job.source.read_bytes())
    assert run_job(job, cancelled=lambda: True).status == "interrupted"
    with pytest.raises(InputError, match=r"precious\.png: exists.*--overwrite"):
        run_job(replace(job, target=precious))
    assert precious.read_bytes() == job.source.read_bytes()
    assert run_job(job).status == "finished"  # its own interrupted picture
    assert run_job(job).status == "skipped"
    run_job(replace(job, seed=1, overwrite=True))
    with pytest.raises(InputError, match=r"out\.png: exists.*--overwrite"):
        run_job(job)  # finished once, but that is not what lies there
    assert run_job(replace(job, overwrite=True)).status == "finished"


def test_what_an_enlarged_file_cannot_keep_is_noted(tmp_path: Path, scene: Scene) -> None:
    import tifffile

    words = "[User]\nPixelWidth=2e-9"
    tag = (34682, 2, len(words) + 1, words, True)  # of an electron microscope
    pixels = np.rint(255 * scene(16, 16, 1)[..., 0]).astype(np.uint8)
    tifffile.imwrite(tmp_path / "in.tif", pixels, extratags=[tag], metadata=None)
    recipe = with_settings(find_recipe("upscale", "fast"), {"max_steps": "3"})
    job = Job(
        task="upscale", source=tmp_path / "in.tif", target=tmp_path / "out.tif", recipe=recipe,
        options={"factor": 2},
    )  # fmt: skip
    (note,) = run_job(job).record["notes"]
    assert note.endswith("are left out: they state the old size")
