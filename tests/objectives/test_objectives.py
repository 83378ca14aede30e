"""Laws of the objectives that need no clean image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from untrained import find_recipe, restore
from untrained.errors import InputError
from untrained.fitting import FixedSteps
from untrained.networks import Members, ResNet, Skip
from untrained.noise import estimate_noise, white
from untrained.objectives import DataFit, MaskedPrediction, Problem, ScaleEquivariant, Sure
from untrained.operators import Identity, Resample
from untrained.restoring import Given, solve

Scene = Callable[..., Any]
SIGMA = 0.1
HELD_OUT = torch.zeros(1, 1, 96, 96)


def blurred(image: Tensor) -> Tensor:
    """A linear "network" whose error is known."""
    kernel = image.new_full((image.shape[1], 1, 3, 3), 1 / 9)
    return F.conv2d(F.pad(image, (1,) * 4, mode="reflect"), kernel, groups=image.shape[1])


@pytest.fixture(scope="module")
def clean(scene: Scene) -> Tensor:
    return torch.from_numpy(scene(96, 96).transpose(2, 0, 1)[None]).float()


@pytest.fixture(scope="module")
def noisy(clean: Tensor) -> Tensor:
    return clean + SIGMA * torch.randn(clean.shape, generator=Generator().manual_seed(1))


def mean_loss(objective: Any, times: int = 60) -> float:
    return float(torch.stack([objective(blurred).loss for _ in range(times)]).mean())


def test_sure_is_the_error_to_the_clean_image(clean: Tensor, noisy: Tensor) -> None:
    problem = Problem(observed=noisy, noise=white(SIGMA))
    risk = mean_loss(Sure().build(problem, (96, 96), seed=0))
    error = float((blurred(noisy) - clean).square().mean())
    assert risk == pytest.approx(error, rel=0.1)
    copied = Sure().build(problem, (96, 96), seed=0)(lambda image: image).loss
    assert float(copied) == pytest.approx(SIGMA**2, rel=0.1), "copying leaves all the noise"


def test_recorrupted_pixels_cost_the_error_plus_a_constant(clean: Tensor, noisy: Tensor) -> None:
    """E‖f(y₁) - y₂‖² = E‖f(y₁) - x‖² + (1 + 1/α²)σ²: the noises of y₁ and y₂ are independent."""
    alpha = 0.5
    problem = Problem(observed=noisy, noise=white(SIGMA))
    objective = MaskedPrediction(mask_rate=0, recorrupt=alpha).build(problem, (96, 96), seed=0)
    generator = Generator().manual_seed(2)
    louder = SIGMA * (1 + alpha**2) ** 0.5
    error = np.mean([
        float((blurred(clean + louder * torch.randn(clean.shape, generator=generator)) - clean)
              .square().mean())
        for _ in range(20)
    ])  # fmt: skip
    constant = (1 + alpha**-2) * SIGMA**2
    assert mean_loss(objective) - constant == pytest.approx(error, abs=0.05 * constant)


def test_copying_never_pays_with_the_right_noise_level(noisy: Tensor) -> None:
    objective = MaskedPrediction(mask_rate=0.1, recorrupt=0.5).build(
        Problem(observed=noisy, noise=white(SIGMA)), (96, 96), seed=0
    )
    copy = float(torch.stack([objective(lambda image: image).loss for _ in range(20)]).mean())
    assert mean_loss(objective, 20) < copy


def test_an_estimated_noise_level_is_refined_and_a_given_one_is_not(noisy: Tensor) -> None:
    settings = MaskedPrediction(mask_rate=0.1, recorrupt=0.5, refine_noise=(2,))
    for noise in (estimate_noise(noisy), white(SIGMA)):
        assert noise is not None
        objective = settings.build(Problem(observed=noisy, noise=noise), (96, 96), seed=0)
        for _ in range(3):
            objective(blurred)
        assert (objective.problem.noise is noise) is (not noise.estimated)


def test_masked_prediction_needs_something_to_compare(noisy: Tensor) -> None:
    with pytest.raises(InputError, match="0 only with recorrupt"):
        MaskedPrediction(mask_rate=0)
    settings = MaskedPrediction(mask_rate=0, recorrupt=0.5)
    with pytest.raises(InputError, match="give sigma"):
        settings.build(Problem(observed=noisy), (96, 96), seed=0)


@pytest.mark.parametrize(
    ("settings", "problem", "message"),
    [
        (Sure(), {"operator": Resample(2)}, "whole noisy images"),
        (Sure(), {}, "give sigma"),
        (Sure(), {"noise": white(SIGMA), "held_out": HELD_OUT}, "judge nothing"),
        (ScaleEquivariant(), {"operator": Identity()}, "is for upscaling"),
        (ScaleEquivariant(), {"operator": Resample(2), "held_out": HELD_OUT}, "judge nothing"),
    ],
)
def test_objectives_say_what_they_are_not_for(
    noisy: Tensor, settings: Any, problem: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        settings.build(Problem(observed=noisy, **problem), (96, 96), seed=0)


@pytest.mark.timeout(20)
def test_a_large_hole_is_filled_from_its_rim_at_once() -> None:
    """Up to 8 pixels from the rim by the mean of the nearest ring; it took minutes farther in."""
    observed = torch.rand(1, 1, 512, 400, generator=Generator().manual_seed(0)) / 2
    known = torch.ones(1, 1, 512, 400)
    known[..., 20:, 20:] = 0
    observed[..., :20, 380:] += 0.5  # bright in one corner
    problem = Problem(observed=observed, known=known)
    shown = MaskedPrediction().build(problem, (512, 400), seed=0).visible
    assert torch.equal(shown[known > 0], observed[known > 0])
    ring = observed[..., 19, 29:32].mean()  # all that is known of the 3x3 around (20, 30)
    assert float(shown[0, 0, 20, 30]) == pytest.approx(float(ring), abs=1e-6)
    assert float(shown.min()) >= 0
    assert float(shown.max()) <= 1
    assert float(shown[0, 0, 40, 390]) > 0.45
    assert float(shown[0, 0, 400, 40]) == pytest.approx(0.25, abs=0.1)


def test_no_pixel_has_a_part_in_what_its_neighbours_say_of_it() -> None:
    known = torch.zeros(1, 1, 40, 52)
    known[..., [3, 4, 20, 38], [7, 7, 30, 50]] = 1  # two side by side, two far from any
    observed = torch.rand(1, 1, 40, 52, generator=Generator().manual_seed(0))
    before = _neighbours(observed, known)
    for row, column in known[0, 0].nonzero().tolist():
        changed = observed.clone()
        changed[..., row, column] += 1
        after = _neighbours(changed, known)
        here = (0, 0, row, column)
        assert float(after[here]) == pytest.approx(float(before[here]), abs=1e-5)
        assert (after != before).any()
    with pytest.raises(InputError, match="no pixel is known"):
        _neighbours(observed, torch.zeros_like(known))


def _neighbours(observed: Tensor, known: Tensor) -> Tensor:
    problem = Problem(observed=observed, known=known)
    return MaskedPrediction().build(problem, (40, 52), seed=0).neighbours


def test_scale_equivariance_rewards_the_network_that_undoes_the_operator(scene: Scene) -> None:
    large = torch.from_numpy(scene(96, 96).transpose(2, 0, 1)[None]).float()
    problem = Problem(observed=Resample(2)(large), operator=Resample(2))
    network = ResNet(
        num_blocks=2, width=16, padding="zeros", output="linear", norm=False, add_input=True,
        shuffle=2,
    )  # fmt: skip
    recipe = replace(
        find_recipe("upscale", "fast"), network=network, objective=ScaleEquivariant(),
        max_steps=150,
    )  # fmt: skip
    result = solve(problem, recipe)
    plain = F.interpolate(problem.observed, scale_factor=2, mode="bicubic")
    assert float((result.estimate - large).square().mean()) < 0.8 * float(
        (plain - large).square().mean()
    )


def test_members_are_independent_networks() -> None:
    generator = Generator().manual_seed(0)
    networks = [Skip(widths=(4,), widths_skip=2).build(3, 3, generator=generator) for _ in range(3)]
    z = torch.rand(3, 3, 20, 21, generator=Generator().manual_seed(1))
    together = Members(networks)(z)
    for i, network in enumerate(networks):
        assert torch.equal(together[i : i + 1], network(z[i : i + 1]))
    together[1].sum().backward()
    moved = [sum(float(p.grad.abs().sum()) for p in n.parameters()) for n in networks]
    assert moved[1] > 0
    assert moved[0] == moved[2] == 0


@pytest.mark.parametrize(
    ("task", "objective"),
    [
        ("denoise", MaskedPrediction(recorrupt=0.5, flips=True)),
        ("denoise", DataFit(jitter=0.03)),
        ("denoise", Sure()),
        ("upscale", ScaleEquivariant()),
    ],
)
def test_an_ensemble_beats_its_members(scene: Scene, task: str, objective: Any) -> None:
    clean = scene(64, 64)
    small = Skip(widths=(16, 16), widths_skip=4, padding="zeros", output="linear")
    recipe = replace(
        find_recipe(task, "fast"), network=small, objective=objective, max_steps=60, average=None,
        stopper=FixedSteps(),
    )  # fmt: skip
    given = Given(operator=Resample(2)) if task == "upscale" else Given()
    if task == "denoise":
        image = np.clip(clean + np.random.default_rng(0).normal(0, 0.15, clean.shape), 0, 1)
    else:
        image = clean[::2, ::2]
    scores = []
    for members in (1, 4):
        done = restore(image, recipe=replace(recipe, members=members), truth=clean, given=given)
        assert done.score is not None
        scores.append(done.score.psnr_truth_iterate[-1])
    assert scores[1] > scores[0] + 0.1
