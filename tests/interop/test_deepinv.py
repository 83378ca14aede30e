"""deepinv both ways: its linear physics as operators, our recipes as its reconstructor."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
from physics import MAKE, MAPS, SINGLE, drawn, some
from torch import Tensor

from untrained import InputError, LinearOperator, check_operator
from untrained.interop.deepinv import as_operator


def made(deepinv: ModuleType, name: str) -> tuple[Any, Tensor]:
    physics, shape = MAKE[name](deepinv.physics)
    return physics, drawn(1, *shape)


@pytest.mark.parametrize("name", MAKE)
def test_every_linear_physics_is_an_operator_with_an_exact_adjoint(
    deepinv: ModuleType, name: str
) -> None:
    physics, image = made(deepinv, name)
    y = physics.A(image)
    operator = as_operator(physics, y)
    assert isinstance(operator, LinearOperator)
    shape = operator.image_layout.size
    image = operator.image_layout.unpack(drawn(*shape))
    assert torch.allclose(
        operator(operator.image_layout.pack(image)), operator.pack(physics.A(image)), atol=1e-6
    )
    assert operator.pack(y).shape[0] == 1
    check_operator(operator, shape, dtype=torch.float32 if name in SINGLE else torch.float64)


@pytest.mark.parametrize("name", ["MultiCoilMRI", "CompressedSensing", "Tomography", "Pansharpen"])
def test_the_adjoint_is_deepinvs_own(deepinv: ModuleType, name: str) -> None:
    physics, image = made(deepinv, name)
    y = physics.A(image)
    operator = as_operator(physics, y)
    ours, theirs = operator.unpack_image(operator.adjoint(operator.pack(y))), physics.A_adjoint(y)
    assert float((ours - theirs).norm() / theirs.norm()) < 1e-5


def test_how_measurements_stand(deepinv: ModuleType) -> None:
    coils, image = made(deepinv, "MultiCoilMRI")
    y = coils.A(image)
    operator = as_operator(coils, y)
    assert torch.equal(operator.pack(y)[0, 2:4], y[0, :, 1])
    scan, image = made(deepinv, "Tomography")
    y = scan.A(image)
    assert torch.equal(as_operator(scan, y).pack(y)[0, 0, 3], y[0, 0, :, 3])  # a projection, a row
    series, image = made(deepinv, "DynamicMRI")
    y = series.A(image)
    operator = as_operator(series, y)
    assert torch.equal(operator.pack(y)[0, :, 16:32], y[0, :, 1])
    assert torch.equal(operator.image_layout.pack(image)[0, 2:4], image[0, :, 1])


def test_the_shape_may_come_from_the_physics_or_the_caller(deepinv: ModuleType) -> None:
    p = deepinv.physics
    assert as_operator(p.MRI(img_size=(2, 16, 16))).image_layout.size == (1, 2, 16, 16)
    blur = p.Blur(torch.ones(1, 1, 3, 3) / 9)
    assert as_operator(blur, image_shape=(3, 16, 16)).layouts[0].size == (1, 3, 14, 14)
    with pytest.raises(InputError, match="Blur does not say the size of its images; pass y"):
        as_operator(blur)


def test_what_is_not_linear_is_refused(deepinv: ModuleType) -> None:
    with pytest.raises(InputError, match=r"a Haze; wanted a deepinv.physics.LinearPhysics"):
        as_operator(deepinv.physics.Haze())


def test_sigma_is_that_of_gaussian_noise(deepinv: ModuleType) -> None:
    p = deepinv.physics
    y = torch.zeros(1, 1, 16, 16)
    assert as_operator(p.Denoising(p.GaussianNoise(0.2)), y).sigma == pytest.approx(0.2)
    assert as_operator(p.Denoising(p.PoissonNoise()), y).sigma is None
    assert as_operator(p.Decolorize(), y).sigma is None  # the default says nothing


def test_sigma_of_complex_numbers_is_that_of_a_part(deepinv: ModuleType) -> None:
    p = deepinv.physics
    physics = p.CompressedSensing(
        4096, (1, 8, 8), dtype=torch.cfloat, noise_model=p.GaussianNoise(0.2)
    )
    silent = torch.zeros(1, 1, 8, 8, dtype=torch.cfloat)
    operator = as_operator(physics, physics.A(silent))
    assert operator.sigma == pytest.approx(float(operator.pack(physics(silent)).std()), rel=0.05)
    assert operator.image_layout.size == (1, 2, 8, 8)
    check_operator(operator, (1, 2, 8, 8))


def test_projections_and_lines_are_held_out_as_a_whole(deepinv: ModuleType) -> None:
    p = deepinv.physics
    groups = as_operator(p.Tomography(10, 16), torch.zeros(1, 1, 23, 10)).groups
    assert groups is not None
    assert torch.equal(groups, torch.arange(10).view(1, 1, 10, 1).expand(1, 1, 10, 23))
    columns = torch.zeros(1, 1, 32, 32)
    columns[..., ::4] = columns[..., 13:20] = 1
    groups = as_operator(p.MRI(columns, (2, 32, 32))).groups
    assert groups is not None
    assert bool((groups == groups[..., :1, :]).all())
    assert (groups[0, 0, 0] < 0).nonzero().flatten().tolist() == [14, 15, 16, 17, 18]
    points = as_operator(p.MultiCoilMRI(some(1, 1, 16, 16), MAPS, (2, 16, 16))).groups
    assert points is not None
    assert len(points.unique()) == 256 - 9 + 1
    frames = as_operator(p.DynamicMRI(columns.repeat(1, 1, 1, 1)[:, :, None], (2, 1, 32, 32)))
    assert frames.groups is not None
    assert as_operator(p.Decolorize(), torch.zeros(1, 1, 16, 16)).groups is None


def scenes(count: int, channels: int = 1, size: int = 32) -> Tensor:
    """Return images (count, channels, size, size) in [0, 1] with smooth parts and an edge."""
    coarse = torch.rand(count, channels, 5, 5, generator=torch.Generator().manual_seed(3))
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")
    smooth[..., size // 2 :, : size // 3] = 0.9
    return smooth


def reconstructor(**settings: Any) -> Any:
    """Return a model whose fits are short: a small network, few steps."""
    from untrained.interop import UntrainedReconstructor

    return UntrainedReconstructor(settings={"max_steps": 20, "widths": (8, 8), **settings})


def test_a_batch_is_fitted_one_by_one_whatever_the_caller_forbids(deepinv: ModuleType) -> None:
    p = deepinv.physics
    physics = p.CompressedSensing(200, (1, 16, 16), noise_model=p.GaussianNoise(0.01))
    truth = scenes(2, size=16)
    y = physics(truth)
    model = reconstructor()
    assert isinstance(model, deepinv.models.Reconstructor)
    with torch.no_grad():
        both = model(y, physics)
    assert both.shape == truth.shape
    assert not both.requires_grad
    assert len(model.results) == 2
    with torch.inference_mode():
        second = model(y[1:], physics)
    assert torch.equal(second, both[1:])  # not a matter of its place in the batch
    assert not torch.equal(both[0], both[1])


def test_each_sample_has_its_own_parameters(deepinv: ModuleType) -> None:
    p = deepinv.physics
    truth = scenes(2, 2, 16)
    masks = torch.stack([some(1, 16, 16), 1 - some(1, 16, 16)])
    masks[:, :, 6:11, 6:11] = 1
    physics = p.MRI(masks, (2, 16, 16), noise_model=p.GaussianNoise(torch.tensor([0.01, 0.1])))
    y = physics.A(truth)
    model = reconstructor()
    both = model(y, physics)
    alone = p.MRI(masks[1:], (2, 16, 16), noise_model=p.GaussianNoise(0.1))
    assert torch.equal(model(y[1:], alone), both[1:])
    with pytest.raises(InputError, match="parameters of another batch than the 3 samples"):
        model(torch.cat([y, y[:1]]), physics)


def test_auto_is_the_recipe_that_the_physics_calls_for(deepinv: ModuleType) -> None:
    p = deepinv.physics
    model = reconstructor(max_steps=5)

    def taken(physics: Any, truth: Tensor) -> tuple[str, str, bool]:
        model(physics(truth), physics)
        recipe = model.results[0].recipe
        return recipe["task"], recipe["name"], recipe["exact_known"]

    noise = p.GaussianNoise(0.1)
    truth = scenes(1, 3, 16)
    half = some(1, 16, 16).expand(3, 16, 16)
    assert taken(p.Denoising(noise), truth) == ("denoise", "fast", False)
    assert taken(p.Inpainting((3, 16, 16), mask=half), truth) == ("inpaint", "fast", True)
    noisy = p.Inpainting((3, 16, 16), mask=half, noise_model=noise)
    assert taken(noisy, truth) == ("inpaint", "fast", False)
    assert taken(p.Demosaicing((3, 16, 16)), truth) == ("reconstruct", "fast", False)
    assert taken(p.Pansharpen((3, 16, 16)), truth) == ("reconstruct", "fast", False)


def test_any_recipe_may_be_named(deepinv: ModuleType) -> None:
    from untrained.interop import UntrainedReconstructor

    physics = deepinv.physics.Decolorize()
    y = physics(scenes(1, 3, 16))
    model = UntrainedReconstructor("denoise/paper", settings={"max_steps": 5, "widths": (8, 8)})
    assert model(y, physics).shape == (1, 3, 16, 16)
    assert model.results[0].recipe["name"] == "paper"
    with pytest.raises(InputError, match="works on the image itself, not through"):
        UntrainedReconstructor("denoise/fast")(y, physics)
    with pytest.raises(InputError, match="did you mean 'fast'"):
        UntrainedReconstructor("fst")(y, physics)


def test_the_unit_of_a_measurement_does_not_matter(deepinv: ModuleType) -> None:
    p = deepinv.physics
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., ::3] = mask[..., 13:20] = 1
    physics = p.MRI(mask, (2, 32, 32))
    truth = torch.cat([scenes(1), 0.2 * scenes(1)], 1)
    y = physics.A(truth)
    unit = 2.0**-23  # about 1e-7; a power of two rounds nothing
    assert torch.equal(reconstructor()(unit * y, physics), unit * reconstructor()(y, physics))


def test_deepinvs_own_test_runs_it(deepinv: ModuleType) -> None:
    p = deepinv.physics
    physics = p.Inpainting((1, 32, 32), mask=some(1, 32, 32))
    truth = scenes(2)
    data = torch.utils.data.TensorDataset(truth, physics(truth))
    loader = torch.utils.data.DataLoader(data, batch_size=2)
    score = deepinv.test(
        reconstructor(max_steps=60), loader, physics, verbose=False, show_progress_bar=False
    )
    assert score["PSNR"] > score["PSNR no learning"] + 8
