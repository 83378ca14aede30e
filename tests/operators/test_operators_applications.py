"""Blur, mosaic, interlacing and JPEG: the laws, outside oracles, and what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.operators import (
    Blur,
    Interlace,
    JpegCoefficients,
    JpegInterval,
    JpegTables,
    Mosaic,
    check_operator,
)
from untrained.operators.blur import gaussian_kernel

sizes = st.tuples(st.integers(8, 20), st.integers(8, 20))
dtypes = st.sampled_from([torch.float32, torch.float64])
TABLES = JpegTables(luma=tuple(range(3, 67)), chroma=tuple(range(10, 74)))


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=torch.float64)


@given(
    size=sizes, kernel=st.tuples(st.integers(0, 6), st.integers(0, 6)), dtype=dtypes,
    boundary=st.sampled_from(["reflect", "valid"]), channels=st.integers(1, 3),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_blur_keeps_the_laws(
    size: tuple[int, int], kernel: tuple[int, int], dtype: torch.dtype, boundary: str, channels: int
) -> None:
    kernel = (2 * kernel[0] + 1, 2 * kernel[1] + 1)
    operator = Blur(random(*kernel), boundary=boundary)  # type: ignore[arg-type]
    shape = operator.image_shape((1, channels, *size))
    check_operator(operator, shape, dtype=dtype)


def test_blur_is_the_convolution_of_scipy() -> None:
    from scipy.ndimage import convolve

    image, kernel = random(20, 23), random(5, 7, seed=1)
    expected = convolve(image.numpy(), kernel.numpy(), mode="mirror")
    blurred = Blur(kernel)(image[None, None])[0, 0].numpy()
    np.testing.assert_allclose(blurred, expected, atol=1e-12)
    valid = Blur(kernel, boundary="valid")(image[None, None])[0, 0].numpy()
    np.testing.assert_allclose(valid, expected[2:-2, 3:-3], atol=1e-12)


def test_a_gaussian_kernel_has_the_variance_it_says() -> None:
    kernel = gaussian_kernel(1.7)
    t = torch.arange(len(kernel), dtype=torch.float64) - len(kernel) // 2
    assert float(kernel.sum()) == pytest.approx(1)
    assert float((kernel.sum(0) * t.square()).sum()) == pytest.approx(1.7**2, rel=0.01)


@pytest.mark.parametrize("kernel", [torch.ones(4, 5), torch.ones(3), torch.full((3, 3), np.nan)])
def test_what_is_no_kernel_is_refused(kernel: torch.Tensor) -> None:
    with pytest.raises(InputError, match="kernel"):
        Blur(kernel)


@given(size=sizes, pattern=st.sampled_from(["RGGB", "BGGR", "GRBG", "GBRG"]), dtype=dtypes)
@settings(max_examples=15, deadline=None)
def test_mosaic_and_interlace_keep_the_laws(
    size: tuple[int, int], pattern: str, dtype: torch.dtype
) -> None:
    check_operator(Mosaic(pattern), (1, 3, *size), dtype=dtype)  # type: ignore[arg-type]
    even = (1, 2, 2 * (size[0] // 2), size[1])
    for field in ("top", "bottom"):
        check_operator(Interlace(field), even, dtype=dtype)  # type: ignore[arg-type]


def test_a_mosaic_shows_the_colours_that_its_pattern_names() -> None:
    colours = {"R": 0.1, "G": 0.5, "B": 0.9}
    image = torch.tensor(list(colours.values())).view(1, 3, 1, 1).expand(1, 3, 5, 7)
    for pattern in ("RGGB", "BGGR", "GRBG", "GBRG"):
        corner = Mosaic(pattern)(image)[0, 0, 2:4, 4:6].flatten().tolist()  # type: ignore[arg-type]
        assert corner == pytest.approx([colours[letter] for letter in pattern])
    with pytest.raises(InputError, match="RGBG"):
        Mosaic("RGBG")  # type: ignore[arg-type]


def test_the_fields_are_the_even_and_the_odd_lines() -> None:
    image = torch.arange(7.0).view(1, 1, 7, 1)
    assert Interlace("top")(image).flatten().tolist() == [0, 2, 4, 6]
    assert Interlace("bottom")(image).flatten().tolist() == [1, 3, 5]
    with pytest.raises(InputError, match="left"):
        Interlace("left")  # type: ignore[arg-type]


@given(
    units=st.tuples(st.integers(1, 2), st.integers(1, 2)), channels=st.sampled_from([1, 3]),
    sampling=st.sampled_from([(1, 1), (2, 1), (2, 2), (1, 2), (4, 1)]), dtype=dtypes,
)  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_jpeg_coefficients_keep_the_laws_and_decode_undoes_them(
    units: tuple[int, int], channels: int, sampling: tuple[int, int], dtype: torch.dtype
) -> None:
    tables = JpegTables(luma=TABLES.luma, chroma=TABLES.chroma, sampling=sampling)
    operator = JpegCoefficients(tables, channels)
    height, width = operator.unit
    shape = (1, channels, units[0] * height, units[1] * width)
    check_operator(operator, shape, dtype=dtype)
    coefficients = operator(random(*shape).to(dtype))
    assert operator.image_shape(tuple(coefficients.shape)) == shape
    tolerance = 1e-9 if dtype == torch.float64 else 1e-3
    torch.testing.assert_close(
        operator(operator.decode(coefficients)), coefficients, atol=tolerance, rtol=tolerance
    )


def test_the_transform_is_the_cosine_transform_of_scipy() -> None:
    from scipy.fft import dctn

    image = random(8, 16)
    flat = JpegTables(luma=(1,) * 64, chroma=(1,) * 64)
    coefficients = JpegCoefficients(flat, 1)(image[None, None]) / 255
    for i in range(2):
        expected = dctn(image[:, 8 * i : 8 * i + 8].numpy(), norm="ortho")
        np.testing.assert_allclose(coefficients[0, :, 0, i].view(8, 8), expected, atol=1e-12)


def test_colours_come_back() -> None:
    flat = JpegTables(luma=(1,) * 64, chroma=(1,) * 64, sampling=(1, 1))
    operator = JpegCoefficients(flat, 3)
    image = random(1, 3, 8, 16)
    torch.testing.assert_close(operator.decode(operator(image)), image)
    gray = image[:, :1].expand(1, 3, 8, 16)
    assert float(operator(gray)[:, 64:].abs().max()) < 1e-9


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_lies_within_half_a_step_of_what_pillow_makes_of_it(
    scene: Callable[..., NDArray[np.float64]], subsampling: int, channels: int
) -> None:
    from PIL import Image

    # Soft and far from black and white: the decoder clips nothing and rounds little.
    clean = 0.25 + 0.5 * scene(48, 64, channels)
    pixels = np.rint(clean * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, "JPEG", quality=30, subsampling=subsampling)
    decoded = Image.open(buffer)
    tables = decoded.quantization  # type: ignore[attr-defined]
    told = JpegTables(
        luma=tuple(tables[0]), chroma=tuple(tables[max(tables)]),
        sampling=[(1, 1), (2, 1), (2, 2)][subsampling],
    )  # fmt: skip
    shown, truth = (
        torch.from_numpy(x.reshape(48, 64, channels) / 255.0).permute(2, 0, 1)[None]
        for x in (np.asarray(decoded), pixels)
    )
    interval = JpegInterval(shown, told)
    outside = interval.excess(truth).abs()
    luma = outside[:, : 64 * told.sampling[0] * told.sampling[1]] if channels == 3 else outside
    assert float(luma.max()) < 0.1  # steps; the decoder's rounding is some of a step of 5
    assert float(outside.max()) < 0.35  # Pillow smooths Cb and Cr between their samples
    wrong = interval.excess(truth.flip(-1)).abs().max()
    assert float(wrong) > 1


def test_the_interval_is_kept_by_its_projection_and_leaves_its_pictures_alone() -> None:
    shown = random(1, 3, 20, 37)
    interval = JpegInterval(shown, TABLES)
    torch.testing.assert_close(interval(shown), shown)
    other = random(1, 3, 32, 48, seed=1)  # whole units
    whole = JpegInterval(random(1, 3, 32, 48), TABLES)
    assert float(whole.excess(other).abs().max()) > 1
    assert float(whole.excess(whole.project(other)).abs().max()) < 1e-9
    check_operator(whole, (1, 3, 32, 48), linear=False)


def test_tables_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="63 steps"):
        JpegTables(luma=(1,) * 63, chroma=(1,) * 64)
    with pytest.raises(InputError, match="sampling"):
        JpegTables(luma=(1,) * 64, chroma=(1,) * 64, sampling=(3, 1))
    with pytest.raises(InputError, match="2 channels"):
        JpegCoefficients(TABLES, 2)
