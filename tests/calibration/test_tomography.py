import numpy as np
import pytest
import torch

from untrained.calibration import as_radians, correct_flat_field, find_centre, find_missing
from untrained.errors import InputError
from untrained.operators import Fan, Radon


def object_of(n: int = 96) -> np.ndarray:
    """Return an image with discs and bars, nothing of it symmetrical."""
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    image = 1.0 * ((x / 38) ** 2 + (y / 30) ** 2 < 1) - 0.4 * ((x - 9) ** 2 + (y + 7) ** 2 < 81)
    image += 0.8 * ((x + 17) ** 2 + (y - 5) ** 2 < 20) + 0.5 * (
        (abs(x - 4) < 3) & (abs(y - 15) < 7)
    )
    return image.astype(np.float32) * 0.02


def sinogram_of(made, noise: float = 0.02) -> np.ndarray:
    y = made(torch.from_numpy(object_of())[None, None])[0, 0].numpy()
    return y + noise * y.max() * np.random.default_rng(0).standard_normal(y.shape)


HALF = np.linspace(0, np.pi, 60, endpoint=False)


@pytest.mark.parametrize("centre", [66.2, 55.9])
def test_the_centre_is_found_to_a_tenth_of_a_pixel(centre: float) -> None:
    sinogram = sinogram_of(Radon(HALF, 128, 96, centre=centre))
    assert abs(find_centre(sinogram, HALF) - centre) < 0.12
    assert abs(find_centre(1e-7 * sinogram, HALF) - centre) < 0.12


def test_also_of_a_whole_turn_with_its_ends_twice_and_of_few_views() -> None:
    whole = np.linspace(0, 2 * np.pi, 73)
    assert abs(find_centre(sinogram_of(Radon(whole, 128, 96, centre=60.7)), whole) - 60.7) < 0.12
    few = HALF[::4]
    assert abs(find_centre(sinogram_of(Radon(few, 128, 96, centre=60.7)), few) - 60.7) < 0.5


def test_also_of_an_interior_scan_with_dead_pixels() -> None:
    sinogram = sinogram_of(Radon(HALF, 128, 96, centre=61.3), noise=0.01)[:, 30:94]
    sinogram[:, 20:22] = np.nan
    assert abs(find_centre(sinogram, HALF) - 31.3) < 0.3


@pytest.mark.parametrize("shape", ["flat", "curved"])
def test_also_of_a_fan(shape: str) -> None:
    def make(angles, detectors, size, *, centre, detector):
        return Fan(
            angles, detectors, size, source_to_centre=200, centre_to_detector=100, shape=shape,
            centre=centre, pixel=detector / 1.5, detector=detector,
        )  # fmt: skip

    whole = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    sinogram = sinogram_of(make(whole, 128, 96, centre=60.4, detector=1.5))
    assert abs(find_centre(sinogram, whole, make=make, detector=1.5) - 60.4) < 0.12


def test_an_axis_beyond_the_search_is_refused() -> None:
    sinogram = sinogram_of(Radon(HALF, 128, 96, centre=22.0), noise=0.01)
    with pytest.raises(InputError, match="give the centre"):
        find_centre(sinogram, HALF)


def test_what_has_no_centre_is_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        find_centre(np.zeros((3, 64)), np.zeros(3))
    with pytest.raises(InputError, match="one value"):
        find_centre(np.zeros((20, 64)), HALF[:20])


def test_flat_field_correction_is_the_logarithm_of_the_transmission() -> None:
    generator = np.random.default_rng(0)
    truth = generator.random((12, 40)) * 3
    flat, dark = 1000 + 50 * generator.random(40), 100 + generator.random(40)
    counts = dark + (flat - dark) * np.exp(-truth)
    found = correct_flat_field(counts, np.stack([flat - 1, flat + 1]), dark)
    np.testing.assert_allclose(found.values, truth, atol=1e-12)
    assert found.known.all()
    assert not found.notes


def test_counts_of_nothing_and_pixels_without_light_are_missing() -> None:
    counts = np.full((6, 30), 500.0)
    counts[2, 5], counts[3, 6], counts[4, 7] = 0, -3, np.nan
    flat = np.full(30, 1000.0)
    flat[11] = 20
    found = correct_flat_field(counts, flat)
    wanted = np.ones((6, 30), bool)
    wanted[2, 5] = wanted[3, 6] = wanted[4, 7] = False
    wanted[:, 11] = False
    np.testing.assert_array_equal(found.known, wanted)
    assert np.isfinite(found.values).all()
    assert any("1 detector pixels" in note for note in found.notes)
    assert any("2 counts" in note for note in found.notes)


def test_a_beam_that_drifts_is_seen_in_the_air() -> None:
    truth = np.pad(np.random.default_rng(0).random((9, 24)), ((0, 0), (8, 8)))
    drift = np.linspace(1, 0.8, 9)[:, None]
    found = correct_flat_field(1000 * drift * np.exp(-truth), np.full(40, 1000.0), air=8)
    np.testing.assert_allclose(found.values, truth, atol=1e-12)


def test_dead_and_outstanding_detector_pixels_and_views_are_found_and_no_others() -> None:
    sinogram = sinogram_of(Radon(HALF, 128, 96), noise=0.01)
    assert find_missing(sinogram).known.all()
    noiseless = sinogram_of(Radon(HALF, 128, 96), noise=0)  # air says 0 in every view
    assert find_missing(noiseless).known.all()
    bad = sinogram.copy()
    bad[:, 40:43], bad[:, 70] = 0.3, bad[:, 70] + 1.0
    bad[17], bad[30, 50] = 0.0, np.nan
    found = find_missing(bad)
    wanted = np.ones_like(bad, dtype=bool)
    wanted[:, 40:43] = wanted[:, 70] = wanted[17] = wanted[30, 50] = False
    np.testing.assert_array_equal(found.known, wanted)
    assert len(found.notes) == 3


def test_stray_values_and_a_beam_that_jumps_are_missing_but_no_wire() -> None:
    sinogram = sinogram_of(Radon(HALF, 128, 96), noise=0.01)
    bad, wanted = sinogram.copy(), np.ones_like(sinogram, dtype=bool)
    for view, pixel in ((3, 50), (20, 90), (20, 10), (41, 64)):
        bad[view, pixel] += 8 * np.ptp(sinogram)
        wanted[view, pixel] = False
    bad[30:32] += 0.3 * np.ptp(sinogram)
    wanted[30:32] = False
    found = find_missing(bad)
    np.testing.assert_array_equal(found.known, wanted)
    assert len(found.notes) == 2
    wire = sinogram.copy()  # one pixel wide, in every view
    wire[np.arange(60), np.rint(64 + 30 * np.cos(HALF)).astype(int)] += 3 * np.ptp(sinogram)
    assert find_missing(wire).known.all()


def test_a_sinogram_of_nothing_is_refused() -> None:
    for nothing in (np.zeros((20, 64)), np.full((20, 64), np.nan)):
        with pytest.raises(InputError, match="0 everywhere"):
            find_missing(nothing)


def test_angles_in_the_wrong_unit_are_told() -> None:
    degrees = np.arange(180.0)
    np.testing.assert_allclose(as_radians(degrees, 180, unit="deg"), np.deg2rad(degrees))
    np.testing.assert_allclose(as_radians(HALF, 60, unit="rad"), HALF)
    with pytest.raises(InputError, match="say unit deg"):
        as_radians(degrees, 180, unit="rad")
    with pytest.raises(InputError, match="say unit rad"):
        as_radians(HALF, 60, unit="deg")
    with pytest.raises(InputError, match="180 angles for 60 views"):
        as_radians(degrees, 60, unit="deg")
    with pytest.raises(InputError, match="all 9 angles"):
        as_radians(np.zeros(9), 9, unit="rad")
