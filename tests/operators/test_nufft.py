"""The Fourier transform at any places: the sum itself, its adjoint, its units."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained import InputError, Problem, check_operator, solve, with_settings
from untrained.operators import (
    Nufft,
    as_complex,
    as_pairs,
    from_cycles_per_pixel,
    from_radians,
)
from untrained.recipes import RECONSTRUCT

pytest.importorskip("finufft", reason="needs untrained[science]")

SIZE = (16, 15)


def anywhere(
    spokes: int = 3, points: int = 20, size: tuple[int, int] = SIZE
) -> NDArray[np.float64]:
    unit = np.random.default_rng(0).uniform(-0.5, 0.5, (spokes, points, 2))
    return from_cycles_per_pixel(unit, size)


def spokes(count: int, points: int, size: tuple[int, int]) -> NDArray[np.float64]:
    angle = np.pi * np.arange(count) / count
    radius = np.linspace(-0.5, 0.5, points, endpoint=False)
    unit = radius[None, :, None] * np.stack([np.sin(angle), np.cos(angle)], -1)[:, None]
    return from_cycles_per_pixel(unit, size)


def the_sum(image: Tensor, trajectory: NDArray[np.float64]) -> Tensor:
    """Return the sum over all pixels, as it stands in the docstring, for every coil."""
    height, width = image.shape[-2:]
    k = torch.from_numpy(trajectory)
    down = torch.arange(height) - height // 2
    across = torch.arange(width) - width // 2
    turns = k[..., 0, None, None] * down[:, None] / height + k[..., 1, None, None] * across / width
    waves = torch.exp(-2j * torch.pi * turns)
    summed = torch.einsum("cyx,spyx->csp", image.to(waves), waves)
    return summed / (height * width) ** 0.5


def drawn(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize(("dtype", "gap"), [(torch.float64, 1e-11), (torch.float32, 3e-6)])
def test_it_is_the_sum_over_all_pixels(dtype: torch.dtype, gap: float) -> None:
    image = drawn(1, 4, *SIZE, dtype=dtype)
    found = Nufft(anywhere(), SIZE)(image)
    wanted = as_pairs(the_sum(as_complex(image)[0], anywhere())[None])
    assert found.dtype == dtype
    assert found.shape == (1, 4, 3, 20)
    assert float((found - wanted).norm() / wanted.norm()) < gap


def test_at_whole_numbers_it_is_the_centred_fft() -> None:
    grid = np.stack(np.meshgrid(np.arange(16) - 8, np.arange(15) - 7, indexing="ij"), -1)
    image = torch.complex(drawn(1, 1, *SIZE), drawn(1, 1, *SIZE).flip(-1))
    axes = (-2, -1)
    fft = torch.fft.fftshift(
        torch.fft.fft2(torch.fft.ifftshift(image, dim=axes), norm="ortho"), dim=axes
    )
    found = as_complex(Nufft(grid, SIZE)(as_pairs(image)))
    assert float((found - fft).abs().max()) < 1e-10


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_laws_of_an_operator(dtype: torch.dtype, weighted: bool) -> None:
    density = np.random.default_rng(1).uniform(0, 1, (3, 20)) if weighted else None
    operator = Nufft(anywhere(), SIZE, density)
    check_operator(operator, (1, 4, *SIZE), dtype=dtype)
    check_operator(copy.deepcopy(operator), (1, 2, *SIZE), dtype=dtype)


def test_gradients_are_the_adjoint_and_so_are_theirs() -> None:
    operator = Nufft(anywhere(1, 6, (8, 8)), (8, 8))
    assert torch.autograd.gradcheck(operator, drawn(1, 2, 8, 8).requires_grad_(), atol=1e-6)
    assert torch.autograd.gradcheck(operator.adjoint, drawn(1, 2, 1, 6).requires_grad_(), atol=1e-6)


def test_weights_are_a_root_on_both_sides() -> None:
    density = np.arange(60, dtype=float).reshape(3, 20)
    plain, dense = Nufft(anywhere(), SIZE), Nufft(anywhere(), SIZE, density)
    image, y = drawn(1, 2, *SIZE), drawn(1, 2, 3, 20)
    weights = torch.from_numpy(density / density.mean())
    loss = (dense(image) - dense.weighted(y)).square().sum()
    assert float(loss) == pytest.approx(float((weights * (plain(image) - y) ** 2).sum()))
    normal = dense.adjoint(dense(image))
    assert torch.allclose(normal, plain.adjoint(weights * plain(image)), atol=1e-6)


def test_the_units_convert() -> None:
    unit = np.random.default_rng(0).uniform(-0.5, 0.5, (5, 2))
    assert np.allclose(from_cycles_per_pixel(unit, (10, 20)), unit * [10, 20])
    assert np.allclose(from_radians(2 * np.pi * unit, (10, 20)), unit * [10, 20])


def bad(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> None:
    Nufft(change(spokes(4, 32, (32, 32))), (32, 32))


def test_other_units_are_told() -> None:
    with pytest.raises(InputError, match=r"reaches 0.5 and 0.5; wanted cycles per .* from_radians"):
        bad(lambda k: k / 32)
    with pytest.raises(InputError, match=r"reaches 3.142 and 3.142"):
        bad(lambda k: k / 32 * 2 * np.pi)
    with pytest.raises(InputError, match=r"reaches 32 and 32; .* pass a larger size"):
        bad(lambda k: 2 * k)
    with pytest.raises(InputError, match="NaN"):
        bad(lambda k: np.where(k > 14, np.nan, k))
    with pytest.raises(InputError, match=r"trajectory is \(4, 32, 1\)"):
        bad(lambda k: k[..., :1])
    with pytest.raises(InputError, match="weight of 0 or more for each of the 4x32"):
        Nufft(spokes(4, 32, (32, 32)), (32, 32), np.ones(32))


def test_a_fit_through_it_finds_what_the_spokes_leave_open(
    scene: Callable[..., NDArray[np.float64]],
) -> None:
    size = (32, 32)
    picture = torch.from_numpy(scene(*size, 1)[..., 0]).float()[None, None]
    truth = torch.cat([picture, torch.zeros_like(picture)], 1)
    places = spokes(14, 32, size)
    operator = Nufft(places, size, np.maximum(np.abs(places).max(-1), 0.25))
    y = operator(truth)
    recipe = with_settings(RECONSTRUCT["fast"], {"widths": (16,) * 3, "max_steps": 120})
    estimate = solve(Problem(observed=y, operator=operator), recipe).estimate
    back = operator.adjoint(y)
    back = back * (back * truth).sum() / back.square().sum()
    assert float((estimate - truth).norm()) < 0.6 * float((back - truth).norm())
