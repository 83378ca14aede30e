"""Laws of coil maps, noise and virtual coils, on small scans with known coils."""

import math

import pytest
import torch
from torch import Generator, Tensor

from untrained.calibration import (
    calibration_region,
    coil_maps,
    mix_coils,
    noise_covariance,
    noise_from_kspace,
    time_average,
    virtual_coils,
    whitening,
)
from untrained.calibration import maps as maps_module
from untrained.errors import InputError

SIZE = (48, 40)


def to_kspace(image: Tensor) -> Tensor:
    shifted = torch.fft.ifftshift(image, dim=(-2, -1))
    return torch.fft.fftshift(torch.fft.fft2(shifted, norm="ortho"), dim=(-2, -1))


def scan(coils: int = 4, size: tuple[int, int] = SIZE) -> tuple[Tensor, Tensor]:
    """An ellipse with a bright part, seen by coils around it: its image, and the true maps."""
    y = torch.linspace(-1, 1, size[0], dtype=torch.float64)[:, None]
    x = torch.linspace(-1, 1, size[1], dtype=torch.float64)
    image = ((y / 0.8) ** 2 + (x / 0.7) ** 2 < 1).double() + 0.5 * ((y**2 + x**2) < 0.1).double()
    angles = 2 * math.pi * torch.arange(coils, dtype=torch.float64) / coils
    seen = [
        torch.polar(
            torch.exp(-((y - 1.2 * a.sin()) ** 2 + (x - 1.2 * a.cos()) ** 2) / 2),
            0.5 * y * a.cos() + 0.5 * x * a.sin() + a,
        )
        for a in angles
    ]
    sensitivity = torch.stack(seen)
    sensitivity = sensitivity / sensitivity.abs().square().sum(0).sqrt()
    return image, sensitivity


def unlike(found: Tensor, wanted: Tensor, where: Tensor) -> float:
    """The largest distance between unit vectors over the places, up to their phase."""
    along = (wanted.conj() * found).sum(0)
    turned = found * along.conj() / along.abs().clamp_min(1e-12)
    return float((turned - wanted).abs().amax(0)[where].max())


@pytest.mark.parametrize("method", ["espirit", "walsh"])
def test_maps_are_the_coils_wherever_the_object_is(method: str) -> None:
    image, sensitivity = scan()
    kspace = to_kspace(image * sensitivity)
    mask = torch.zeros(SIZE)
    mask[:, ::4] = 1
    mask[:, 10:30] = 1
    maps = coil_maps(kspace * mask, mask, method=method)  # type: ignore[arg-type]
    inside = torch.nn.functional.max_pool2d(-image[None].float(), 9, 1, 4)[0] < 0
    assert unlike(maps[0], sensitivity, inside) < (0.01 if method == "espirit" else 0.04)
    assert torch.allclose(maps.abs().square().sum(1), torch.ones(1, *SIZE).double())  # no holes


def test_the_scale_of_the_values_does_not_matter() -> None:
    image, sensitivity = scan()
    kspace = to_kspace(image * sensitivity).to(torch.complex64)
    tiny = coil_maps(kspace * 1e-7)
    assert torch.allclose(tiny, coil_maps(kspace), atol=1e-5)


def test_one_set_leaves_nothing_of_the_signal() -> None:
    image, sensitivity = scan()
    images = image * sensitivity
    first, second = coil_maps(to_kspace(images), sets=2)
    left = images - first * (first.conj() * images).sum(0)
    assert left.abs().square().sum() < 1e-3 * images.abs().square().sum()
    assert second.abs().square().sum(0)[image > 0].mean() < 0.05  # the second set is weighted away


def test_two_sets_explain_an_object_that_is_folded_over() -> None:
    image, sensitivity = scan(6, (48, 64))
    images = image * sensitivity
    folded = images[..., 16:48] + torch.cat([images[..., 48:], images[..., :16]], dim=-1)
    one, two = (coil_maps(to_kspace(folded), sets=n) for n in (1, 2))

    def left(maps: Tensor) -> float:
        rest = folded.clone()
        for found in maps:
            norm = found.abs().square().sum(0).clamp_min(1e-6)
            rest = rest - found * (found.conj() * rest).sum(0) / norm
        return float(rest.abs().square().sum() / folded.abs().square().sum())

    assert left(two) < 0.3 * left(one)


def test_blocks_of_rows_make_the_same_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    image, sensitivity = scan()
    kspace = to_kspace(image * sensitivity)
    for method in ("espirit", "walsh"):
        whole = coil_maps(kspace, method=method)  # type: ignore[arg-type]
        with monkeypatch.context() as patch:
            patch.setattr(maps_module, "_BLOCK_BYTES", 8 * SIZE[1] * 16 * 5)  # five rows
            parts = coil_maps(kspace, method=method)  # type: ignore[arg-type]
        assert torch.allclose(whole, parts, atol=1e-5)


def test_maps_agree_with_sigpy() -> None:
    apps = pytest.importorskip("sigpy.mri.app")
    image, sensitivity = scan()
    kspace = to_kspace(image * sensitivity)
    kspace = kspace + 0.01 * torch.randn(
        kspace.shape, dtype=kspace.dtype, generator=Generator().manual_seed(0)
    )
    theirs = apps.EspiritCalib(
        kspace.numpy(), calib_width=20, thresh=0.02, kernel_width=6, crop=0, show_pbar=False,
        max_iter=300,
    ).run()  # fmt: skip
    ours = coil_maps(kspace, calibration=20)[0]
    assert unlike(ours, torch.from_numpy(theirs), image > 0) < 1e-3


def mask_of(kind: str) -> tuple[Tensor, tuple[int, int]]:
    """A mask and the size of its middle."""
    mask = torch.zeros(SIZE)
    h, w = SIZE
    y, x = (torch.arange(n) - n // 2 for n in SIZE)
    match kind:
        case "columns":
            mask[:, ::5], mask[:, 14:26] = 1, 1
            return mask, (h, 12)
        case "rows":
            mask[::3], mask[18:29] = 1, 1
            return mask, (11, w)
        case "both":
            mask[1::2, 1::2], mask[16:32, 10:30] = 1, 1
            return mask, (16, 20)
        case "ellipse":
            return ((y[:, None] / 12.0) ** 2 + (x / 12.0) ** 2 <= 1).float(), (17, 17)
        case _:
            mask[:, 12:] = 1  # partial Fourier
            return mask, (h, 28)


@pytest.mark.parametrize("kind", ["columns", "rows", "both", "ellipse", "partial"])
def test_the_middle_is_found(kind: str) -> None:
    mask, size = mask_of(kind)
    region = calibration_region(mask, SIZE)
    assert region.size == size
    assert bool(region.of(mask).all())
    assert region.top <= SIZE[0] // 2 < region.bottom
    assert region.left <= SIZE[1] // 2 < region.right


def test_too_few_lines_are_refused_with_the_way_out() -> None:
    mask = torch.zeros(SIZE)
    mask[:, 17:24] = 1
    with pytest.raises(InputError, match=r'48x7.*8 lines.*maps="none"'):
        calibration_region(mask, SIZE)
    mask[:, 20] = 0
    with pytest.raises(InputError, match="8 lines"):
        calibration_region(mask, SIZE)


@pytest.mark.parametrize("wrong", ["real", "nan", "zero", "mask", "method", "sets"])
def test_what_is_no_scan_gets_one_line(wrong: str) -> None:
    kspace = torch.ones(4, *SIZE, dtype=torch.complex64)
    mask = torch.ones(SIZE)
    options: dict[str, object] = {}
    match wrong:
        case "real":
            kspace = kspace.real
        case "nan":
            kspace[0, 0, 0] = math.nan
        case "zero":
            kspace = kspace * 0
        case "mask":
            mask = mask[:4]
        case _:
            options = {"method": "sense"} if wrong == "method" else {"sets": 3}
    with pytest.raises(InputError) as caught:
        coil_maps(kspace, mask, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def correlated(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noise of four coils, one ten times as loud and two alike, and its covariance."""
    generator = Generator().manual_seed(seed)
    white = torch.randn(4, count, dtype=torch.complex128, generator=generator)
    mixing = torch.eye(4, dtype=torch.complex128)
    mixing[1, 0] = 0.5j
    mixing[3] *= 10
    mixing *= 1e-7
    return mixing @ white, mixing @ mixing.mH


def test_covariance_of_a_prescan_and_its_whitening() -> None:
    samples, truth = correlated(20000)
    psi = noise_covariance(samples.to(torch.complex64))
    deviation = truth.diagonal().real.sqrt()
    assert ((psi - truth).abs() / (deviation[:, None] * deviation)).max() < 0.03
    white = noise_covariance((whitening(psi) @ samples)[:, None])
    assert torch.allclose(white, torch.eye(4, dtype=white.dtype), atol=1e-4)


def test_a_constant_is_no_noise_to_be_taken_off() -> None:
    samples, _ = correlated(4000)
    offset = torch.full((4, 1), 1e-6 + 0j)
    more = noise_covariance(samples + offset) - noise_covariance(samples)
    assert more.diagonal().real.min() > 0.9e-12


@pytest.mark.parametrize("kind", ["full", "columns", "ellipse"])
def test_noise_from_the_outside_of_kspace(kind: str) -> None:
    image, sensitivity = scan()
    samples, truth = correlated(SIZE[0] * SIZE[1])
    smooth = torch.nn.functional.avg_pool2d(image[None], 5, 1, 2)[0]
    kspace = to_kspace(1e-7 * smooth * sensitivity) + samples.view(4, *SIZE)
    mask = torch.ones(SIZE) if kind == "full" else mask_of(kind)[0]
    psi = noise_from_kspace((kspace * mask).to(torch.complex64), mask, fraction=0.2)
    ratio = (psi.diagonal() / truth.diagonal()).real.sqrt()
    assert ratio.min() > 0.8
    assert ratio.max() < (1.5 if kind == "ellipse" else 1.25)


def test_samples_that_were_not_taken_say_nothing_of_the_noise() -> None:
    samples, truth = correlated(SIZE[0] * SIZE[1])
    kspace = samples.view(4, *SIZE).clone()
    kspace[:, :8] = 0  # zero-filled, and no mask says so
    ratio = (noise_from_kspace(kspace, fraction=0.5).diagonal() / truth.diagonal()).real
    assert ratio.min() > 0.9
    assert ratio.max() < 1.1


def test_a_silent_coil_and_a_copied_one_can_be_whitened() -> None:
    samples, _ = correlated(500)
    samples[1], samples[2] = 0, samples[0]
    matrix = whitening(noise_covariance(samples))
    assert torch.isfinite(torch.view_as_real(matrix)).all()
    with pytest.raises(InputError, match="at least 16"):
        noise_covariance(samples[:, :10])


def test_virtual_coils_keep_what_the_coils_saw() -> None:
    image, sensitivity = scan(10)
    kspace = to_kspace(1e-7 * image * sensitivity).to(torch.complex64)
    mask = torch.zeros(SIZE)
    mask[:, ::2] = 1
    matrix, kept = virtual_coils(kspace * mask, mask, coils=5)
    assert matrix.shape == (5, 10)
    assert torch.allclose(matrix @ matrix.mH, torch.eye(5, dtype=matrix.dtype))
    few = mix_coils(matrix, kspace)
    back = mix_coils(matrix.mH, few)
    lost = (back - kspace).abs().square().sum() / kspace.abs().square().sum()
    assert 0.95 < kept < 1
    assert abs(float(lost) - (1 - kept)) < 0.01
    assert virtual_coils(kspace, coils=99)[1] == pytest.approx(1)


def test_frames_together_fill_the_middle() -> None:
    kspace = to_kspace(torch.randn(3, *SIZE, dtype=torch.complex128))
    masks = torch.zeros(2, *SIZE)
    masks[0, :, ::2], masks[1, :, 1::2], masks[1, :, 0] = 1, 1, 1
    average, anywhere = time_average(kspace * masks[:, None], masks)
    assert anywhere.all()
    assert torch.allclose(average, kspace)
