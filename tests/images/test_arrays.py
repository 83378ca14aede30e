"""Arrays to the unit range and back: dtype, range, layout, missing pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from untrained.errors import InputError
from untrained.images import from_unit, mask_to_tensor, to_unit


@given(
    dtype=st.sampled_from(["uint8", "uint16", "int16", "float32", "float64"]),
    shape=st.sampled_from([(8, 9), (9, 8, 1), (8, 11, 3), (8, 8, 4)]),
    span=st.sampled_from([(0.0, 1.0), (0.0, 0.01), (-5.0, 300.0), (0.3, 0.9)]),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_there_and_back_again(
    dtype: str, shape: tuple[int, ...], span: tuple[float, float], seed: int
) -> None:
    values = np.random.default_rng(seed).uniform(*span, shape)
    kind = np.dtype(dtype)
    image = values.astype(kind) if kind.kind == "f" else (abs(values) * 100).astype(kind)
    before = image.copy()
    unit, known, unit_range = to_unit(image)
    assert unit.shape == (1, image.shape[2] if image.ndim == 3 else 1, *image.shape[:2])
    assert unit.dtype == torch.float32
    assert unit.min() >= 0
    assert unit.max() <= 1 + 1e-6
    assert known is None
    back = from_unit(unit, unit_range, ndim=image.ndim)
    assert back.dtype == image.dtype
    assert back.shape == image.shape
    tolerance = 0 if kind.kind != "f" else 1e-6 * max(1, unit_range.scale)
    np.testing.assert_allclose(back.astype(float), image.astype(float), atol=tolerance)
    np.testing.assert_array_equal(image, before)


def test_channel_axis() -> None:
    image = np.random.default_rng(0).random((3, 10, 12)).astype(np.float32)
    unit, _, unit_range = to_unit(image, channel_axis=0)
    np.testing.assert_allclose(unit[0].numpy(), image)
    np.testing.assert_allclose(from_unit(unit, unit_range, channel_axis=0), image)


def test_peaks() -> None:
    def peak(image: np.ndarray) -> float:
        return to_unit(image)[2].full_scale

    assert peak(np.full((8, 8), 7, np.uint8)) == 255
    assert peak(np.full((8, 8), 60000, np.uint16)) == 65535
    dark = np.arange(64, dtype=np.uint16).reshape(8, 8)
    assert peak(dark) == pytest.approx(65535)  # stretched inside, but PSNR keeps the file's scale
    assert to_unit(dark)[0].max() == 1
    assert peak(np.linspace(0, 0.2, 64).reshape(8, 8)) == pytest.approx(1)
    assert to_unit(np.linspace(0, 0.2, 64).reshape(8, 8))[0].max() == 1
    assert peak(np.linspace(0, 1, 64).reshape(8, 8)) == 1
    assert peak(np.linspace(-3, 5, 64).reshape(8, 8)) == pytest.approx(8)


def test_missing_pixels_are_masked_and_harmless() -> None:
    image = np.random.default_rng(0).random((9, 10, 3))
    image[2, 3, 1] = np.nan
    image[4, 5] = np.inf
    unit, known, _ = to_unit(image)
    assert torch.isfinite(unit).all()
    assert known is not None
    assert known.shape == (1, 1, 9, 10)
    assert known.sum() == 88
    assert known[0, 0, 2, 3] == known[0, 0, 4, 5] == 0


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 5)), "empty"),
        (np.zeros((7, 20)), "at least 8x8"),
        (np.full((8, 8), np.nan), "no finite pixel"),
        (np.zeros((8, 8), complex), "wanted integers or floats"),
        (np.zeros((8, 8), bool), "wanted integers or floats"),
        (np.zeros(8), "wanted"),
        (np.zeros((2, 2, 8, 8)), "stack"),
    ],
)
def test_bad_arrays(image: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_unit(image)


def test_constant_images_pass() -> None:
    for value in (0, 200):
        unit, _, unit_range = to_unit(np.full((8, 8), value, np.uint16))
        np.testing.assert_array_equal(from_unit(unit, unit_range, ndim=2), value)


def test_masks() -> None:
    size = (8, 9)
    known = np.random.default_rng(0).random(size) < 0.5
    expected = torch.from_numpy(known)[None, None].float()
    scaled = [known, known * 255, known.astype(np.uint8) * 255, known.astype(np.uint8), known * 1.0]
    for mask in (*scaled, np.stack([known] * 3, axis=-1)):
        assert torch.equal(mask_to_tensor(mask, size), expected)
    with pytest.raises(InputError, match="mask is 8x9, image is 9x8"):
        mask_to_tensor(known, (9, 8))
    with pytest.raises(InputError, match="every pixel as unknown"):
        mask_to_tensor(np.zeros(size), size)
