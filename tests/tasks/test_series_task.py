"""k-space of a series in, frames out: units, layouts, lines, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from untrained import InputError
from untrained.metrics import psnr
from untrained.simulation.sampling import random_lines
from untrained.tasks.series import lines_of, prepare_series, reconstruct_series

T, SIDE = 4, 24
QUICK: dict[str, Any] = {
    "device": "cpu",
    "steps": 10,
    "settings": {"objective.third": None, "objective.folds": 2, "objective.first.iterations": 20},
}
AXES = (-2, -1)


def moving() -> np.ndarray[Any, Any]:
    series = np.tile(np.linspace(0.1, 0.4, SIDE), (T, SIDE, 1))
    for t in range(T):
        series[t, 6 : 14 + t, 5:15] = 0.9
    return series


def fourier(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x, AXES), norm="ortho"), AXES)


def lines() -> np.ndarray[Any, Any]:
    return random_lines(T, SIDE, 12, middle=4, generator=np.random.default_rng(0))


def maps() -> np.ndarray[Any, Any]:
    across = np.linspace(0, 1, SIDE)
    one = np.exp(1j * across) * (0.4 + 0.5 * across)
    two = np.sqrt(1 - np.abs(one) ** 2) * np.exp(-2j * across)
    return np.stack([np.tile(one, (SIDE, 1)), np.tile(two, (SIDE, 1))])


def test_a_series_comes_out_in_the_units_of_its_k_space() -> None:
    k, mask = fourier(moving()), lines()
    series = reconstruct_series(k, mask, **QUICK)
    assert series.shape == (T, SIDE, SIDE)
    assert np.iscomplexobj(series)
    assert psnr(np.abs(series), moving(), peak=1.0) > 30
    tiny = reconstruct_series(1e-7 * k, mask, **QUICK)
    np.testing.assert_allclose(1e7 * tiny, series, atol=1e-3)
    real = reconstruct_series(k, mask, real=True, **QUICK)
    assert not np.iscomplexobj(real)
    assert psnr(real, moving(), peak=1.0) > 30


def test_coils_are_combined_by_their_maps_or_without() -> None:
    k = fourier(moving()[:, None] * maps())
    with_maps = reconstruct_series(k, lines(), maps(), **QUICK)
    assert psnr(np.abs(with_maps), moving(), peak=1.0) > 30
    without = reconstruct_series(k, lines(), **QUICK)
    assert not np.iscomplexobj(without)
    assert psnr(without, moving(), peak=1.0) > 25


def test_a_truth_is_for_scoring_only() -> None:
    k, mask = fourier(moving()), lines()
    blind = reconstruct_series(k, mask, **QUICK)
    result = reconstruct_series(k, mask, truth=moving(), return_result=True, **QUICK)
    np.testing.assert_array_equal(result.image, blind)
    assert result.score is not None


def test_channels_and_series_are_each_other() -> None:
    measured = prepare_series(fourier(moving()), lines())
    series = moving() * np.exp(1j)
    np.testing.assert_allclose(measured.series(measured.channels(series)), series, atol=1e-6)
    with pytest.raises(InputError, match="truth is"):
        measured.channels(series[1:])


def test_lines_are_whole_and_the_middle_of_every_frame_is_of_no_group() -> None:
    mask = np.broadcast_to(lines()[:, None], (T, SIDE, SIDE))
    for known, axis in ((mask, 1), (mask.transpose(0, 2, 1), 2)):
        groups = lines_of(known)
        assert (np.diff(groups, axis=axis) == 0).all(), "a line is one group"
        middle = int((groups[0].min(axis=axis - 1) == -1).sum())
        assert middle == mask[:, 0, SIDE // 2 - 3 : SIDE // 2 + 3].all(axis=0).sum()
        assert len(np.unique(groups)) == T * (SIDE - middle) + 1
    only = np.broadcast_to(np.abs(np.arange(SIDE) - SIDE // 2) < 5, mask.shape)
    assert (lines_of(only) >= 0).all(), "where the middle is all there is, it can be held out"
    points = np.random.default_rng(0).random((T, SIDE, SIDE)) < 0.5
    assert len(np.unique(lines_of(points))) == points.size


def test_a_mask_that_is_not_given_is_where_k_space_is_not_zero() -> None:
    k = fourier(moving()) * lines()[:, None]
    measured = prepare_series(k)
    assert np.array_equal(measured.given.mask, prepare_series(k, lines()).given.mask)
    assert "no mask was given" in measured.given.notes[0]


def test_a_cycle_closes_and_only_where_a_recipe_knows_one() -> None:
    k, mask = fourier(moving()), lines()
    open_ = reconstruct_series(k, mask, **QUICK)
    closed = reconstruct_series(k, mask, periodic=True, **QUICK)
    assert not np.array_equal(open_, closed)
    with pytest.raises(InputError, match="knows no cycle"):
        reconstruct_series(k, mask, periodic=True, recipe="paper")


def test_the_published_method_runs_at_a_size_that_fits() -> None:
    settings = {"network.size": "2,2", "network.width": 8, "objective.code.cycles": 1.0}
    series = reconstruct_series(
        fourier(moving()), lines(), recipe="paper", steps=12, settings=settings, device="cpu"
    )
    assert series.shape == (T, SIDE, SIDE)
    assert np.isfinite(series).all()


K = fourier(moving())


@pytest.mark.parametrize(
    ("kspace", "others", "message"),
    [
        (K.real, {}, "wanted complex numbers"),
        (K[0], {}, "wanted complex numbers"),
        (np.where(K[0, 0, 0] == K, np.nan, K), {}, "NaN"),
        (0 * K, {}, "k-space is zero"),
        (K, {"mask": np.ones((3, SIDE))}, r"mask is \(3, 24\)"),
        (K, {"mask": np.zeros((T, SIDE))}, "k-space is zero"),
        (K, {"maps": maps()}, r"maps is \(2, 24, 24\)"),
        (K[:, None].repeat(2, 1), {"real": True}, "needs coil maps"),
        (np.fft.fftshift(K, AXES), {}, "near a corner"),
    ],
)
def test_bad_input_is_told_in_one_line(kspace: Any, others: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        prepare_series(kspace, **others)
    assert "\n" not in str(caught.value)
