"""A few pixels outside of the range do not change how a fit of shared noise ends."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator

from untrained import find_recipe
from untrained.fitting import FixedSteps, HeldOut
from untrained.noise import NoiseModel, white
from untrained.objectives import Problem
from untrained.restoring import adapted


def test_a_few_missing_pixels_leave_the_stop_as_it_is() -> None:
    shared = replace(white(0.05), correlation=torch.ones(1, 25, 25))
    y = torch.rand(1, 1, 40, 50, generator=Generator().manual_seed(0))
    recipe = find_recipe("denoise", "fast")

    def stop(missing: int, noise: NoiseModel = shared) -> tuple[type, int]:
        known = torch.ones(1, 1, 40, 50)
        known.view(-1)[:missing] = 0
        found = adapted(recipe, Problem(observed=y, known=known if missing else None, noise=noise))
        return type(found.stopper), found.max_steps

    assert stop(0) == stop(20) == (FixedSteps, 120)  # 20 of 2000
    assert stop(21) == (HeldOut, recipe.max_steps)  # they judge the filling
    assert stop(0, white(0)) == (FixedSteps, 1)
    assert stop(20, white(0)) == (HeldOut, recipe.max_steps)  # the holes are still to be filled
