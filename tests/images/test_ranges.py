"""Which values are black and white, and which stand outside."""

from __future__ import annotations

import numpy as np
import pytest

from untrained.images import find_outliers, from_unit, range_of, to_unit


def smooth(height: int = 48, width: int = 56) -> np.ndarray:
    """Return a picture of 0 to 1 with a little noise."""
    y, x = np.mgrid[:height, :width] / 56
    noise = np.random.default_rng(0).normal(0, 0.03, x.shape)
    return np.clip(0.5 + 0.35 * np.sin(7 * x + 3 * y) + noise, 0, 1)


def everywhere(image: np.ndarray) -> np.ndarray:
    return np.ones(image.shape[:2], bool)


@pytest.mark.parametrize(
    ("offset", "contrast", "dtype"),
    [
        (29315, 300, np.uint16), (20000, 20000, np.uint16), (-900, 80, np.int16),
        (0.95, 0.02, np.float32), (0.99, 0.0005, np.float64), (3e9, 1000, np.uint32),
        (200, 20, np.uint8), (0, 4095, np.uint16),
    ],
)  # fmt: skip
def test_little_contrast_on_a_pedestal_fills_the_unit_range(
    offset: float, contrast: float, dtype: type
) -> None:
    values = offset + contrast * smooth()
    image = (values if np.issubdtype(dtype, np.floating) else np.rint(values)).astype(dtype)
    unit, _, unit_range = to_unit(image)
    assert (float(unit.min()), float(unit.max())) == pytest.approx((0, 1))
    back = from_unit(unit, unit_range, ndim=2)
    least = 1e-6 * contrast if back.dtype.kind == "f" else 0
    np.testing.assert_allclose(back.astype(float), image.astype(float), atol=least)


def test_a_photograph_keeps_the_full_scale_of_its_file() -> None:
    for low, high in ((0, 255), (40, 200), (60, 190)):
        photograph = np.rint(low + (high - low) * smooth()).astype(np.uint8)
        colours = np.stack([photograph] * 3, -1)
        unit_range = range_of(colours, everywhere(colours))
        assert (unit_range.offset, unit_range.scale) == (0, 255)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_photograph_over_255_is_seen_as_its_file(kind: type) -> None:
    photograph = np.rint(60 + 100 * smooth())[..., None] * [1, 0.2, 1]
    photograph = np.rint(photograph).astype(np.uint8)  # less than half of 8 bits, one channel weak
    found = range_of(photograph.astype(kind) / 255, everywhere(photograph))
    assert (found.offset, found.scale, found.peak) == (0, 1, 1)
    assert range_of(photograph, everywhere(photograph)).scale == 255
    other = (photograph.astype(kind) + 0.3) / 255  # no values of 8 bits
    assert range_of(other, everywhere(photograph)).is_apart


def test_channels_that_have_little_in_common_get_ranges_of_their_own() -> None:
    image = np.stack([5000 + 40000 * smooth(), 100 + 300 * smooth()[::-1]], -1).astype(np.uint16)
    unit, _, unit_range = to_unit(image)
    assert unit_range.is_apart
    assert unit.amin((0, 2, 3)).tolist() == pytest.approx([0, 0])
    assert unit.amax((0, 2, 3)).tolist() == pytest.approx([1, 1])
    assert np.array_equal(from_unit(unit, unit_range), image)
    alike = np.stack([5000 + 40000 * smooth(), 9000 + 30000 * smooth()[::-1]], -1)
    assert not to_unit(alike.astype(np.uint16))[2].is_apart


def test_a_constant_channel_takes_the_scale_of_the_others() -> None:
    image = np.stack([40000 * smooth(), 300 * smooth(), np.full((48, 56), 7.0)], -1)
    unit, _, unit_range = to_unit(image.astype(np.float32))
    assert unit_range.is_apart
    assert unit[0, 2].abs().max() == 0
    assert np.array_equal(from_unit(unit, unit_range)[..., 2], image[..., 2])


def test_hot_pixels_are_outliers_and_do_not_compress_the_range() -> None:
    image = np.rint(200 + 1200 * smooth()).astype(np.uint16)[..., None]
    places = [(5, 9), (20, 41), (33, 3)]
    for place, value in zip(places, (65535, 60000, 30000), strict=True):
        image[place] = value
    found = find_outliers(image, everywhere(image))
    assert found is not None
    assert sorted(map(tuple, np.argwhere(found[..., 0]).tolist())) == sorted(places)
    _, _, unit_range = to_unit(image, outliers=found)
    assert unit_range.scale < 1400


def test_a_bright_thing_belongs_to_the_picture_and_so_does_a_thin_line() -> None:
    for rows, columns in ((slice(10, 16), slice(10, 16)), (slice(20, 21), slice(5, 50))):
        image = np.rint(10 * smooth())[..., None]
        image[rows, columns] = 200
        assert find_outliers(image, everywhere(image)) is None


def test_noise_has_no_outliers() -> None:
    flat = np.random.default_rng(0).normal(100, 5, (300, 300, 1))
    assert find_outliers(flat, everywhere(flat)) is None
    counts = np.random.default_rng(0).poisson(0.3, (300, 300, 1)).astype(np.uint16)
    found = find_outliers(counts, everywhere(counts))
    assert found is None or found.mean() < 1e-3


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.uint32, np.int32, np.uint16])
def test_the_ends_of_a_dtype_come_back(dtype: type) -> None:
    limits = np.iinfo(dtype)
    image = np.full((8, 9), limits.max, dtype)
    image[2:4] = limits.min
    unit, _, unit_range = to_unit(image)
    assert np.array_equal(from_unit(unit, unit_range, ndim=2), image)


def test_masked_values_have_no_part_in_the_range() -> None:
    image = np.ma.masked_less(np.where(smooth() < 0.2, -9999.0, smooth()), -1000)
    unit, known, _ = to_unit(image)
    assert known is not None
    assert np.array_equal(known[0, 0].numpy() == 0, np.ma.getmaskarray(image))
    assert unit.min() >= 0
