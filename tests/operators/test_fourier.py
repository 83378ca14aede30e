import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.operators import (
    Coils,
    Fourier,
    Identity,
    LinearOperator,
    Mask,
    Sense,
    as_complex,
    as_pairs,
    check_operator,
)

AXES = ((-2, -1), (-1,), (-2,))
SIZES = ((8, 12), (7, 9))


def maps_of(size: tuple[int, int], sets: int = 1, coils: int = 3) -> Tensor:
    drawn = torch.randn(
        sets, coils, *size, 2, dtype=torch.float64, generator=Generator().manual_seed(1)
    )
    return torch.view_as_complex(drawn)


def mask_of(size: tuple[int, int], channels: int = 1) -> Tensor:
    drawn = torch.rand(1, channels, *size, generator=Generator().manual_seed(2))
    return (drawn < 0.5).double()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("sets", [1, 2])
def test_the_laws_of_an_operator_hold(
    size: tuple[int, int], axes: tuple[int, ...], sets: int
) -> None:
    maps, mask = maps_of(size, sets), Mask(mask_of(size))
    check_operator(Fourier(axes), (2, 6, *size))
    check_operator(Coils(maps), (2, 2 * sets, *size))
    check_operator(Sense(maps, axes), (2, 2 * sets, *size))
    check_operator(mask @ Fourier(axes) @ Coils(maps), (2, 2 * sets, *size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axes", AXES)
def test_sense_is_the_transform_of_what_the_coils_see(
    size: tuple[int, int], axes: tuple[int, ...]
) -> None:
    maps = maps_of(size, sets=2)
    x = torch.randn(2, 4, *size, dtype=torch.float64)
    assert torch.equal(Sense(maps, axes)(x), (Fourier(axes) @ Coils(maps))(x))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("channels", [1, 6])
def test_the_short_way_to_the_normal_operator_is_the_long_one(
    size: tuple[int, int], axes: tuple[int, ...], channels: int
) -> None:
    maps, mask = maps_of(size), Mask(mask_of(size, channels))
    weight = torch.rand(2, 1, *size, dtype=torch.float64)
    x = torch.randn(2, 2, *size, dtype=torch.float64)
    operators: tuple[LinearOperator, ...] = (
        mask @ Sense(maps, axes), mask @ Fourier(axes) @ Coils(maps),
        mask @ (Fourier(axes) @ Coils(maps)), mask @ (Identity() @ Sense(maps, axes)),
    )  # fmt: skip
    for operator in operators:
        plain = operator.adjoint(weight * operator(x))
        torch.testing.assert_close(operator.gram(x, weight), plain, rtol=0, atol=1e-12)


def test_the_transform_is_that_of_numpy_centred() -> None:
    x = torch.randn(1, 2, 7, 10, dtype=torch.float64)
    image = as_complex(x)[0, 0].numpy()
    expected = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image), norm="ortho"))
    np.testing.assert_allclose(as_complex(Fourier()(x))[0, 0].numpy(), expected, atol=1e-14)
    flat = Fourier()(as_pairs(torch.ones(1, 1, 7, 10, dtype=torch.complex128)))
    assert as_complex(flat)[0, 0].abs().argmax() == 3 * 10 + 5  # the zero frequency


def test_an_axis_can_be_transformed_back_once_and_for_all() -> None:
    maps, x = maps_of((8, 12)), torch.randn(1, 2, 8, 12, dtype=torch.float64)
    whole = Sense(maps)(x)
    rows = Fourier((-2,)).adjoint(whole)
    torch.testing.assert_close(Sense(maps, (-1,))(x), rows, rtol=0, atol=1e-12)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="axes is"):
        Fourier((0,))
    with pytest.raises(InputError, match="wanted complex ones"):
        Coils(torch.ones(3, 8, 8))
    with pytest.raises(InputError, match="8 channels, the maps are of 3 coils"):
        Sense(maps_of((8, 8))).image_shape((1, 8, 8, 8))
