"""Laws of the second stage: what it must leave alone, what it must not depend on, what it gains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from untrained import InputError, Problem, psnr, solve, with_settings
from untrained.fitting import Callback, Check
from untrained.noise import NoiseModel, NoisePool, clipped_gaussian, white
from untrained.operators import Resample
from untrained.refinement import Collaborative, collaborative, groups
from untrained.restoring import Execution

Scene = Callable[..., NDArray[np.float64]]

STAGE = Collaborative(group=16, stride=4, reach=8)
SIGMA = 0.1


def painted(scene: Scene, height: int = 48, width: int = 56, channels: int = 3) -> Tensor:
    return torch.from_numpy(scene(height, width, channels)).permute(2, 0, 1)[None].float()


def noise_like(image: Tensor, sigma: float = SIGMA, seed: int = 0) -> Tensor:
    return sigma * torch.randn(image.shape, generator=Generator().manual_seed(seed))


def refined(y: Tensor, guide: Tensor, noise: NoiseModel, stage: Collaborative = STAGE) -> Tensor:
    return stage.refine(Problem(observed=y, noise=noise), guide)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_it_takes_most_of_the_noise_that_a_soft_guide_leaves(scene: Scene, channels: int) -> None:
    clean = painted(scene, channels=channels)
    y = clean + noise_like(clean)
    soft = torch.nn.functional.avg_pool2d(
        torch.nn.functional.pad(y, (1,) * 4, mode="replicate"), 3, 1
    )
    found = refined(y, soft, white(SIGMA))
    assert found.shape == y.shape
    assert psnr(found, clean) > max(psnr(y, clean), psnr(soft, clean)) + 2


def test_a_constant_picture_comes_through() -> None:
    y = torch.full((1, 3, 40, 40), 0.3)
    torch.testing.assert_close(refined(y, y, white(SIGMA)), y, atol=1e-5, rtol=0)


def test_without_noise_it_is_the_identity(scene: Scene) -> None:
    y = painted(scene)
    assert torch.equal(refined(y, y.roll(3, -1), white(0.0)), y)
    # where there is none at this brightness, and only there
    curve = NoiseModel(levels=torch.tensor([0.0, 0.5, 0.51]), sigmas=torch.tensor([0.0, 0.0, 0.1]))
    halves = torch.cat([torch.full((1, 1, 32, 32), 0.2), torch.full((1, 1, 32, 32), 0.8)], -1)
    noisy = halves + noise_like(halves, 0.05)
    found = refined(noisy, halves, curve)
    assert torch.equal(found[..., :28], noisy[..., :28])
    assert float((found - noisy)[..., 36:].abs().mean()) > 0.01


def test_a_moved_picture_is_filtered_alike(scene: Scene) -> None:
    """By a stride, so that the references lie on the same places of the picture."""
    clean = painted(scene, 80, 80)
    y = clean + noise_like(clean)
    clean += noise_like(clean, 0.01, seed=7)  # no two patches are equally near, but for rounding
    moved, guide = (x[..., 4:, 4:] for x in (y, clean))
    inside = slice(24, 48)
    whole = refined(y, clean, white(SIGMA))[..., 4:, 4:][..., inside, inside]
    part = refined(moved, guide, white(SIGMA))[..., inside, inside]
    torch.testing.assert_close(part, whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize("band", [8, 20])
def test_bands_change_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch, band: int) -> None:
    clean = painted(scene, 60, 40)
    y = clean + noise_like(clean)
    clean += noise_like(clean, 0.01, seed=5)
    whole = refined(y, clean, white(SIGMA))
    monkeypatch.setattr(collaborative, "_BAND", band)
    torch.testing.assert_close(refined(y, clean, white(SIGMA)), whole, atol=2e-5, rtol=0)


def test_it_repeats_itself_to_the_bit_and_leaves_torch_as_it_was(scene: Scene) -> None:
    clean = painted(scene)
    y = clean + noise_like(clean)
    before = torch.are_deterministic_algorithms_enabled()
    assert torch.equal(refined(y, clean, white(SIGMA)), refined(y, clean, white(SIGMA)))
    assert torch.are_deterministic_algorithms_enabled() == before


def test_the_noise_follows_the_brightness() -> None:
    """Twice the noise in the bright half: it is filtered harder there than one σ would."""
    generator = Generator().manual_seed(1)
    texture = 0.05 * torch.randn(1, 1, 64, 32, generator=generator)
    clean = torch.cat([0.2 + texture, 0.8 + texture], -1)
    strength = torch.cat([torch.full_like(texture, 0.02), torch.full_like(texture, 0.2)], -1)
    y = clean + strength * torch.randn(clean.shape, generator=generator)
    curve = NoiseModel(levels=torch.tensor([0.4, 0.6]), sigmas=torch.tensor([0.02, 0.2]))
    right, one = refined(y, clean, curve), refined(y, clean, white(0.14))
    assert psnr(right, clean) > psnr(one, clean) + 1
    assert psnr(right[..., :32], clean[..., :32]) > psnr(y[..., :32], clean[..., :32])


def test_clipped_noise_does_not_brighten_black() -> None:
    """The stage stays in the noisy domain; `finish` takes the bias off, once."""
    clean = torch.full((1, 1, 64, 64), 0.02)
    y = (clean + noise_like(clean, 0.1)).clamp(0, 1)
    noise = clipped_gaussian(0.1)
    problem = Problem(observed=y, noise=noise, bounded=True)
    mean = torch.full_like(clean, float(y.mean()))
    found = problem.finish(STAGE.refine(problem, mean))
    assert abs(float(found.mean()) - 0.02) < 0.01


def test_missing_pixels_are_the_guides(scene: Scene) -> None:
    clean = painted(scene)
    known = torch.ones(1, 1, *clean.shape[-2:])
    known[..., 10:20, 10:20] = 0
    y = torch.where(known > 0, clean + noise_like(clean), 9.0)
    problem = Problem(observed=y, noise=white(SIGMA), known=known)
    found = STAGE.refine(problem, clean)
    assert float((found - clean)[..., 10:20, 10:20].abs().max()) < 0.3
    assert psnr(found, clean) > 30


@pytest.mark.parametrize("why", ["no noise known", "operator", "small"])
def test_what_it_is_not_for_is_handed_on(why: str) -> None:
    y, guide = torch.rand(1, 3, 24, 24), torch.rand(1, 3, 24, 24)
    problem = Problem(observed=y, noise=white(SIGMA))
    if why == "no noise known":
        problem = replace(problem, noise=None)
    elif why == "operator":
        problem = replace(problem, operator=Resample(2))
    else:
        problem, guide = replace(problem, observed=y[..., :10, :]), guide[..., :10, :]
    assert torch.equal(STAGE.refine(problem, guide), guide)


def test_like_patches_are_found() -> None:
    """A picture of one tile again and again: the groups are its repetitions."""
    tile = torch.rand(1, 1, 8, 8, generator=Generator().manual_seed(0))
    image = tile.repeat(1, 1, 5, 5)
    found = groups.find_groups(image, side=7, count=9, reach=12, stride=8, rows=(16, 17))
    width = 40 - 7 + 1
    corner = 16 * width + 16
    middle = next(group for group in found if corner in group.tolist())
    places = {(int(c) // width % 8, int(c) % width % 8) for c in middle}
    assert places == {(0, 0)}
    assert len(set(middle.tolist())) == 9


@pytest.mark.parametrize("setting", [{"patch": 1}, {"group": 1}, {"stride": 0}, {"reach": 0}])
def test_settings_out_of_range_are_one_line(setting: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"wanted \d or more"):
        Collaborative(**setting)
    with pytest.raises(InputError, match="caution is 0"):
        Collaborative(caution=0)


def test_a_fit_ends_with_it_and_resumes_into_the_same_bytes(scene: Scene) -> None:
    clean = painted(scene)
    y = clean + noise_like(clean)
    recipe = with_settings("denoise/fast", {"max_steps": 40, "network.widths": (8, 8)})
    problem = Problem(observed=y, noise=white(SIGMA))

    class Keep(Callback):
        def on_check(self, check: Check) -> None:
            if check.step == 20:
                self.state = check.state()

    keep = Keep()
    whole = solve(problem, recipe, execution=Execution(callbacks=[keep]))
    again = solve(problem, recipe, execution=Execution(state=keep.state))
    assert torch.equal(whole.estimate, again.estimate)
    assert whole.details["refined"] is True
    plain = solve(problem, with_settings(recipe, {"refinement": None}))
    assert plain.details["refined"] is False
    assert psnr(whole.estimate, clean) > psnr(plain.estimate, clean) + 1
    cut = solve(problem, recipe, execution=Execution(cancelled=lambda: True))
    assert cut.details["refined"] is False


def test_an_interruption_of_the_stage_keeps_the_networks_image(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem(observed=painted(scene), noise=white(SIGMA))
    recipe = with_settings("denoise/fast", {"max_steps": 20, "network.widths": (8, 8)})
    plain = solve(problem, with_settings(recipe, {"refinement": None}))

    def interrupted(*_: Any) -> Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr(Collaborative, "refine", interrupted)
    result = solve(problem, recipe)
    assert result.cut_short
    assert torch.equal(result.estimate, plain.estimate)


def shared(sigma: float, channels: int, width: float = 0.8) -> NoiseModel:
    """Return noise through a Gaussian filter, weaker in the colours."""
    apart = torch.arange(-12, 13.0).square()
    powers = torch.tensor([2.6, 0.25, 0.15]) if channels == 3 else torch.ones(channels)
    covariance = torch.exp(-(apart[:, None] + apart) / (4 * width**2))
    return replace(white(sigma), correlation=powers[:, None, None] * covariance)


def shared_noise(model: NoiseModel, like: Tensor, seed: int = 0) -> Tensor:
    generator = Generator().manual_seed(seed)
    size = (1, like.shape[1], like.shape[2], like.shape[3])
    return model.sigma * NoisePool(size, generator=generator, correlation=model.correlation).draw()


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_shared_noise_is_filtered_by_its_covariance(scene: Scene, channels: int) -> None:
    clean = painted(scene, 80, 96)[:, :channels]
    model = shared(0.08, channels)
    y = clean + shared_noise(model, clean)
    guide = clean + 0.3 * shared_noise(model, clean, seed=1)
    right = refined(y, guide, model)
    assert psnr(right, clean) > psnr(guide, clean) + 1
    assert psnr(right, clean) > psnr(refined(y, guide, white(0.08)), clean) + 1


def test_the_laws_hold_for_shared_noise(scene: Scene) -> None:
    clean = painted(scene, 80, 80)
    model = shared(0.08, 3)
    constant = torch.full_like(clean, 0.4)
    torch.testing.assert_close(refined(constant, constant, model), constant, atol=1e-5, rtol=0)
    y = clean + shared_noise(model, clean)
    assert torch.equal(refined(y, clean, replace(model, sigmas=torch.zeros(1))), y)
    assert torch.equal(refined(y, clean, model), refined(y, clean, model))
    clean = clean + noise_like(clean, 0.01, seed=5)
    inside = slice(24, 48)
    whole = refined(y, clean, model)[..., 4:, 4:][..., inside, inside]
    moved = refined(y[..., 4:, 4:], clean[..., 4:, 4:], model)[..., inside, inside]
    torch.testing.assert_close(moved, whole, atol=2e-4, rtol=0)
