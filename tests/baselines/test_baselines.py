"""The classical methods: every one improves the kind of picture that it is for."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
import scipy.ndimage
from numpy.typing import NDArray

from untrained.baselines import BASELINES, Known, find_baseline
from untrained.errors import InputError
from untrained.simulation.degrade import gaussian_noise, missing

Scene = Callable[..., NDArray[np.float64]]
SIGMA = 0.1


def error(image: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return float(np.mean((np.clip(image, 0, 1) - truth) ** 2))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [None, SIGMA])
@pytest.mark.parametrize("name", ["nlm", "tv", "wavelet", "bm3d"])
def test_denoisers_halve_the_error(
    scene: Scene, name: str, sigma: float | None, channels: int
) -> None:
    if name == "bm3d":
        pytest.importorskip("bm3d")
    truth = scene(64, 72, channels)
    observed = gaussian_noise(truth, SIGMA, generator=np.random.default_rng(0))
    before = observed.copy()
    result = find_baseline("denoise", name)(observed, Known(sigma=sigma))
    assert result.shape == truth.shape
    assert error(result, truth) < 0.5 * error(observed, truth)
    np.testing.assert_array_equal(observed, before)


def test_the_median_removes_impulses(scene: Scene) -> None:
    truth = np.clip(scene(64, 65, 3), 0.05, 0.95)
    generator = np.random.default_rng(0)
    hit = generator.random(truth.shape) < 0.1
    observed = np.where(hit, generator.integers(0, 2, truth.shape), truth).astype(float)
    result = find_baseline("denoise", "median")(observed, Known())
    assert error(result, truth) < 0.1 * error(observed, truth)
    np.testing.assert_array_equal(result[~hit], truth[~hit])


@pytest.mark.parametrize("name", BASELINES["inpaint"])
def test_fillers_keep_what_is_known_and_fill_the_rest(scene: Scene, name: str) -> None:
    truth = scene(48, 40, 3)
    mask = missing(truth.shape[:2], 0.5, generator=np.random.default_rng(0))
    observed = truth * mask[:, :, None]
    result = find_baseline("inpaint", name)(observed, Known(mask=mask))
    np.testing.assert_allclose(result[mask], truth[mask])
    assert error(result, truth) < 0.1 * error(observed, truth)


def test_enlarging_puts_the_pixels_where_the_operator_takes_them_from(scene: Scene) -> None:
    truth = scene(64, 48, 3)
    small = truth.reshape(16, 4, 12, 4, 3).mean((1, 3))
    errors = {
        name: error(method(small, Known(factor=4)), truth)
        for name, method in BASELINES["upscale"].items()
    }
    assert errors["bicubic"] < errors["nearest"]
    flat = np.full((5, 7, 1), 0.25)
    for method in BASELINES["upscale"].values():
        np.testing.assert_allclose(method(flat, Known(factor=3)), np.full((15, 21, 1), 0.25))


def test_richardson_lucy_sharpens(scene: Scene) -> None:
    truth = scene(64, 64, 3)
    kernel = np.outer(*[np.array([1, 4, 6, 4, 1]) / 16] * 2)
    blurred = np.stack(
        [scipy.ndimage.convolve(c, kernel, mode="reflect") for c in np.moveaxis(truth, -1, 0)],
        axis=-1,
    )
    result = find_baseline("deblur", "richardson-lucy")(blurred, Known(kernel=kernel))
    # The steps of the scene hold frequencies that the blur has erased, so not all comes back.
    assert error(result, truth) < 0.7 * error(blurred, truth)


@pytest.mark.parametrize(
    ("task", "name", "says"),
    [("denoise", "nml", "'nlm'"), ("inpaint", "x", "biharmonic"), ("paint", "x", "inpaint")],
)
def test_a_wrong_name_is_told_what_there_is(task: str, name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        find_baseline(task, name)


def test_what_a_method_must_know_is_asked_for() -> None:
    image = np.full((8, 8, 1), 0.5)
    for task in ("inpaint", "deblur"):
        for method in BASELINES[task].values():
            with pytest.raises(InputError, match="give one"):
                method(image, Known())


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(InputError, match="pip install bm3d"):
        find_baseline("denoise", "bm3d")(np.full((8, 8, 1), 0.5), Known(sigma=0.1))
