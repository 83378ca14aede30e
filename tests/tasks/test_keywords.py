"""The functions of the tasks take the same keywords, and say what else they are given."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import untrained
from untrained import InputError, Result, find_recipe
from untrained.images import Picture, read_picture, write_picture
from untrained.tasks import TASKS

Scene = Callable[..., NDArray[np.float64]]


@pytest.fixture
def image(scene: Scene) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0, 20, (24, 32, 3))
    return np.clip(255 * scene(24, 32) + noise, 0, 255).astype(np.uint8)


def test_every_function_takes_them() -> None:
    names = [
        f"reconstruct_{name}" if task.formats.what == "scan" else name.replace("-", "_")
        for name, task in TASKS.items()
    ]
    functions = [getattr(untrained, name) for name in names]
    for function in functions:
        parameters = inspect.signature(function).parameters
        assert "FitKeywords" in str(parameters["fit"].annotation), function


def test_steps_settings_and_truth(image: NDArray[Any], scene: Scene) -> None:
    truth = np.rint(255 * scene(24, 32)).astype(np.uint8)
    result = untrained.denoise(
        image, steps=4, settings={"lr": 0.02, "network.widths": (8, 8)}, truth=truth,
        return_result=True,
    )  # fmt: skip
    assert isinstance(result, Result)
    assert result.stop_step == 4
    assert result.recipe["optimizer"]["lr"] == 0.02
    assert result.recipe["network"]["widths"] == [8, 8]
    assert result.score is not None
    plain = untrained.denoise(image, steps=4, settings={"lr": 0.02, "network.widths": (8, 8)})
    np.testing.assert_array_equal(result.image, plain)
    with pytest.raises(InputError, match="truth holds float64"):
        untrained.denoise(image, steps=2, truth=scene(24, 32))


def test_progress_is_shown_where_it_is_asked_for(
    image: NDArray[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    untrained.denoise(image, steps=2)
    assert capsys.readouterr().err == ""
    untrained.denoise(image, steps=2, progress=True)
    assert "denoise: 24x32x3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ("learning_rate", r"settings=\{'lr': …\}"),
        ("num_iter", r"settings=\{'max_steps': …\}"),
        ("step", "did you mean 'steps'"),
        ("return_results", "did you mean 'return_result'"),
        ("zzz", "it takes channel_axis, recipe, steps"),
    ],
)
def test_an_unknown_keyword_is_one_line(keyword: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        untrained.denoise(np.zeros((16, 16)), **{keyword: 1})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_files_have_results_too(tmp_path: Path, image: NDArray[Any]) -> None:
    stack = Picture(pixels=np.stack([image[..., :1], image[..., 1:2]]), lead=(2,))
    write_picture(tmp_path / "stack.tif", stack)
    write_picture(tmp_path / "truth.tif", stack)
    assert len(read_picture(tmp_path / "stack.tif").pixels) == 2
    results = untrained.denoise(
        tmp_path / "stack.tif", steps=2, truth=tmp_path / "truth.tif", return_result=True
    )
    assert [r.image.shape for r in results] == [(24, 32, 1)] * 2
    assert all(r.score is not None for r in results)


def test_what_else_was_found_is_in_the_result(image: NDArray[Any]) -> None:
    result = untrained.dehaze(image, steps=2, return_result=True)
    assert result.extras["transmission"].shape[-2:] == (24, 32)
    kernel = untrained.deblur_blind(
        image, 5, steps=2, settings={"network.widths": (8, 8), "widths_skip": (4, 4)},
        return_result=True,
    ).extras["kernel"]  # fmt: skip
    assert kernel.shape[-2:] == (5, 5)


def test_a_recipe_of_another_task_is_refused_by_name(image: NDArray[Any]) -> None:
    with pytest.raises(InputError, match="'fast' is for inpaint, not for denoise"):
        untrained.denoise(image, recipe="inpaint/fast")
    with pytest.raises(InputError, match="no recipe 'fats' for denoise; did you mean 'fast'"):
        untrained.denoise(image, recipe="fats")
    assert find_recipe("denoise", "fast").task == "denoise"


def test_the_same_default_everywhere() -> None:
    from untrained.comparison import DEFAULT_OPTIONS

    upscale = inspect.signature(untrained.upscale).parameters["factor"].default
    assert upscale == DEFAULT_OPTIONS["upscale"]["factor"] == 4
