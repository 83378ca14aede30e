"""Laws of the inpainting objective: what is shown, what is left out, what a hole becomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from untrained import find_recipe, restore
from untrained.errors import InputError
from untrained.networks import Skip
from untrained.objectives import Infill, Problem, infill
from untrained.operators import Resample
from untrained.restoring import Given, solve

Scene = Callable[..., Any]
SMALL = Skip(widths=(16, 16), widths_skip=8, padding="zeros")


def problem_of(clean: Tensor, known: Tensor) -> Problem:
    return Problem(observed=clean * known, known=known, exact_known=True)


def random_known(height: int, width: int, *, share: float = 0.5, seed: int = 0) -> Tensor:
    drawn = torch.rand(1, 1, height, width, generator=Generator().manual_seed(seed))
    return (drawn < share).float()


@pytest.fixture(scope="module")
def clean(scene: Scene) -> Tensor:
    return torch.from_numpy(scene(45, 60).transpose(2, 0, 1)[None]).float()


def codes_of(objective: Any, count: int) -> list[Tensor]:
    """Return what the network is shown in so many steps."""
    seen: list[Tensor] = []

    def network(z: Tensor) -> Tensor:
        seen.append(z)
        return z[:, :-1].clone().requires_grad_()

    for _ in range(count):
        objective(network)
    return seen


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_a_constant_picture_is_filled_with_its_constant(share: float) -> None:
    known = random_known(33, 50, share=share)
    problem = problem_of(torch.full((1, 2, 33, 50), 0.3), known)
    z = Infill().build(problem, (33, 50), seed=0).z
    torch.testing.assert_close(z[:, :2], torch.full((1, 2, 33, 50), 0.3), rtol=1e-4, atol=1e-4)
    assert 0 <= float(z[:, 2].min()) <= float(z[:, 2].max()) <= 1 + 1e-6


def test_the_filling_stays_between_the_known_values(clean: Tensor) -> None:
    known = random_known(45, 60, share=0.1)
    z = Infill().build(problem_of(clean, known), (45, 60), seed=0).z
    values = clean[(known > 0).expand_as(clean)]
    assert float(values.min()) - 1e-4 <= float(z[:, :3].min())
    assert float(z[:, :3].max()) <= float(values.max()) + 1e-4


def every_second_line(height: int, width: int) -> Tensor:
    known = torch.zeros(1, 1, height, width)
    known[..., ::2, :] = 1
    return known


@pytest.mark.parametrize("known", [random_known(45, 60), every_second_line(45, 60)])
def test_missing_and_held_out_pixels_are_not_seen(clean: Tensor, known: Tensor) -> None:
    problem = problem_of(clean, known).hold_out(0.1, generator=Generator().manual_seed(0))
    assert problem.fitted is not None
    other = replace(problem, observed=torch.where(problem.fitted > 0, problem.observed, 0.77))
    recipe = replace(find_recipe("inpaint", "fast"), network=SMALL)
    first, second = (
        recipe.objective.build(p, (45, 60), seed=0) for p in (problem, other)
    )  # fmt: skip
    for a, b in zip(codes_of(first, 3), codes_of(second, 3), strict=True):
        assert torch.equal(a, b)
    for _ in range(3):  # one of them of the moved estimate
        losses = [float(o(lambda z: z[:, :-1]).loss) for o in (first, second)]
        assert losses[0] == losses[1]


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_share_of_the_known_pixels_is_left_out(share: float) -> None:
    known = random_known(64, 64, share=share)
    objective = Infill(drop=0.3, jitter=0).build(
        problem_of(torch.ones(1, 1, 64, 64), known), (64, 64), seed=0
    )
    whole = float(objective.z[:, -1].mean())
    shown = np.mean([float(z[:, -1].mean()) for z in codes_of(objective, 20)])
    assert shown == pytest.approx(0.7 * whole, rel=0.03)


def test_what_is_left_out_looks_like_what_is_missing() -> None:
    """Of a 9x9 hole, the smoothed share is 0 within; so it is at the hole moved elsewhere."""
    known = torch.ones(1, 1, 64, 64)
    known[..., 10:19, 30:39] = 0
    objective = Infill(jitter=0).build(
        problem_of(torch.ones(1, 1, 64, 64), known), (64, 64), seed=0
    )
    places = set()
    for z in codes_of(objective, 12):
        empty = (z[0, -1] < 1e-3) & (known[0, 0] > 0)
        if not empty.any():  # the hole was laid on itself or over the edge
            continue
        rows, columns = torch.nonzero(empty, as_tuple=True)
        places.add((int(rows.min()), int(columns.min())))
        assert int(empty.sum()) >= 9
    assert len(places) >= 8


def test_a_hole_in_a_plain_picture_is_filled_plainly() -> None:
    """Squared error alone leaves the middle of a hole to chance."""
    image = np.full((72, 72, 3), (0.8, 0.5, 0.2))
    image[:6] = image[-6:] = (0.1, 0.1, 0.6)
    mask = np.ones((72, 72), bool)
    mask[20:52, 20:52] = False
    base = replace(find_recipe("inpaint", "fast"), network=SMALL, max_steps=80)
    errors = []
    for weight in (0.1, 0.0):
        recipe = replace(base, objective=Infill(smooth_holes=weight))
        result = restore(image * mask[..., None], recipe=recipe, given=Given(mask=mask))
        assert result.image is not None
        errors.append(float(np.abs(result.image - image)[28:44, 28:44].max()))
    assert errors[0] < 0.1
    assert errors[0] < errors[1]


def test_it_learns_what_smoothing_cannot(clean: Tensor) -> None:
    known = random_known(45, 60)
    problem = problem_of(clean, known)
    recipe = replace(find_recipe("inpaint", "fast"), network=SMALL, max_steps=150)
    result = solve(problem, recipe)
    filled = torch.where(known > 0, clean, Infill().build(problem, (45, 60), seed=0).z[:, :-1])
    errors = [float((image - clean).square().mean()) for image in (result.estimate, filled)]
    assert errors[0] < 0.75 * errors[1]


def test_the_moved_estimate_is_judged_where_it_is_known() -> None:
    """Known pixels are 1: one that has moved under the mask is wanted, an estimated one is not."""
    problem = problem_of(torch.ones(1, 1, 40, 40), every_second_line(40, 40))
    objective = Infill(jitter=0).build(problem, (40, 40), seed=0)
    for value in (0.0, 0.5):
        losses = [float(objective(lambda z, v=value: torch.full_like(z[:, :1], v)).loss)
                  for _ in range(3)]  # fmt: skip
        assert losses == pytest.approx([(1 - value) ** 2] * 3, rel=1e-5)


def test_a_grid_is_filled_from_the_moved_estimate(
    clean: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = every_second_line(45, 60)
    recipe = replace(find_recipe("inpaint", "fast"), network=SMALL, max_steps=150)
    errors = []
    for every in (3, 1000):
        monkeypatch.setattr(infill, "_MOVED_EVERY", every)
        result = solve(problem_of(clean, known), recipe)
        errors.append(float((result.estimate - clean).square().mean()))
    assert errors[0] < 0.7 * errors[1]


@pytest.mark.parametrize("size", [(45, 60), (49, 64), (301, 451)])
def test_only_a_grid_is_taken_for_one(size: tuple[int, int]) -> None:
    height, width = size
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    hole, half = torch.ones(size), torch.ones(size)
    hole[10:30, 5:40], half[: height // 2] = 0, 0
    cases = {
        True: [rows % 2 == 0, columns % 3 == 0, (rows + columns) % 2 == 0,
               (rows % 2 == 0) & (columns % 2 == 0)],
        False: [hole, half, *(random_known(height, width, share=k)[0, 0] for k in (0.1, 0.5, 0.9))],
    }  # fmt: skip
    for is_grid, masks in cases.items():
        for mask in masks:
            known = mask.float()[None, None]
            problem = problem_of(torch.ones(1, 1, *size), known)
            problem = problem.hold_out(0.02, generator=Generator().manual_seed(0))
            assert Infill().build(problem, size, seed=0).is_grid == is_grid


def test_members_are_shown_different_parts_and_yield_their_spread(clean: Tensor) -> None:
    problem = problem_of(clean, random_known(45, 60))
    (z,) = codes_of(Infill().build(problem, (45, 60), seed=0, members=2), 1)
    assert not torch.equal(z[0], z[1])
    recipe = replace(
        find_recipe("inpaint", "fast"), network=SMALL, members=2, max_steps=3, average=None
    )
    assert (solve(problem, recipe).extras["spread"] > 0).float().mean() > 0.9


def test_it_says_what_it_is_not_for(clean: Tensor) -> None:
    with pytest.raises(InputError, match="not through Resample"):
        Infill().build(Problem(observed=clean, operator=Resample(2)), (90, 120), seed=0)
    with pytest.raises(InputError, match="image to an image"):
        Infill().build(Problem(observed=clean), (3, 4), seed=0)
    for wrong in (
        lambda: Infill(jitter=-1), lambda: Infill(blur=0), lambda: Infill(drop=1),
        lambda: Infill(smooth_holes=-1),
    ):  # fmt: skip
        with pytest.raises(InputError, match="wanted"):
            wrong()
