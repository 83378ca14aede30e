"""A result to look at: a few words, a picture in a notebook, a figure."""

from __future__ import annotations

import base64
import copy
import io
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from untrained import InputError, Problem, Result, StopReason, denoise, solve, with_settings

Scene = Callable[..., NDArray[np.float64]]


@pytest.fixture
def result(scene: Scene) -> Result:
    clean = scene(24, 32)
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape)
    found = denoise(noisy, steps=30, truth=clean, return_result=True)
    assert isinstance(found, Result)
    return found


def test_a_result_is_a_few_lines(result: Result) -> None:
    text = repr(result)
    assert len(text.splitlines()) <= 10
    assert "24x32x3, 30 steps" in text
    assert "PSNR" in text
    assert len(text) < 800


def test_a_notebook_shows_observed_estimate_and_curves(result: Result) -> None:
    page = result._repr_html_()
    pictures = re.findall(r'alt="(\w+)".*?base64,([^"]+)"', page)
    assert [name for name, _ in pictures] == ["observed", "estimate"]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(pictures[1][1])))) / 255
    expected = result.estimate[0].permute(1, 2, 0).numpy().clip(0, 1)
    assert np.abs(shown - expected).max() <= 0.5 / 255 + 1e-6
    assert page.count("<svg") == 2
    assert "<script" not in page


def test_plot_draws_both_pictures_and_the_curves(result: Result) -> None:
    pytest.importorskip("matplotlib")
    axes = result.plot().axes
    assert [axis.get_title() for axis in axes[:2]] == ["observed", "estimate"]
    line = axes[2].lines[0].get_ydata()
    np.testing.assert_allclose(line, result.history.psnr_observed)


def test_a_measurement_that_is_no_picture_is_not_shown() -> None:
    import torch

    recipe = with_settings("denoise/paper", {"network.widths": (8, 8), "max_steps": 3})
    found = solve(Problem(observed=torch.rand(1, 1, 8, 8)), recipe)
    assert "observed" in found._repr_html_()

    class Sum(torch.nn.Module):
        def image_shape(self, shape: Any) -> Any:
            return 1, 1, 8, 8

        def forward(self, x: Any) -> Any:
            return x.sum((2, 3), keepdim=True)

    sums = solve(Problem(observed=torch.full((1, 1, 1, 1), 9.0), operator=Sum()), recipe)
    assert 'alt="observed"' not in sums._repr_html_()


def test_reasons_are_one_object_a_name() -> None:
    own = StopReason("display_test", "a test said so")
    assert StopReason("display_test") is own
    assert copy.deepcopy(own) is own
    assert pickle.loads(pickle.dumps(own)) is own
    assert own.value == "display_test"
    assert own.advice == "a test said so"
    assert StopReason("variance") is StopReason.VARIANCE
    with pytest.raises(InputError, match="take another name"):
        StopReason("variance", "something else")
    with pytest.raises(InputError, match="has no name"):
        StopReason("")


def test_a_reason_read_before_its_rule_is_imported_learns_its_advice() -> None:
    early = StopReason("display_test_late")
    assert "a rule of its own" in early.advice
    assert StopReason("display_test_late", "it was late").advice == early.advice == "it was late"
