"""Operators: the laws, on random sizes, in both precisions; and an outside oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from untrained.errors import InputError
from untrained.operators import Compose, Identity, LinearOperator, Mask, Resample, check_operator
from untrained.operators.resample import resample_weights

sizes = st.tuples(st.integers(8, 24), st.integers(8, 24))
dtypes = st.sampled_from([torch.float32, torch.float64])
kernels = st.sampled_from(["lanczos2", "bicubic", "area"])


@given(size=sizes, channels=st.integers(1, 4), dtype=dtypes, seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_identity_and_mask_keep_the_laws(
    size: tuple[int, int], channels: int, dtype: torch.dtype, seed: int
) -> None:
    shape = (1, channels, *size)
    check_operator(Identity(), shape, dtype=dtype, seed=seed)
    known = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(seed)) < 0.5
    check_operator(Mask(known.float()), shape, dtype=dtype, seed=seed)


@given(
    blocks=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    factor=st.integers(1, 5),
    kernel=kernels,
    dtype=dtypes,
    seed=st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_resample_keeps_the_laws(
    blocks: tuple[int, int], factor: int, kernel: str, dtype: torch.dtype, seed: int
) -> None:
    shape = (1, 2, factor * blocks[0], factor * blocks[1])
    operator = Resample(factor, kernel=kernel)  # type: ignore[arg-type]
    check_operator(operator, shape, dtype=dtype, seed=seed)
    assert operator.image_shape((1, 2, *blocks)) == shape
    check_operator(Mask(torch.ones(1, 1, *blocks)) @ operator, shape, dtype=dtype, seed=seed)


def test_composition_applies_the_inner_operator_first() -> None:
    known = torch.zeros(1, 1, 4, 4)
    known[..., :2] = 1
    image = torch.rand(1, 1, 8, 8)
    composed = Mask(known) @ Resample(2, kernel="area")
    assert isinstance(composed, Compose)
    expected = torch.nn.functional.avg_pool2d(image, 2) * known
    torch.testing.assert_close(composed(image), expected)


@given(kernel=kernels, factor=st.integers(2, 8))
@settings(max_examples=24, deadline=None)
def test_resample_weights_are_a_centred_mean(kernel: str, factor: int) -> None:
    taps = resample_weights(kernel, factor)  # type: ignore[arg-type]
    assert sum(taps) == pytest.approx(1)
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-12)
    assert len(taps) % 2 == factor % 2  # phase 1/2: aligned pixel centres


def test_resample_does_not_shift() -> None:
    """A linear ramp keeps its value at the centre of every block, away from the edges."""
    ramp = torch.arange(64, dtype=torch.float64).expand(1, 1, 64, 64)
    for factor in (2, 3, 4):
        for kernel in ("lanczos2", "bicubic", "area"):
            small = Resample(factor, kernel=kernel)(ramp)  # type: ignore[arg-type]
            centres = torch.arange(small.shape[-1]) * factor + (factor - 1) / 2
            torch.testing.assert_close(small[0, 0, 8, 4:-4], centres[4:-4].double())


def test_area_and_bicubic_agree_with_torch() -> None:
    image = torch.rand(1, 3, 32, 48, dtype=torch.float64)
    area = Resample(4, kernel="area")(image)
    torch.testing.assert_close(area, torch.nn.functional.avg_pool2d(image, 4))
    ours = Resample(4, kernel="bicubic")(image)
    theirs = torch.nn.functional.interpolate(
        image, scale_factor=0.25, mode="bicubic", antialias=True, align_corners=False
    )
    torch.testing.assert_close(ours[..., 3:-3, 3:-3], theirs[..., 3:-3, 3:-3])


class _Broken(LinearOperator):
    def __init__(self, law: str) -> None:
        super().__init__()
        self.law = law

    def forward(self, image: Tensor) -> Tensor:
        match self.law:
            case "linearity":
                return image.square()
            case "dtype":
                return image.float() if image.dtype == torch.float64 else image.double()
            case "finite":
                return image / 0
            case "differentiability":
                return image.detach() * 2
            case "purity":
                return image * torch.rand(())
        return 2 * image

    def adjoint(self, measurement: Tensor) -> Tensor:
        if self.law == "shape":
            return measurement[..., 1:]
        return 3 * measurement if self.law == "adjoint" else 2 * measurement


@pytest.mark.parametrize(
    "law", ["linearity", "dtype", "finite", "differentiability", "purity", "adjoint", "shape"]
)
def test_the_check_names_the_law_that_is_broken(law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check_operator(_Broken(law), (1, 1, 8, 8))


def test_the_check_takes_any_differentiable_callable() -> None:
    check_operator(torch.sigmoid, (1, 1, 8, 8))
    check_operator(lambda x: 2 * x, (1, 1, 8, 8), linear=True)
    with pytest.raises(AssertionError, match="linearity"):
        check_operator(torch.sigmoid, (1, 1, 8, 8), linear=True)


def test_operators_refuse_what_makes_no_sense() -> None:
    with pytest.raises(InputError, match="factor is 0"):
        Resample(0)
    with pytest.raises(InputError, match="kernel is 'nearest'"):
        Resample(2, kernel="nearest")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"pass a \(1, 1, H, W\) mask"):
        Mask(torch.ones(8, 8))


class _Weighted(LinearOperator):
    """A x = w x: numbers in float32, and complex ones that a careless cast would make real."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("w", torch.linspace(0.5, 1, 8))
        self.register_buffer("phase", torch.exp(1j * torch.linspace(0, 3, 8)))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        turned = image * self.w * self.phase
        return torch.cat([turned.real, turned.imag], 1)

    def image_shape(self, measurement_shape: tuple[int, int, int, int]) -> Any:
        b, c, h, w = measurement_shape
        return b, c // 2, h, w


def test_the_check_converts_what_a_module_holds() -> None:
    operator = _Weighted()
    check_operator(operator, (1, 1, 4, 8))
    assert operator.w.dtype == torch.float32
    assert operator.phase.dtype == torch.complex64
    check_operator(operator, (1, 1, 4, 8), dtype=torch.float32)


def test_the_check_says_the_dtype_of_what_it_cannot_convert() -> None:
    matrix = torch.rand(5, 32)
    with pytest.raises(InputError, match=r"torch.float64 images of 1x1x4x8 .*check it with dtype="):
        check_operator(lambda x: x.flatten(1) @ matrix.T, (1, 1, 4, 8))
    check_operator(lambda x: x.flatten(1) @ matrix.T, (1, 1, 4, 8), dtype=torch.float32)
