import numpy as np
import pytest
import torch

from untrained.errors import InputError
from untrained.operators import Fan, Radon
from untrained.recipes import find_recipe
from untrained.tasks.ct import FanBeam, ParallelBeam, prepare_ct, reconstruct_ct

VIEWS, SIDE = 24, 48
ANGLES = np.linspace(0, np.pi, VIEWS, endpoint=False)
QUICK = {"steps": 150, "settings": {"stopper": "FixedSteps"}}


def object_of(n: int = SIDE) -> np.ndarray:
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    image = 1.0 * ((x / 0.4) ** 2 + (y / 0.33) ** 2 < n**2)
    image -= 0.5 * ((x - n / 10) ** 2 + (y + n / 14) ** 2 < (n / 8) ** 2)
    image += 0.8 * ((abs(x + n / 6) < n / 16) & (abs(y - n / 10) < n / 8))
    return image.astype(np.float32) * 0.02


def sinogram_of(projector=None, noise: float = 0.005) -> np.ndarray:
    made = projector or Radon(ANGLES, 64, SIDE, centre=30.0)
    y = made(torch.from_numpy(object_of())[None, None])[0, 0].double().numpy()
    return y + noise * np.random.default_rng(0).standard_normal(y.shape)


def error(image: np.ndarray) -> float:
    return float(np.sqrt(np.mean((image - object_of()) ** 2)) / 0.02)


def test_a_fit_is_nearer_than_filtered_back_projection() -> None:
    sinogram = sinogram_of()
    measured = prepare_ct(sinogram, ANGLES, centre=30.0, size=SIDE)
    image = reconstruct_ct(sinogram, ANGLES, centre=30.0, size=SIDE, **QUICK)
    assert image.shape == (SIDE, SIDE)
    assert error(image) < 0.7 * error(measured.fbp)


def test_the_unit_of_the_numbers_does_not_matter() -> None:
    sinogram = sinogram_of()
    asked = {"centre": 30.0, "size": SIDE, "steps": 30, "settings": {"stopper": "FixedSteps"}}
    image = reconstruct_ct(sinogram, ANGLES, **asked)
    small = reconstruct_ct(2.0**-23 * sinogram, ANGLES, **asked)  # 1.2e-7, without rounding
    np.testing.assert_array_equal(2.0**23 * small, image)
    beam = ParallelBeam(detector=2.0**-4)  # lengths in another unit: the image is over that
    wide = reconstruct_ct(sinogram, ANGLES, beam=beam, **asked)
    np.testing.assert_allclose(2.0**-4 * wide, image, atol=1e-3)


def test_what_is_missing_has_no_part_and_is_told() -> None:
    sinogram = sinogram_of()
    sinogram[:, 40] = np.nan
    sinogram[5] = 0
    measured = prepare_ct(sinogram, ANGLES, centre=30.0, size=SIDE)
    assert measured.given.mask is not None
    assert not measured.given.mask[:, 40].any()
    assert not measured.given.mask[5].any()
    assert len(measured.given.notes) == 2
    assert error(measured.fbp) < 2 * error(
        prepare_ct(sinogram_of(), ANGLES, centre=30.0, size=SIDE).fbp
    )
    with pytest.warns(UserWarning, match="missing") as told:
        image = reconstruct_ct(sinogram, ANGLES, centre=30.0, size=SIDE, **QUICK)
    assert [str(warning.message) for warning in told] == list(measured.given.notes)
    assert np.isfinite(image).all()
    assert error(image) < 0.7 * error(measured.fbp)


def test_counts_become_what_they_are_the_logarithm_of() -> None:
    sinogram = sinogram_of()
    flat, dark = np.full(64, 5000.0), np.full((3, 64), 100.0)
    counts = 100 + 4900 * np.exp(-sinogram)
    from_counts = prepare_ct(counts, ANGLES, centre=30.0, size=SIDE, flat=flat, dark=dark)
    plain = prepare_ct(sinogram, ANGLES, centre=30.0, size=SIDE)
    np.testing.assert_allclose(from_counts.y, plain.y, atol=1e-6)
    with pytest.raises(InputError, match="counts\\?"):
        prepare_ct(counts, ANGLES)
    with pytest.raises(InputError, match="dark without flat"):
        prepare_ct(sinogram, ANGLES, dark=dark)


def test_views_along_the_same_lines_are_held_out_together() -> None:
    whole = np.linspace(0, 2 * np.pi, 25)
    made = Radon(whole, 64, SIDE, centre=30.0)
    groups = prepare_ct(sinogram_of(made), whole, centre=30.0, size=SIDE).given.groups[:, 0]
    assert groups[0] == groups[12] == groups[24]
    assert groups[3] == groups[15]
    assert len(set(groups)) == 12
    beam = FanBeam(source_to_centre=150, centre_to_detector=75, detector=1.5)
    fan = Fan(whole, 90, SIDE, source_to_centre=150, centre_to_detector=75, detector=1.5, pixel=1.0)
    measured = prepare_ct(sinogram_of(fan), whole, size=SIDE, centre=44.5, beam=beam)
    groups = measured.given.groups[:, 0]
    assert groups[0] == groups[24] != groups[12]
    assert error(measured.fbp) < 0.5


def test_the_image_holds_what_the_projections_show() -> None:
    made = Radon(ANGLES, 128, SIDE, centre=60.0)
    measured = prepare_ct(sinogram_of(made, 0.001), ANGLES, centre=60.0)
    assert SIDE * 0.8 < measured.given.operator.size[0] < 64
    inner = sinogram_of(made, 0.001)[:, 48:72]
    interior = prepare_ct(inner, ANGLES, centre=12.0)
    assert interior.given.operator.size == (36, 36)
    assert "wider than the detector" in interior.given.notes[0]


def test_binning_and_fewer_views() -> None:
    made = Radon(ANGLES, 128, SIDE, centre=60.0)
    measured = prepare_ct(
        sinogram_of(made), ANGLES, centre=60.0, size=SIDE // 2, binning=2, views=12
    )
    assert measured.y.shape == (12, 64, 1)
    assert measured.centre == 29.75
    assert measured.pixel == 2
    coarse = object_of().reshape(SIDE // 2, 2, SIDE // 2, 2).mean((1, 3))
    assert np.abs(measured.fbp - coarse).mean() < 0.3 * 0.02


def test_the_filtered_back_projection_may_be_what_the_network_sees() -> None:
    settings = {"stopper": "FixedSteps", "objective.z": "Guide"}
    result = reconstruct_ct(
        sinogram_of(), ANGLES, centre=30.0, size=SIDE, steps=20, settings=settings,
        return_result=True,
    )  # fmt: skip
    assert result.image.shape == (SIDE, SIDE)
    assert result.z.shape == (1, 1, SIDE, SIDE)
    assert result.extras["offsets"].shape == (1, 1, 1, 64)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"angles": np.rad2deg(ANGLES)}, "degrees"),
        ({"unit": "deg"}, "radians"),
        ({"angles": ANGLES[:-1]}, "23 angles for 24 views"),
        ({"sinogram": np.zeros((VIEWS, 64))}, "0 everywhere"),
        ({"sinogram": np.full((VIEWS, 64), np.nan)}, "0 everywhere"),
        ({"sinogram": np.ones(64)}, "one slice"),
        ({"centre": 70.0}, "centre"),
        ({"views": 100}, "views"),
        ({"binning": 0}, "binning"),
    ],
)
def test_bad_input_gets_one_line(change, word: str) -> None:
    asked = {"sinogram": sinogram_of(), "angles": ANGLES, "centre": 30.0, "size": SIDE, **change}
    with pytest.raises(InputError, match=word) as raised:
        prepare_ct(**asked)
    assert "\n" not in str(raised.value)


def test_the_papers_network_is_that_of_its_code() -> None:
    network = find_recipe("ct", "paper").network
    made = network.build(1, 1, generator=torch.Generator().manual_seed(0))
    convolutions = [p for p in made.parameters() if p.ndim == 4]
    assert len(convolutions) == 2 * 6 + 2 * 6 + 2 + 1
    assert tuple(convolutions[0].shape) == (128, 1, 3, 3)
