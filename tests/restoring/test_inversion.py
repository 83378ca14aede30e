"""Pictures found by their features, with a small network that nobody has trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from untrained import InputError
from untrained.fitting import Adam
from untrained.networks import Skip, initialize
from untrained.recipes.inversion import INVERT, MAXIMIZE
from untrained.restoring import Features, invert_features, maximize_activation

SHORT: dict[str, Any] = {
    "network": Skip(widths=(16, 16), padding="zeros", kernel_refine=0),
    "optimizer": Adam(lr=0.01),
    "max_steps": 100,
}


@pytest.fixture
def model() -> nn.Module:
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 5),
    )  # fmt: skip
    generator = Generator().manual_seed(0)
    initialize(network, generator)
    nn.init.normal_(network[7].weight, generator=generator)
    return network.train()


@pytest.fixture
def image(scene: Callable[..., Any]) -> Tensor:
    return torch.from_numpy(scene(22, 27)).permute(2, 0, 1)[None].float()


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("layer", ["2", "7"])
def test_the_inverse_has_the_features_and_the_model_is_left_alone(
    model: nn.Module, image: Tensor, layer: str
) -> None:
    before, kept = state(model), image.clone()
    result = invert_features(model, layer, image, recipe=replace(INVERT["paper"], **SHORT))
    assert result.estimate.shape == image.shape
    model.eval()
    features = Features(model, layer)
    wanted = features(image)
    gray = features(torch.full_like(image, 0.5))
    error = (features(result.estimate) - wanted).square().mean()
    assert error < 0.1 * (gray - wanted).square().mean()
    model.train()
    assert all(torch.equal(value, before[name]) for name, value in state(model).items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert torch.equal(image, kept)
    if layer == "2":  # an early layer has forgotten little
        error = (result.estimate - image).square().mean()
        assert error < 0.5 * (image - 0.5).square().mean()


def test_features_are_those_of_the_layer_whatever_is_done_in_place_after_it(
    model: nn.Module, image: Tensor
) -> None:
    features = Features(model, "3")
    expected = features(image)
    assert expected.min() < 0
    model[4] = nn.ReLU(inplace=True)
    image.requires_grad_()
    found = features(image)
    assert torch.equal(found, expected)
    found.sum().backward()
    assert image.grad is not None
    assert image.grad.any()


def test_fast_comes_nearer_in_as_many_steps_than_the_published_settings(
    model: nn.Module, image: Tensor
) -> None:
    errors = [
        invert_features(model, "2", image, recipe=replace(recipe, max_steps=12)).history.loss[-1]
        for recipe in (INVERT["fast"], INVERT["paper"])
    ]
    assert errors[0] < 0.5 * errors[1]


def test_a_unit_is_made_more_active_than_by_noise(model: nn.Module) -> None:
    recipe = replace(MAXIMIZE["paper"], **{**SHORT, "max_steps": 60})
    result = maximize_activation(model, model[4], 3, size=(20, 24), recipe=recipe)
    assert result.estimate.shape == (1, 3, 20, 24)
    assert result.estimate.min() >= 0
    assert result.estimate.max() <= 1
    model.eval()
    features = Features(model, "4")
    noise = torch.rand(16, 3, 20, 24, generator=Generator().manual_seed(0))
    others = torch.stack([features(x[None])[:, 3].mean() for x in noise])
    assert features(result.estimate)[:, 3].mean() > others.max()
    assert model[4] not in [m for m in model.modules() if m._forward_hooks]


def test_what_cannot_be_inverted_is_said(model: nn.Module, image: Tensor) -> None:
    with pytest.raises(InputError, match="no layer '77' in the model; did you mean '7'"):
        invert_features(model, "77", image)
    with pytest.raises(InputError, match="no recipe 'best' for this; it has fast, paper"):
        invert_features(model, "2", image, recipe="best")
    with pytest.raises(InputError, match="no part of the model"):
        invert_features(model, nn.ReLU(), image)
    with pytest.raises(InputError, match="unit is 5; the layer has 0 to 4"):
        maximize_activation(model, "7", 5, size=(20, 20))
    with pytest.raises(InputError, match=r"pass a \(1, C, H, W\)"):
        invert_features(model, "2", image[0])
