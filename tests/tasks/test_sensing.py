"""Measurements and a matrix in, an image out; what does not go together gets one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from untrained import InputError, reconstruct_sensing
from untrained.fitting import Result
from untrained.operators import GaussianSensing, Hadamard, LinearOperator, Matrix, PartialFourier
from untrained.tasks import prepare_sensing

SIDE, M = 20, 250
QUICK: dict[str, Any] = {"steps": 12, "settings": {"widths": (4, 4), "first": 4, "every": 4}}


def picture() -> NDArray[np.float32]:
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE
    image: NDArray[np.float32] = (0.2 + 0.5 * (across > 0.4) + 0.2 * down).astype(np.float32)
    return image


def measured(operator: LinearOperator, image: NDArray[np.float32]) -> NDArray[Any]:
    y: NDArray[Any] = operator(torch.from_numpy(image)[None, None])[0, :, 0].numpy()
    numbers: NDArray[Any] = y[0] + 1j * y[1] if len(y) == 2 else y[0].copy()
    return numbers


def test_the_words_stand_for_the_operators() -> None:
    y = measured(Hadamard(M, (SIDE, SIDE), seed=7), picture())
    found = prepare_sensing(y, "hadamard:7", (SIDE, SIDE)).given.operator
    assert isinstance(found, Hadamard)
    np.testing.assert_allclose(measured(found, picture()), y, atol=1e-6)
    assert isinstance(
        prepare_sensing(y, "gaussian:7", (SIDE, SIDE)).given.operator, GaussianSensing
    )
    y = measured(PartialFourier(M // 2, (SIDE, SIDE), seed=7), picture())
    ready = prepare_sensing(y, "fourier:7", (SIDE, SIDE))
    assert ready.y.shape == (1, M // 2, 2)
    assert ready.given.scale == 1


def test_a_matrix_of_your_own_is_the_same_equation_with_orthonormal_rows(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).integers(0, 2, (M, SIDE * SIDE))
    y = matrix @ picture().flatten().astype(float)
    ready = prepare_sensing(y, matrix, (SIDE, SIDE))
    assert isinstance(ready.given.operator, Matrix)
    again = measured(ready.given.operator, picture())
    np.testing.assert_allclose(again, ready.y[0, :, 0], atol=1e-3)
    rows = ready.given.operator.matrix.numpy()
    np.testing.assert_allclose(rows @ rows.T, np.eye(M), atol=1e-4)
    np.save(tmp_path / "m.npy", matrix)
    from_file = prepare_sensing(y, tmp_path / "m.npy", (SIDE, SIDE))
    np.testing.assert_array_equal(from_file.y, ready.y)
    dependent = np.concatenate([matrix, matrix[:1]])
    ready = prepare_sensing(np.append(y, y[0]), dependent, (SIDE, SIDE))
    assert isinstance(ready.given.operator, Matrix)
    np.testing.assert_allclose(
        measured(ready.given.operator, picture()), ready.y[0, :, 0], atol=1e-3
    )
    assert float(ready.given.operator.matrix.norm()) == pytest.approx(SIDE, rel=1e-4)


def test_missing_measurements_are_left_out_and_noted() -> None:
    y = measured(Hadamard(M, (SIDE, SIDE)), picture())
    y[3], y[9] = np.nan, np.inf
    ready = prepare_sensing(y, "hadamard:0", (SIDE, SIDE))
    assert ready.given.mask is not None
    assert (~ready.given.mask[0]).nonzero()[0].tolist() == [3, 9]
    assert "2 of 250 measurements are missing" in ready.given.notes[0]
    matrix = np.random.default_rng(0).standard_normal((M, SIDE * SIDE))
    own = prepare_sensing(y, matrix, (SIDE, SIDE))  # their rows are left out
    assert own.y.shape == (1, M - 2, 1)


@pytest.mark.parametrize("unit", [1e-7, 1.0, 4000.0])
def test_any_unit_gives_the_image_in_that_unit(unit: float) -> None:
    y = unit * measured(Hadamard(M, (SIDE, SIDE)), picture())
    ready = prepare_sensing(y, "hadamard:0", (SIDE, SIDE))
    assert ready.given.scale == (1 if unit == 1 else pytest.approx(4 * unit * 0.62, rel=0.3))
    assert bool(ready.given.notes) == (unit != 1)
    fit = {**QUICK, "steps": 40}
    if unit == 1:
        image = reconstruct_sensing(y, matrix="hadamard:0", size=(SIDE, SIDE), **fit)
    else:
        with pytest.warns(UserWarning, match="white is taken to be"):
            image = reconstruct_sensing(y, matrix="hadamard:0", size=(SIDE, SIDE), **fit)
    assert image.shape == (SIDE, SIDE)
    assert np.abs(image / unit - picture()).mean() < 0.1


def test_patterns_of_zeros_and_ones_give_the_image() -> None:
    matrix = np.random.default_rng(0).integers(0, 2, (M, SIDE * SIDE))
    y = matrix @ picture().flatten().astype(float)
    fit = {**QUICK, "steps": 60}
    image = reconstruct_sensing(y, matrix=matrix, size=(SIDE, SIDE), **fit)
    assert np.abs(image - picture()).mean() < 0.05


def test_frequencies_are_not_like_noise_and_another_recipe_is_named() -> None:
    y = measured(PartialFourier(M // 2, (SIDE, SIDE)), picture())
    with pytest.raises(InputError, match="use the recipe dip"):
        reconstruct_sensing(y, matrix="fourier:0", size=(SIDE, SIDE), **QUICK)
    result: Result = reconstruct_sensing(
        y, matrix="fourier:0", size=(SIDE, SIDE), recipe="dip", steps=60, return_result=True,
        settings={"widths": (8, 8)},
    )  # fmt: skip
    levels = result.history.psnr_observed
    assert levels[-1] > levels[0] + 6


def test_what_alone_has_the_mean_is_never_held_out() -> None:
    y = measured(PartialFourier(M // 2, (SIDE, SIDE)), picture())
    groups = prepare_sensing(y, "fourier:0", (SIDE, SIDE)).given.groups
    assert groups is not None
    assert (groups[0] < 0).nonzero()[0].tolist() == [0]
    y = measured(Hadamard(M, (SIDE, SIDE)), picture())
    groups = prepare_sensing(y, "hadamard:0", (SIDE, SIDE)).given.groups
    assert groups is not None
    assert (groups >= 0).all()


def test_colour_is_measured_as_a_whole() -> None:
    image = np.stack([picture(), picture() / 2, picture().T])
    y = Hadamard(600, (SIDE, SIDE), channels=3)(torch.from_numpy(image)[None])[0, 0, 0].numpy()
    found = reconstruct_sensing(y, matrix="hadamard:0", size=(SIDE, SIDE, 3), **QUICK)
    assert found.shape == (SIDE, SIDE, 3)


def test_the_truth_is_scored_and_changes_nothing() -> None:
    y = measured(Hadamard(M, (SIDE, SIDE)), picture())
    plain = reconstruct_sensing(y, matrix="hadamard:0", size=(SIDE, SIDE), **QUICK)
    result = reconstruct_sensing(
        y, matrix="hadamard:0", size=(SIDE, SIDE), truth=picture(), return_result=True, **QUICK
    )
    np.testing.assert_array_equal(plain, result.image)
    assert isinstance(result, Result)
    assert result.score is not None


def test_of_several_fits_the_one_that_explains_the_measurements_best_is_kept() -> None:
    y = measured(Hadamard(M, (SIDE, SIDE)), picture())

    def fit(seed: int, restarts: int) -> Result:
        result: Result = reconstruct_sensing(
            y, matrix="hadamard:0", size=(SIDE, SIDE), recipe="paper-mnist", steps=8, seed=seed,
            restarts=restarts, return_result=True, settings={"widths": (8, 8, 8, 8)},
        )  # fmt: skip
        return result

    each = [fit(seed, 1) for seed in range(3)]
    best = max(each, key=lambda result: result.history.psnr_observed[result.kept_step - 1])
    np.testing.assert_array_equal(fit(0, 3).image, best.image)


Y = np.ones(M)
REFUSED: list[tuple[Any, Any, Any, str]] = [
    (np.ones((5, 5)), "hadamard:0", (20, 20), r"y is 5x5; wanted the measurements in a row"),
    (np.array(["a"]), "hadamard:0", (20, 20), "y is of type"),
    (np.full(M, np.nan), "hadamard:0", (20, 20), "no measurement is a finite number"),
    (np.zeros(M), "hadamard:0", (20, 20), "every measurement is zero"),
    (Y, "hadamard:x", (20, 20), "hadamard:SEED, a whole number"),
    (Y, "hadamart:0", (20, 20), "did you mean"),
    (Y, "hadamard:0", (4, 4), "250 measurements; wanted 1 to 16"),
    (Y, "hadamard:0", (20,), "size is 20; wanted height and width"),
    (Y, "hadamard:0", (20, 2.5), "size is 2.5; wanted a whole number"),
    (Y * 1j, "hadamard:0", (20, 20), "measurements are complex, the matrix is real"),
    (Y, "fourier:0", (20, 20, 3), "Fourier measurements are of one channel"),
    (Y, np.ones((400, 250)), (20, 20), "need 250x400; give its transpose"),
    (Y, np.ones((250, 300)), (20, 20), "need 250x400; give the size it measures"),
    (Y, np.zeros((250, 400)), (20, 20), "zero throughout"),
    (Y, np.full((250, 400), np.inf), (20, 20), "not finite"),
    (Y, np.ones((250, 20, 20)), (20, 20), r"wanted real numbers \(m, n\)"),
    (Y, "nothing.npy", (20, 20), "no such file"),
    (Y, Hadamard(250, (10, 40)), (20, 20), "measures images of 1x10x40, the size is 1x20x20"),
    (Y, Hadamard(240, (20, 20)), (20, 20), "the operator makes 240 measurements, y has 250"),
]


@pytest.mark.parametrize(("y", "matrix", "size", "message"), REFUSED)
def test_what_does_not_go_together_gets_one_line(
    y: Any, matrix: Any, size: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        prepare_sensing(y, matrix, size)
    assert "\n" not in str(caught.value)


def test_restarts_and_priors_are_checked() -> None:
    with pytest.raises(InputError, match="restarts is 0"):
        reconstruct_sensing(Y, matrix="hadamard:0", size=(20, 20), restarts=0)
    with pytest.raises(InputError, match="takes no earlier fits; use paper-learned"):
        reconstruct_sensing(Y, matrix="hadamard:0", size=(20, 20), prior=["a", "b"])
