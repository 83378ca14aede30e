from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from untrained import reconstruct_mri
from untrained.errors import InputError
from untrained.operators import as_pairs
from untrained.tasks import prepare_mri

H, W, COILS = 40, 48, 4
Scan = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


@pytest.fixture
def scan(scene: Callable[..., NDArray[np.float64]]) -> Scan:
    """Return an object, the maps of its coils, k-space of it with noise, and a mask of lines."""
    y, x = np.mgrid[0:H, 0:W] / W
    object_ = scene(H, W, 1)[..., 0] * np.exp(1j * (x - y)) * (np.hypot(x - 0.5, y - 0.4) < 0.38)
    places = ((0, 0), (1, 0), (0, 0.8), (1, 0.8))
    maps = np.stack([
        np.exp(-2 * ((x - a) ** 2 + (y - b) ** 2) + 1j * (a * x + 2 * b * y)) for a, b in places
    ])  # fmt: skip
    maps /= np.sqrt((np.abs(maps) ** 2).sum(0))
    kspace = transformed(maps * object_)
    drawn = np.random.default_rng(0).normal(size=(2, *kspace.shape))
    mask = np.zeros(W, bool)
    mask[::3] = True
    mask[W // 2 - 6 : W // 2 + 6] = True
    return object_, maps, kspace + 0.005 * (drawn[0] + 1j * drawn[1]), mask


def transformed(images: NDArray[Any]) -> NDArray[Any]:
    axes = (-2, -1)
    return np.fft.fftshift(
        np.fft.fft2(np.fft.ifftshift(images, axes=axes), norm="ortho", axes=axes), axes=axes
    )


def images_of(kspace: NDArray[Any]) -> NDArray[Any]:
    return transformed(kspace.conj()).conj()


def combined(images: NDArray[Any]) -> NDArray[Any]:
    root: NDArray[Any] = np.sqrt((np.abs(images) ** 2).sum(0))
    return root


def db(image: NDArray[Any], truth: NDArray[Any]) -> float:
    error = np.abs(image) - np.abs(truth)
    return float(-10 * np.log10((error**2).mean() / np.abs(truth).max() ** 2))


def test_a_phantom_is_drawn_far_better_than_by_filling_zeros(scan: Scan) -> None:
    truth, maps, kspace, mask = scan
    zeros = db(combined(images_of(kspace * mask)), truth)
    image = reconstruct_mri(kspace, mask=mask, maps=maps, steps=40)
    assert image.shape == (H, W)
    assert image.dtype == np.complex64
    assert db(image, truth) > zeros + 4
    phase = np.angle(image * truth.conj())[np.abs(truth) > 0.3]
    assert np.abs(phase).mean() < 0.1


def test_maps_are_found_and_coils_can_be_drawn_each(scan: Scan) -> None:
    truth, _, kspace, mask = scan
    zeros = db(combined(images_of(kspace * mask)), truth)
    found = reconstruct_mri(kspace, mask=mask, steps=30)
    assert db(found, truth) > zeros + 3
    coils = reconstruct_mri(kspace, mask=mask, maps="none", steps=30)
    assert coils.shape == (COILS, H, W)
    assert db(combined(coils), truth) > zeros + 0.2


def test_the_unit_of_kspace_does_not_matter(scan: Scan) -> None:
    _, maps, kspace, mask = scan
    one = reconstruct_mri(kspace, mask=mask, maps=maps, steps=6)
    tiny = reconstruct_mri(kspace * 2.0**-24, mask=mask, maps=maps, steps=6)
    np.testing.assert_allclose(tiny * 2.0**24, one, atol=1e-4)


def test_without_a_mask_it_is_where_kspace_is_not_zero(scan: Scan) -> None:
    _, maps, kspace, mask = scan
    found = prepare_mri(kspace * mask, maps=maps)
    given = prepare_mri(kspace, maps=maps, mask=mask)
    assert np.array_equal(found.y, given.y)
    assert found.given.mask is not None
    assert np.array_equal(found.given.mask, np.broadcast_to(mask, (H, W)))


@pytest.mark.parametrize("kind", ["columns", "rows", "points", "all"])
def test_the_operator_makes_what_was_measured_of_the_object(scan: Scan, kind: str) -> None:
    truth, maps, _, mask = scan
    lying = np.zeros((H, 1), bool)
    lying[::2] = True
    points = np.random.default_rng(1).random((H, W)) < 0.4
    where = {"columns": mask, "rows": lying & np.ones(W, bool), "points": points}.get(
        kind, np.ones((H, W), bool)
    )
    measured = prepare_mri(transformed(maps * truth), mask=where, maps=maps)
    image = as_pairs(torch.from_numpy(truth.astype(np.complex64))[None, None])
    operator = measured.given.operator
    assert operator is not None
    y = operator(image)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(y, measured.y, atol=2e-6)


def test_lines_are_held_out_whole_and_the_middle_never(scan: Scan) -> None:
    _, maps, kspace, mask = scan
    groups = prepare_mri(kspace, mask=mask, maps=maps).given.groups
    assert groups is not None
    middle = slice(W // 2 - 6, W // 2 + 6)
    assert (groups[:, middle] == -1).all()
    outside = np.flatnonzero(mask & (groups[0] >= 0))
    assert len(outside) == int(mask.sum()) - 12
    assert (groups == groups[:1]).all()
    assert len(set(groups[0, outside])) == len(outside)
    lying = prepare_mri(kspace, mask=np.repeat(mask[:H, None], W, 1), maps=maps).given.groups
    assert lying is not None
    assert (lying == lying[:, :1]).all()


def test_the_truth_scores_and_changes_nothing(scan: Scan) -> None:
    truth, maps, kspace, mask = scan
    plain = reconstruct_mri(kspace, mask=mask, maps=maps, steps=10)
    result = reconstruct_mri(
        kspace, mask=mask, maps=maps, steps=10, truth=np.abs(truth), return_result=True
    )
    assert np.array_equal(result.image, plain)
    assert result.score is not None
    assert result.score.psnr_degraded is not None  # that of zeros filled in
    first = prepare_mri(kspace, mask=mask, maps=maps).given.first
    assert first is not None
    gain = db(plain, truth) - db(first, truth)
    found = result.score.psnr_kept - result.score.psnr_degraded
    assert found == pytest.approx(gain, abs=0.01)


def test_a_full_scan_can_be_fitted(scan: Scan) -> None:
    truth, maps, kspace, _ = scan
    image = reconstruct_mri(kspace, maps=maps, steps=6)
    assert db(image, truth) > 30


def test_noise_of_one_coil_weighs_less_after_prewhitening(scan: Scan) -> None:
    _, maps, kspace, mask = scan
    strengths = np.array([1, 1, 1, 10.0])[:, None]
    drawn = np.random.default_rng(2).normal(size=(2, 4000, COILS))
    noise = strengths * np.linalg.qr(drawn[0] + 1j * drawn[1])[0].T  # no two coils alike
    plain = prepare_mri(kspace, mask=mask, maps=maps)
    white = prepare_mri(kspace, mask=mask, maps=maps, noise=noise)
    power = [np.square(m.y).sum((0, 1)).reshape(COILS, 2).sum(1) for m in (plain, white)]
    ratio = power[1] / power[0]
    np.testing.assert_allclose(ratio[:3] / ratio[3], 100, rtol=1e-3)


def test_what_cannot_be_is_refused(scan: Scan) -> None:
    _, maps, kspace, mask = scan
    broken = kspace.copy()
    broken[0, 3, 3] = np.nan
    with pytest.raises(InputError, match="1 NaN or infinite"):
        prepare_mri(broken, maps=maps)
    with pytest.raises(InputError, match="zero everywhere"):
        prepare_mri(0 * kspace, maps=maps)
    with pytest.raises(InputError, match="mask is 47"):
        prepare_mri(kspace, maps=maps, mask=mask[:-1])
    with pytest.raises(InputError, match="wanted complex"):
        prepare_mri(np.abs(kspace))
    with pytest.raises(InputError, match="coil maps are 3x40x48"):
        prepare_mri(kspace, maps=maps[:3])
    with pytest.raises(InputError, match="maps is 'some'"):
        prepare_mri(kspace, maps="some")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="noise is 2x9"):
        prepare_mri(kspace, maps=maps, noise=np.ones((2, 9), complex))
    with pytest.raises(InputError, match="maps"):  # no middle to find maps from
        prepare_mri(kspace, mask=np.arange(W) % 3 == 0)


def test_the_unit_of_k_space_does_not_matter(scan: Scan) -> None:
    _, _, kspace, mask = scan
    image = reconstruct_mri(kspace, mask=mask, steps=4)
    for power in (-30, 30):  # about 1e-9 and 1e9, without rounding
        scaled = reconstruct_mri(2.0**power * kspace, mask=mask, steps=4)
        np.testing.assert_array_equal(scaled, np.complex64(2.0**power) * image)


def test_numbers_outside_the_mask_are_not_looked_at(scan: Scan) -> None:
    _, _, kspace, mask = scan
    wild = kspace.copy()
    wild[:, :, ~mask] = np.nan
    given = prepare_mri(wild, mask=mask, maps="none")
    np.testing.assert_array_equal(given.y, prepare_mri(kspace, mask=mask, maps="none").y)
    columns = prepare_mri(kspace, mask=mask[None], maps="none").given.mask
    rows = prepare_mri(kspace.swapaxes(1, 2), mask=mask[:, None], maps="none").given.mask
    np.testing.assert_array_equal(columns, np.asarray(rows).T)
    with pytest.raises(InputError, match="NaN"):
        prepare_mri(wild, maps="none")


def test_zeros_of_rounding_are_measured_and_those_among_strong_values_are_not(scan: Scan) -> None:
    _, _, kspace, mask = scan
    step = np.quantile(np.abs(kspace[0]), 0.2)
    rounded = step * (np.round(kspace[0].real / step) + 1j * np.round(kspace[0].imag / step))
    assert ((rounded == 0) & mask).sum() > 20
    found = prepare_mri(rounded * mask).given
    np.testing.assert_array_equal(found.mask, np.broadcast_to(mask, (H, W)))
    holed = kspace * mask
    holed[:, H // 2 + 1, W // 2 + 1] = 0
    assert not np.asarray(prepare_mri(holed, maps="none").given.mask)[H // 2 + 1, W // 2 + 1]


def test_lines_of_a_partial_echo_are_held_out_whole(scan: Scan) -> None:
    _, _, kspace, mask = scan
    echo = kspace * mask
    echo[:, :7] = 0
    groups = prepare_mri(echo, maps="none").given.groups
    whole = prepare_mri(kspace, mask=mask, maps="none").given.groups
    np.testing.assert_array_equal(groups, whole)


def test_k_space_with_its_middle_in_the_corners_is_refused(scan: Scan) -> None:
    _, _, kspace, _ = scan
    with pytest.raises(InputError, match="fftshift"):
        prepare_mri(np.fft.ifftshift(kspace, axes=(-2, -1)), maps="none")
    spiked = kspace.copy()
    spiked[:, 1, 2] = 1e4 * np.abs(kspace).max()
    prepare_mri(spiked, maps="none")  # a spike in a corner is none


def test_prewhitening_keeps_the_unit(scan: Scan) -> None:
    _, _, kspace, mask = scan
    drawn = np.random.default_rng(1).normal(size=(2, COILS, 4000))
    noise = 1e-3 * (drawn[0] + 1j * drawn[1])
    plain = prepare_mri(kspace, mask=mask).given.scale
    assert prepare_mri(kspace, mask=mask, noise=noise).given.scale == pytest.approx(plain, rel=0.05)
