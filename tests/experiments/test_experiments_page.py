"""The page of an experiment: its fits as runs, told as they were."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from untrained.experiments import find_experiment
from untrained.experiments.base import Experiment
from untrained.experiments.run import narrowed, reproduce
from untrained.images import Picture, write_picture

Scene = Callable[..., Any]


@pytest.fixture
def experiment(scene: Scene, tmp_path: Path) -> Experiment:
    """Return a few steps of a published fit beside a classical method on one small picture."""
    path = tmp_path / "scene.png"
    write_picture(path, Picture.from_array(np.rint(scene(32, 32) * 255).astype(np.uint8)))
    x = narrowed(find_experiment("denoise-cset9", quick=True), methods="fast,NLM", steps=10)
    return replace(x, pictures=(str(path),), crop=0, figures=(), snapshots=(10,), seeds=(0,))


def view_in(page: Path) -> Any:
    found = re.search(r'id="view">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_page_tells_the_fits(
    experiment: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path / "out"
    reproduce(experiment, folder, device="cpu", command="untrained reproduce denoise-cset9")
    runs = {run["recipe"]: run for run in view_in(folder / "report.html")["runs"]}
    assert runs.keys() == {"fast", "NLM"}
    fit, classical = runs["fast"], runs["NLM"]
    assert fit["layers"]["observed"] == classical["layers"]["observed"]
    assert fit["stop"]["step"] == fit["history"]["step"][-1] == 10
    assert [s["step"] for s in fit["snapshots"]] == [10]
    assert len(fit["history"]["loss"]) == len(fit["history"]["step"])
    assert classical["stop"] is None
    assert "Reduced" in fit["notes"][0]
    entries = json.loads((folder / "results.json").read_text())["entries"]
    wanted = next(entry["psnr"] for key, entry in entries.items() if "fast" in key)
    exec(fit["python"], {})
    assert float(capsys.readouterr().out) == pytest.approx(wanted, abs=1e-6)
    torch.set_num_threads(threads)

    # without the images there is nothing to show, and the results are still written
    (folder / "report.html").unlink()
    for image in (folder / "images").iterdir():
        image.unlink()
    assert reproduce(experiment, folder, device="cpu").exists()
    assert not (folder / "report.html").exists()


def test_pictures_of_scikit_image_stand_in_for_others() -> None:
    x = narrowed(find_experiment("inpaint-11", quick=True), pictures="skimage/camera")
    assert x.pictures == ("skimage/camera",)
    assert "pictures: skimage/camera" in x.quick
    assert x.scene("skimage/camera", 32, 0).truth.shape == (32, 32, 1)
