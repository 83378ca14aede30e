import copy
import math
import pickle

import numpy as np
import pytest
import torch
from torch import Tensor

from untrained.errors import InputError
from untrained.objectives import Problem
from untrained.operators import Fan, Projector, Radon, check_operator

ANGLES = np.linspace(0.1, 2 * np.pi, 11)


def radon(**changes) -> Radon:
    return Radon(ANGLES, 33, (20, 27), centre=15.3, pixel=0.7, detector=0.9, **changes)


def fan(shape: str, **changes) -> Fan:
    return Fan(
        ANGLES, 33, (20, 27), source_to_centre=40, centre_to_detector=25, shape=shape,
        centre=15.3, pixel=0.7, detector=1.3, **changes,
    )  # fmt: skip


PROJECTORS = {
    "radon": radon,
    "flat": lambda **c: fan("flat", **c),
    "curved": lambda **c: fan("curved", **c),
}


@pytest.mark.parametrize("name", PROJECTORS)
@pytest.mark.parametrize("max_matrix", [2**31, 30_000])
def test_the_laws_of_operators_hold_stored_and_made_again(name: str, max_matrix: int) -> None:
    made = PROJECTORS[name](max_matrix=max_matrix)
    assert made.stored == (max_matrix == 2**31)
    check_operator(made, (2, 3, 20, 27))


@pytest.mark.parametrize("name", PROJECTORS)
def test_a_matrix_that_is_not_kept_has_the_same_numbers(name: str) -> None:
    image = torch.rand(1, 1, 20, 27)
    kept, again = PROJECTORS[name](), PROJECTORS[name](max_matrix=30_000)
    sinogram = kept(image)
    torch.testing.assert_close(again(image), sinogram, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(
        again.adjoint(sinogram), kept.adjoint(sinogram), rtol=1e-5, atol=1e-5
    )


def test_no_more_memory_is_held_than_allowed() -> None:
    for limit in (2**31, 400_000, 30_000):
        held = sum(b.nbytes for b in radon(max_matrix=limit).buffers())
        assert held <= limit
    again = radon(max_matrix=30_000)
    block = again._matrices(range(again._block))
    assert sum(part.nbytes for matrix in block for part in matrix) <= 30_000


def disc(x: float, y: float, radius: float, n: int, fine: int = 8) -> Tensor:
    """Return a disc of value 1, its edge pixels covered in part."""
    at = (np.arange(n * fine) + 0.5) / fine - n / 2
    inside = (at[None] - x) ** 2 + (-at[:, None] - y) ** 2 < radius**2
    return torch.from_numpy(inside.reshape(n, fine, n, fine).mean((1, 3))).float()[None, None]


def chords(t: np.ndarray, radius: float) -> np.ndarray:
    return 2 * np.sqrt(np.maximum(0, radius**2 - t**2))


def test_a_disc_casts_the_shadow_of_a_disc() -> None:
    angles = np.linspace(0, np.pi, 25, endpoint=False)
    got = Radon(angles, 81, 64, centre=38.5)(disc(9, -5, 16, 64))[0, 0].numpy()
    fine = (np.arange(81 * 50) + 0.5) / 50 - 0.5 - 38.5
    middle = 9 * np.cos(angles) - 5 * np.sin(angles)
    wanted = chords(fine - middle[:, None], 16).reshape(25, 81, 50).mean(-1)
    assert np.sqrt(np.mean((got - wanted) ** 2)) < 0.01 * wanted.max()


@pytest.mark.parametrize("shape", ["flat", "curved"])
def test_a_disc_casts_the_shadow_of_a_disc_in_a_fan(shape: str) -> None:
    angles = np.linspace(0, 2 * np.pi, 25, endpoint=False)
    made = Fan(
        angles, 121, 64, source_to_centre=90, centre_to_detector=60, shape=shape, centre=58.5
    )
    got = made(disc(9, -5, 16, 64))[0, 0].numpy()
    fine = (np.arange(121 * 50) + 0.5) / 50 - 0.5 - 58.5
    gamma = fine / 150 if shape == "curved" else np.arctan(fine / 150)
    ray, t = angles[:, None] - gamma, 90 * np.sin(gamma)
    wanted = chords(t - 9 * np.cos(ray) + 5 * np.sin(ray), 16).reshape(25, 121, 50).mean(-1)
    assert np.sqrt(np.mean((got - wanted) ** 2)) < 0.01 * wanted.max()


def test_as_astra() -> None:
    astra = pytest.importorskip("astra")
    image = np.random.default_rng(0).random((40, 55)).astype(np.float32)
    volume = astra.create_vol_geom(40, 55)
    for width, count in ((1.0, 71), (1.6, 45), (0.7, 101)):
        geometry = astra.create_proj_geom("parallel", width, count, ANGLES)
        made = astra.create_projector("strip", geometry, volume)
        _, wanted = astra.create_sino(image, made)
        got = Radon(ANGLES, count, (40, 55), detector=width)(torch.from_numpy(image)[None, None])
        assert np.abs(got[0, 0].numpy() - wanted).max() <= 1e-4 * wanted.max()


def test_as_astras_fan() -> None:
    astra = pytest.importorskip("astra")
    image = np.random.default_rng(0).random((40, 55)).astype(np.float32)
    geometry = astra.create_proj_geom("fanflat", 1.5, 90, ANGLES, 150, 70)
    made = astra.create_projector("strip_fanflat", geometry, astra.create_vol_geom(40, 55))
    _, wanted = astra.create_sino(image, made)
    own = Fan(
        ANGLES, 90, (40, 55), source_to_centre=150, centre_to_detector=70, detector=1.5
    )(torch.from_numpy(image)[None, None])  # fmt: skip
    gap = np.linalg.norm(own[0, 0].numpy() - wanted) / np.linalg.norm(wanted)
    assert gap < 1e-3


@pytest.mark.parametrize("turn", [np.arange(180), np.arange(361), np.arange(180)[::-1] + 7.0])
@pytest.mark.parametrize("pixel", [1.0, 0.02])
def test_filtered_back_projection_gives_the_image(turn: np.ndarray, pixel: float) -> None:
    made = Radon(np.deg2rad(turn), 95, 64, centre=45.2, pixel=pixel, detector=pixel)
    image = disc(9, -5, 16, 64) - 0.5 * disc(12, 2, 5, 64)
    found = made.fbp(made(image))
    assert (found - image)[..., 20:25, 15:30].abs().mean() < 0.02
    assert abs(float(found.sum() / image.sum()) - 1) < 0.02
    assert float((found - image).square().mean().sqrt()) < 0.06


@pytest.mark.parametrize("shape", ["flat", "curved"])
@pytest.mark.parametrize("span", [215, 280, 360])
def test_short_and_whole_scans_of_a_fan_give_the_image(shape: str, span: int) -> None:
    angles = np.deg2rad(np.arange(span) + 33.0)
    made = Fan(
        angles, 141, 64, source_to_centre=150, centre_to_detector=75, shape=shape, centre=68.8
    )
    image = disc(9, -5, 16, 64) - 0.5 * disc(12, 2, 5, 64)
    found = made.fbp(made(image))
    assert float((found - image).square().mean().sqrt()) < 0.06
    assert abs(float(found.sum() / image.sum()) - 1) < 0.02


def test_windows_smooth_and_an_unknown_one_is_refused() -> None:
    made = radon()
    noise = torch.randn(1, 1, 11, 33)
    assert made.fbp(noise, window="hann").std() < made.fbp(noise).std()
    with pytest.raises(InputError, match="window"):
        made.fbp(noise, window="box")


def test_it_is_differentiable_twice_and_the_same_each_time() -> None:
    made = copy.deepcopy(radon()).double()
    image = torch.rand(1, 1, 20, 27, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: made.adjoint(made(x)), image)
    assert torch.equal(made(image), made(image))


def test_it_goes_where_a_problem_goes() -> None:
    made: Projector = radon()
    image = torch.rand(1, 1, 20, 27)
    y = made(image)
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert torch.equal(other(image), y)
        assert torch.equal(other.adjoint(y), made.adjoint(y))
    problem = Problem(observed=y, operator=made).to(torch.device("cpu"))
    assert problem.image_shape == (1, 1, 20, 27)
    problem.check_operator_fits()


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Radon([], 9, 8), "angles"),
        (lambda: Radon([0.0, math.nan], 9, 8), "angles"),
        (lambda: Radon([0.0], 9, 8, pixel=0.0), "pixel"),
        (lambda: Radon([0.0], 0, 8), "detectors"),
        (lambda: Fan([0.0], 9, 8, source_to_centre=3, centre_to_detector=1), "diagonal"),
        (lambda: radon()(torch.zeros(1, 1, 27, 20)), "image"),
        (lambda: radon().adjoint(torch.zeros(1, 1, 33, 11)), "measurement"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(make, word: str) -> None:
    with pytest.raises(InputError, match=word) as error:
        make()
    assert "\n" not in str(error.value)
