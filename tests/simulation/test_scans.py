"""Made-up scans are what they say: the operators' measurements of the truth, with that noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from untrained.errors import InputError
from untrained.operators import Radon
from untrained.simulation.masks import accelerated_lines
from untrained.simulation.phantom import HEAD, draw, line_integrals
from untrained.simulation.scans import make_ct, make_mri, make_series


def test_line_integrals_are_those_of_the_projector() -> None:
    size, angles = 96, np.linspace(0, np.pi, 30, endpoint=False)
    image = torch.from_numpy(draw(HEAD, size)).float()[None, None]
    exact = line_integrals(HEAD, angles, 110, width=2 / size, centre=57.25)
    measured = Radon(angles, 110, size, centre=57.25)(image)[0, 0].numpy() * 2 / size
    assert np.sqrt(np.mean((measured - exact) ** 2)) < 0.01 * exact.max()


def test_counts_are_poisson_around_the_truth() -> None:
    made = make_ct(96, views=40, photons=1e5, rings=0, generator=np.random.default_rng(0))
    dark = made.dark.mean(0)
    p = -np.log((made.counts - dark) / (made.flat.mean(0) - dark))
    lengths = line_integrals(
        HEAD, made.angles, p.shape[1], width=2 / 96, centre=made.centre
    )  # fmt: skip
    exact = lengths * 2.5 / lengths.max()
    sigma = np.sqrt((np.exp(exact) + 0.1) / 1e5)  # of the scan, and of ten flats
    assert 0.95 < np.sqrt(np.mean(((p - exact) / sigma) ** 2)) < 1.1
    operator = Radon(made.angles, p.shape[1], 96, centre=made.centre)
    measured = operator(torch.from_numpy(made.truth)[None, None])[0, 0].numpy()
    assert np.sqrt(np.mean((measured - exact) ** 2)) < 0.01 * exact.max()


def test_noise_of_coils_is_that_of_the_prescan() -> None:
    clean = make_mri(64, coils=4, noise=0, generator=np.random.default_rng(0))
    noisy = make_mri(64, coils=4, noise=0.02, spread=10, generator=np.random.default_rng(0))
    left = (noisy.samples - clean.samples).reshape(4, -1)
    scan = left @ left.conj().T / left.shape[1]
    prescan = noisy.noise @ noisy.noise.conj().T / noisy.noise.shape[1]
    deviations = np.sqrt(np.diag(scan).real / 2)
    assert deviations.max() / deviations.min() == pytest.approx(10, rel=0.1)
    assert deviations.mean() == pytest.approx(0.02, rel=0.05)
    between = np.sqrt(np.outer(np.diag(scan), np.diag(scan)).real)
    np.testing.assert_allclose(scan / between, prescan / between, atol=0.1)
    assert np.abs(scan / between)[0, 1] > 0.1


def test_the_truth_of_mri_is_the_phantom_seen_by_the_coils() -> None:
    made = make_mri(64, coils=6, noise=0, generator=np.random.default_rng(0))
    seen = draw(HEAD, 64) * np.sqrt(np.square(np.abs(made.maps)).sum(0))
    inside = seen > 0.1  # k-space has an end, so that edges ring
    assert np.median(np.abs(made.truth - seen)[inside] / seen[inside]) < 0.05
    assert np.median(made.truth[inside] / seen[inside]) == pytest.approx(1, abs=0.01)
    again = make_mri(64, coils=6, noise=0.01, generator=np.random.default_rng(3))
    same = make_mri(64, coils=6, noise=0.01, generator=np.random.default_rng(3))
    np.testing.assert_array_equal(again.samples, same.samples)


def test_a_series_beats() -> None:
    made = make_series(48, frames=8, beats=2, noise=0, generator=np.random.default_rng(0))
    assert made.samples.shape == (8, 1, 48, 48)
    np.testing.assert_allclose(made.truth[0], made.truth[4], atol=1e-6)
    assert np.abs(made.truth[0] - made.truth[2]).max() > 0.2


@pytest.mark.parametrize("pattern", ["equispaced", "random"])
@pytest.mark.parametrize(("lines", "factor", "middle"), [(256, 4, 20), (256, 8, 10), (97, 3.5, 9)])
def test_masks_have_as_many_lines_as_was_asked_for(
    pattern: str, lines: int, factor: float, middle: int
) -> None:
    mask = accelerated_lines(
        lines, factor, middle=middle, pattern=pattern,  # type: ignore[arg-type]
        generator=np.random.default_rng(0),
    )  # fmt: skip
    assert mask.sum() == round(lines / factor)
    start = lines // 2 - middle // 2
    assert mask[start : start + middle].all()
    if pattern == "equispaced":
        gaps = np.diff(np.flatnonzero(mask))
        assert gaps.max() <= np.ceil((lines - middle) / (mask.sum() - middle)) + 1
    with pytest.raises(InputError, match="in the middle"):
        accelerated_lines(lines, factor, middle=lines, generator=np.random.default_rng(0))
