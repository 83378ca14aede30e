"""Compressed sensing's operators: the laws, the numbers they stand for, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

from untrained.errors import InputError
from untrained.operators import (
    GaussianSensing,
    Hadamard,
    LinearOperator,
    Matrix,
    PartialFourier,
    as_complex,
    check_operator,
)
from untrained.operators.sensing import walsh_hadamard

sizes = st.tuples(st.integers(1, 13), st.integers(1, 13))


@given(
    size=sizes, channels=st.integers(1, 3), share=st.floats(0.01, 1), seed=st.integers(0, 99),
    kind=st.sampled_from(["hadamard", "gaussian", "matrix", "fourier"]), batch=st.integers(1, 2),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_every_one_keeps_the_laws_to_1e_12(
    size: tuple[int, int], channels: int, share: float, seed: int, kind: str, batch: int
) -> None:
    channels = 1 if kind == "fourier" else channels
    values = channels * size[0] * size[1]
    m = max(1, int(share * values))
    operator: LinearOperator
    match kind:
        case "hadamard":
            operator = Hadamard(m, size, seed=seed, channels=channels)
        case "gaussian":
            operator = GaussianSensing(m, size, seed=seed, channels=channels)
        case "matrix":
            drawn = torch.randn(m, values, generator=torch.Generator().manual_seed(seed))
            operator = Matrix(drawn, size, channels=channels)
        case _:
            operator = PartialFourier(max(1, m // 2), size, seed=seed)
    check_operator(operator, (batch, channels, *size))  # float64: 1e-12


@pytest.mark.parametrize("length", [1, 2, 8, 16, 32, 512])
def test_the_fast_transform_is_sylvesters_matrix(length: int) -> None:
    x = torch.randn(2, length, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = x.numpy() @ hadamard(length) / np.sqrt(length)
    np.testing.assert_allclose(walsh_hadamard(x).numpy(), expected, atol=1e-12)


def test_hadamard_is_what_its_docstring_says() -> None:
    size, m, seed = (5, 6), 11, 3
    generator = np.random.default_rng(seed)
    signs = 1 - 2 * generator.integers(0, 2, 32)
    rows = generator.choice(32, m, replace=False)
    matrix = (hadamard(32) / np.sqrt(32) * signs)[rows][:, :30]
    x = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    measured = Hadamard(m, size, seed=seed)(x)
    assert measured.shape == (1, 1, 1, m)
    np.testing.assert_allclose(measured.flatten(), matrix @ x.flatten().numpy(), atol=1e-12)


def test_hadamards_rows_are_orthonormal_where_nothing_is_padded() -> None:
    operator = Hadamard(20, (8, 8)).double()
    y = torch.randn(1, 1, 1, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(operator(operator.adjoint(y)), y, rtol=0, atol=1e-12)


def test_a_gaussian_matrix_is_what_its_docstring_says_and_keeps_the_norm() -> None:
    operator = GaussianSensing(400, (10, 10), seed=5)
    drawn = np.random.default_rng(5).standard_normal((400, 100), dtype=np.float32) / np.sqrt(400)
    np.testing.assert_allclose(operator.matrix.numpy(), drawn, rtol=1e-6)
    x = torch.ones(1, 1, 10, 10)
    assert float(operator(x).norm()) == pytest.approx(float(x.norm()), rel=0.15)


def test_fourier_measures_the_mean_first_and_no_conjugate_twice() -> None:
    height, width = 6, 7
    x = torch.randn(1, 1, height, width, generator=torch.Generator().manual_seed(0))
    x = x.double()
    whole = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x[0, 0].numpy()), norm="ortho"))
    operator = PartialFourier(22, (height, width), seed=2)
    found = as_complex(operator(x)).flatten().numpy()
    assert found[0] == pytest.approx(x.sum().item() / np.sqrt(height * width))
    np.testing.assert_allclose(found, whole.flatten()[operator.places.numpy()], atol=1e-12)
    size = height * width
    rows, columns = np.divmod(operator.places.numpy(), width)
    mirrored = (2 * 3 - rows) % height * width + (2 * 3 - columns) % width
    both = np.concatenate([operator.places.numpy(), mirrored])
    assert len(set(both.tolist())) == size  # 22 free places and their conjugates are all of 42
    with pytest.raises(InputError, match="23 measurements; wanted 1 to 22"):
        PartialFourier(23, (height, width))


def test_what_does_not_go_together_gets_one_line() -> None:
    with pytest.raises(InputError, match=r"GiB; wanted at most 1 GiB: take Hadamard"):
        GaussianSensing(5000, (256, 256))
    with pytest.raises(InputError, match="65 measurements; wanted 1 to 64"):
        Hadamard(65, (8, 8))
    with pytest.raises(InputError, match="0 measurements; wanted 1"):
        Hadamard(0, (8, 8))
    with pytest.raises(InputError, match="50 columns, an image of 8x8 has 64 values"):
        Matrix(torch.ones(3, 50), (8, 8))
    with pytest.raises(InputError, match="not finite"):
        Matrix(torch.full((3, 64), torch.nan), (8, 8))
    with pytest.raises(InputError, match="complex"):
        Matrix(torch.ones(3, 64, dtype=torch.complex64), (8, 8))
