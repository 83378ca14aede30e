"""One file, several methods, side by side."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained.baselines import BASELINES
from untrained.comparison import DEFAULT_METHODS, Comparison, compare_file
from untrained.errors import InputError
from untrained.images import Picture, read_picture, write_picture
from untrained.recipes import RECIPES
from untrained.simulation import EXAMPLES, clean_image, write_example
from untrained.simulation.degrade import gaussian_noise

Scene = Callable[..., NDArray[np.float64]]
DENOISE = {"sigma": None, "sigma_in_units": False}


def save(path: Path, image: NDArray[np.float64], dtype: Any = np.uint8) -> Path:
    values = np.rint(image * np.iinfo(dtype).max).astype(dtype)
    write_picture(path, Picture.from_array(values))
    return path


@pytest.fixture
def noisy(scene: Scene, tmp_path: Path) -> tuple[Path, Path]:
    truth = scene(41, 50)
    observed = gaussian_noise(truth, 0.1, generator=np.random.default_rng(0))
    return save(tmp_path / "noisy.png", observed), save(tmp_path / "truth.png", truth)


def test_the_command_writes_pictures_a_sheet_and_a_table(
    untrained: Callable[..., Any], noisy: tuple[Path, Path], tmp_path: Path
) -> None:
    done = untrained("compare", noisy[0], "--truth", noisy[1], "--methods", "fast,nlm,tv",
                     "--steps", 10, "-o", "out", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["method"] for row in rows] == ["fast", "nlm", "tv"]
    assert rows == json.loads((tmp_path / "out" / "compare.json").read_text())
    for row in rows:
        assert row["seconds"] >= 0
        assert read_picture(tmp_path / "out" / row["file"]).pixels.shape == (1, 41, 50, 3)
    assert rows[1]["psnr"] > 22  # the observation has 20
    assert "| nlm |" in (tmp_path / "out" / "compare.md").read_text()
    height, width = read_picture(tmp_path / "out" / "compare.png").pixels.shape[1:3]
    assert height > 2 * 41
    assert width > 4 * 50


@pytest.mark.parametrize("task", DEFAULT_METHODS)
def test_no_recipe_has_the_name_of_a_classical_method(task: str) -> None:
    assert not RECIPES[task].keys() & BASELINES[task].keys()


def test_the_truth_changes_no_result(noisy: tuple[Path, Path], tmp_path: Path) -> None:
    asked: dict[str, Any] = {"source": noisy[0], "methods": ("fast", "nlm"), "steps": 3,
                             "options": DENOISE}  # fmt: skip
    compare_file(Comparison(**asked), tmp_path / "a")
    rows = compare_file(Comparison(**asked, truth=noisy[1]), tmp_path / "b")
    for row in rows:
        a, b = (read_picture(tmp_path / folder / row["file"]).pixels for folder in "ab")
        np.testing.assert_array_equal(a, b)


def test_a_given_sigma_reaches_the_classical_methods(
    noisy: tuple[Path, Path], tmp_path: Path
) -> None:
    results = []
    for sigma in (5, 60):
        options = {"sigma": sigma, "sigma_in_units": False}
        asked = Comparison(source=noisy[0], methods=("nlm",), options=options)
        compare_file(asked, tmp_path / str(sigma))
        results.append(read_picture(tmp_path / str(sigma) / "noisy-nlm.png").pixels.std())
    assert results[1] < results[0]


def test_a_setting_varies_over_the_recipes(noisy: tuple[Path, Path], tmp_path: Path) -> None:
    asked = Comparison(
        source=noisy[0], methods=("fast", "nlm"), vary="lr=0.001, 0.02", steps=3, truth=noisy[1]
    )
    rows = compare_file(asked, tmp_path / "out")
    assert [row["method"] for row in rows] == ["fast lr=0.001", "fast lr=0.02", "nlm"]
    assert rows[0]["psnr"] != rows[1]["psnr"]
    assert len({row["file"] for row in rows}) == 3
    assert (tmp_path / "out" / rows[0]["file"]).exists()
    for vary, methods, says in (
        ("lr", ("fast",), "wanted NAME=VALUE"),
        ("lr=,", ("fast",), "wanted NAME=VALUE"),
        ("rl=1", ("fast",), "did you mean"),
        ("lr=1", ("nlm",), "only recipes have settings"),
    ):
        with pytest.raises(InputError, match=says):
            compare_file(replace(asked, vary=vary, methods=methods), tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_inpainting_and_enlarging(scene: Scene, tmp_path: Path) -> None:
    truth = scene(32, 40)
    holes = np.random.default_rng(0).random((32, 40)) > 0.3
    mask = save(tmp_path / "mask.png", holes[:, :, None].astype(float))
    source = save(tmp_path / "holes.png", truth * holes[:, :, None], np.uint16)
    rows = compare_file(
        Comparison(
            source=source, task="inpaint", steps=2, files={"mask": mask},
            options={"mask_invert": False}, truth=save(tmp_path / "clean.png", truth, np.uint16),
        ),
        tmp_path / "inpaint",
    )  # fmt: skip
    assert [row["method"] for row in rows] == ["fast", "biharmonic"]
    assert rows[1]["psnr"] > 20
    assert read_picture(tmp_path / "inpaint" / rows[1]["file"]).pixels.dtype == np.uint16
    rows = compare_file(
        Comparison(source=source, task="upscale", steps=2, options={"factor": 2}),
        tmp_path / "upscale",
    )
    for row in rows:
        assert read_picture(tmp_path / "upscale" / row["file"]).pixels.shape == (1, 64, 80, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"methods": ("nml",)}, "nlm"),
        ({"task": "paint"}, "denoise"),
        ({"task": "inpaint", "options": {"mask_invert": False}}, "mask"),
        ({"truth": "noisy"}, "one size"),
        ({"task": "decompose"}, "no classical method"),
        ({"crop": -5}, "crop is -5"),
        ({"options": {"sigma": 5, "factor": 2}}, "denoise takes no --factor"),
        ({"task": "dehaze", "options": {"sigma": 5}}, "dehaze takes no --sigma; its options: none"),
        ({"files": {"mask": Path("mask.png")}}, "denoise takes no --mask"),
        ({"task": "deblur"}, "--kernel"),
    ],
)
def test_bad_input_is_one_line(
    noisy: tuple[Path, Path], scene: Scene, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    if "truth" in change:
        change = {"truth": save(tmp_path / "other.png", scene(20, 50))}
    with pytest.raises(InputError, match=says):
        compare_file(Comparison(**{"source": noisy[0], **change}), tmp_path / "out")


@pytest.mark.parametrize("task", sorted(DEFAULT_METHODS.keys() - {"denoise", "inpaint", "upscale"}))
def test_every_task_with_a_classical_method_is_compared(
    untrained: Callable[..., Any], tmp_path: Path, task: str
) -> None:
    example = EXAMPLES[task]
    write_example(example, clean_image(32), tmp_path)
    beside = [word for name, file in example.beside.items() for word in (f"--{name}", file)]
    options = [word for name, value in example.options.items() for word in (f"--{name}", value)]
    done = untrained(
        "compare", example.damaged, "--task", task, "--truth", "clean.png", "--steps", 2,
        "-o", "out", "--json", *beside, *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["method"] for row in rows] == list(DEFAULT_METHODS[task])
    assert rows[1]["method"] in BASELINES[task]
    assert rows[1]["psnr"] > 15
    for row in rows:
        assert read_picture(tmp_path / "out" / row["file"]).pixels.shape == (1, 32, 32, 3)


def test_a_task_takes_its_own_options_only(
    untrained: Callable[..., Any], noisy: tuple[Path, Path], tmp_path: Path
) -> None:
    for words, says in (
        (("--factor", 4), "denoise takes no --factor"),
        (("--task", "upscale", "--sigma", 5), "upscale takes no --sigma"),
        (("-o", tmp_path / "noisy.png" / "out"), "cannot make this folder"),
    ):
        done = untrained("compare", noisy[0], *words)
        assert done.returncode == 2
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_black_picture_is_compared_without_warnings(tmp_path: Path) -> None:
    source = save(tmp_path / "black.png", np.zeros((24, 24, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = compare_file(Comparison(source=source, truth=source, steps=2), tmp_path / "out")
    assert len(rows) == len(DEFAULT_METHODS["denoise"])
