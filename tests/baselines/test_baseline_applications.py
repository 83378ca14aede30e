"""The classical methods for single kinds of damage bring the picture nearer to the truth."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from untrained.baselines import BASELINES, Known, find_baseline
from untrained.errors import InputError
from untrained.operators import JpegTables
from untrained.simulation import degrade

Scene = Callable[..., NDArray[np.float64]]


def error(image: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return float(np.mean((np.clip(image, 0, 1) - truth) ** 2))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", BASELINES["dejpeg"])
def test_blocks_are_removed(scene: Scene, name: str, channels: int) -> None:
    truth = scene(61, 75, channels)
    values = np.rint(255 * truth).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values.squeeze()).save(buffer, "JPEG", quality=10)
    picture = Image.open(buffer)
    steps = getattr(picture, "quantization")  # noqa: B009
    tables = JpegTables(luma=tuple(steps[0]), chroma=tuple(steps[channels // 3]))
    observed = np.asarray(picture).reshape(truth.shape) / 255
    result = find_baseline("dejpeg", name)(observed, Known(tables=tables))
    assert result.shape == truth.shape
    assert error(result, truth) < 0.9 * error(observed, truth)


def test_the_guide_shows_the_filter_where_the_edges_are(scene: Scene) -> None:
    truth = scene(48, 56)
    guide = truth[:, :, :2] ** 0.6
    observed = degrade.gaussian_noise(truth, 0.1, generator=np.random.default_rng(0))
    result = find_baseline("flash", "guided-filter")(observed, Known(guide=guide))
    assert error(result, truth) < 0.15 * error(observed, truth)
    plain = find_baseline("flash", "nlm")(observed, Known(guide=guide))
    assert error(result, truth) < error(plain, truth)


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_colours_between_those_measured(scene: Scene, pattern: str) -> None:
    bilinear = find_baseline("demosaic", "bilinear")
    known = Known(pattern=pattern)  # type: ignore[arg-type]
    rows, columns = np.mgrid[0:9, 0:12] / 20
    plane = np.stack([rows, columns, rows + columns], axis=-1)
    result = bilinear(degrade.mosaic(plane, pattern), known)  # type: ignore[arg-type]
    np.testing.assert_allclose(result[2:-2, 2:-2], plane[2:-2, 2:-2], atol=1e-12)
    truth = scene(48, 56)
    mosaic = degrade.mosaic(truth, pattern)  # type: ignore[arg-type]
    assert error(bilinear(mosaic, known), truth) < 0.3 * error(mosaic, truth)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("height", [48, 49])
def test_lines_are_the_means_of_their_neighbours(scene: Scene, first: int, height: int) -> None:
    truth = scene(height, 56)
    mask = np.zeros(truth.shape[:2], dtype=bool)
    mask[first::2] = True
    observed = np.where(mask[:, :, None], truth, np.roll(truth, 5, axis=1))
    result = find_baseline("deinterlace", "line-averaging")(observed, Known(mask=mask))
    np.testing.assert_array_equal(result[mask], truth[mask])
    np.testing.assert_allclose(result[3 - first], (truth[2 - first] + truth[4 - first]) / 2)
    assert error(result, truth) < 0.5 * error(observed, truth)


def test_haze_is_lifted(scene: Scene) -> None:
    truth = scene(64, 72)
    through = np.linspace(0.3, 0.9, 64)[:, None, None]
    observed = through * truth + (1 - through) * 0.9
    result = find_baseline("dehaze", "dark-channel")(observed, Known())
    assert error(result, truth) < 0.5 * error(observed, truth)


@pytest.mark.parametrize(
    ("task", "name"),
    [("dejpeg", "jpeg-again"), ("dejpeg", "tv"), ("flash", "guided-filter"),
     ("deinterlace", "line-averaging")],
)  # fmt: skip
def test_what_a_method_must_know_is_asked_for(task: str, name: str) -> None:
    with pytest.raises(InputError, match="give one"):
        find_baseline(task, name)(np.full((16, 16, 1), 0.5), Known())


@pytest.mark.parametrize("name", BASELINES["denoise"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_picture_of_one_colour_is_left_as_it_is(name: str, value: float) -> None:
    if name == "bm3d":
        pytest.importorskip("bm3d")
    flat = np.full((20, 24, 3), value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(find_baseline("denoise", name)(flat, Known()), flat)


def test_bm3d_refuses_the_size_at_which_it_crashes() -> None:
    pytest.importorskip("bm3d")
    bm3d = find_baseline("denoise", "bm3d")
    with pytest.raises(InputError, match="use nlm"):
        bm3d(np.full((8, 8, 3), 0.5), Known(sigma=0.1))


def test_bm3d_takes_gray_in_three_channels(scene: Scene) -> None:
    pytest.importorskip("bm3d")
    truth = np.repeat(scene(32, 36, 1), 3, axis=2)
    noise = np.random.default_rng(0).normal(0, 0.1, (32, 36, 1))
    result = find_baseline("denoise", "bm3d")(truth + noise, Known(sigma=0.1))
    assert error(result, truth) < 0.5 * error(truth + noise, truth)
