"""z: where it comes from, and that a guide is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from untrained import InputError, find_recipe, restore, with_settings
from untrained.images import to_unit
from untrained.networks import DeepDecoder, Guide
from untrained.objectives import DataFit, Problem
from untrained.operators import Resample
from untrained.recipes import Recipe, decode, encode
from untrained.restoring import Given, assemble, crop, solve_tiled

Scene = Callable[..., Any]


def guided(**changes: Any) -> Recipe:
    recipe = with_settings(find_recipe("denoise", "paper"), {"widths": "8,8", "max_steps": "10"})
    return replace(recipe, objective=DataFit(z=Guide()), **changes)


def test_a_guide_is_z_and_decides_the_result(scene: Scene) -> None:
    image = scene(24, 30)
    guide = np.rint(255 * scene(24, 30, 1)).astype(np.uint8)  # another depth, other channels
    problem = Problem(observed=to_unit(image)[0], guide=to_unit(guide)[0])
    parts = assemble(problem, guided(members=2), seed=0)
    assert parts.objective.z is not None
    expected = torch.from_numpy(np.moveaxis(guide / 255.0, -1, 0)).float()
    torch.testing.assert_close(parts.objective.z, expected.expand(2, 1, 24, 30))
    one, same, other = (
        restore(image, recipe=guided(), given=Given(guide=g)).image
        for g in (guide, guide.copy(), 255 - guide)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert decode(encode(guided())) == guided()


def test_a_guide_that_does_not_fit_is_refused(scene: Scene) -> None:
    image = scene(24, 30)
    with pytest.raises(InputError, match="guide is 24x24, the restored image is 24x30"):
        restore(image, recipe=guided(), given=Given(guide=image[:, :24]))
    with pytest.raises(InputError, match="z is a guide, and there is none"):
        restore(image, recipe=guided())
    with pytest.raises(InputError, match="the network wants a z of"):
        restore(image, recipe=guided(network=DeepDecoder()), given=Given(guide=image))


def test_a_part_of_a_problem_has_its_part_of_the_guide(scene: Scene) -> None:
    small, guide = to_unit(scene(16, 20))[0], to_unit(scene(32, 40))[0]
    problem = Problem(observed=small, operator=Resample(2), guide=guide)
    part = crop(problem, (4, 12), (0, 9))
    assert part.guide is not None
    torch.testing.assert_close(part.guide, guide[..., 8:24, 0:18])
    whole = solve_tiled(problem, guided(), device=torch.device("cpu"), tile=80)
    assert whole.estimate.shape == guide.shape
