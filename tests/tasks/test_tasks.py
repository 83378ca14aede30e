"""The tasks: what they take, what they refuse, what they give to a fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import untrained
from untrained import InputError
from untrained.images import Picture, write_picture
from untrained.operators import Resample
from untrained.recipes import RECIPES
from untrained.tasks import TASKS, Asked, find_task

PICTURE = Picture.from_array(np.zeros((10, 12, 3), np.uint8))


def asked(picture: Picture = PICTURE, **others: Any) -> Asked:
    return Asked(source=Path("in.png"), picture=picture, **others)


def test_every_task_has_recipes_a_function_and_a_command() -> None:
    from untrained.cli import app

    assert TASKS.keys() == RECIPES.keys()
    for name, task in TASKS.items():
        assert find_task(name) is task
        assert "fast" in RECIPES[name]
        scan = task.formats.what == "scan"
        function = f"reconstruct_{name}" if scan else name.replace("-", "_")
        assert callable(getattr(untrained, function))
        assert app[name] is not None
    with pytest.raises(InputError, match="no task 'sharpen'; wanted one of denoise, inpaint"):
        find_task("sharpen")


def test_denoising_is_given_sigma_in_the_units_of_the_file() -> None:
    task = find_task("denoise")
    cases = [(np.uint8, 25.0), (np.uint16, 25 / 255 * 65535), (np.float32, 25 / 255)]
    for dtype, expected in cases:
        picture = Picture.from_array(np.ones((9, 9), dtype))
        options = {"sigma": 25.0, "sigma_in_units": False}
        assert task.given(asked(picture, options=options)).sigma == pytest.approx(expected)
        options = {"sigma": 25.0, "sigma_in_units": True}
        assert task.given(asked(picture, options=options)).sigma == 25
    assert task.given(asked(options={"sigma": None, "sigma_in_units": False})).sigma is None
    with pytest.raises(InputError, match="sigma is -1"):
        task.check({"sigma": -1.0, "sigma_in_units": False})


def test_inpainting_reads_its_mask(tmp_path: Path) -> None:
    task = find_task("inpaint")
    known = np.random.default_rng(0).random((10, 12)) > 0.5
    write_picture(tmp_path / "m.png", Picture.from_array(np.where(known, 200, 0).astype(np.uint8)))
    files = {"mask": tmp_path / "m.png"}
    for invert in (False, True):
        given = task.given(asked(files=files, options={"mask_invert": invert}))
        assert given.mask is not None
        np.testing.assert_array_equal(given.mask, known != invert)
    assert task.given(asked(options={"mask_invert": False})).mask is None
    with pytest.raises(InputError, match="--max-pixels"):
        task.given(asked(files=files, options={"mask_invert": False}, max_pixels=100))


def test_upscaling_says_how_large_its_picture_will_be() -> None:
    task = find_task("upscale")
    operator = task.given(asked(options={"factor": 3})).operator
    assert isinstance(operator, Resample)
    assert operator.image_shape((1, 3, 10, 12)) == (1, 3, 30, 36)
    assert task.output_shape((2, 10, 12, 3), {"factor": 3}) == (2, 30, 36, 3)
    assert find_task("denoise").output_shape((2, 10, 12, 3), {}) == (2, 10, 12, 3)
    with pytest.raises(InputError, match="factor is 1"):
        task.check({"factor": 1})
