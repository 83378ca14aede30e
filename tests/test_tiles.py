"""Large pictures: tiles, and what a fit will cost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from untrained import find_recipe, planner, restore
from untrained.arrays import to_unit
from untrained.callbacks import Callback, Check, Plan
from untrained.errors import InputError
from untrained.networks import Skip
from untrained.objectives import Problem
from untrained.operators import Resample
from untrained.recipes import Recipe
from untrained.result import StopReason
from untrained.tiles import solve_tiled, tile_places

Scene = Callable[..., Any]
CPU = torch.device("cpu")


def small(task: str = "denoise", steps: int = 80) -> Recipe:
    recipe = find_recipe(task, "fast")
    if task == "denoise":
        recipe = replace(recipe, network=Skip(
            widths=(8, 8), widths_skip=4, padding="zeros", output="linear", up="nearest",
        ))  # fmt: skip
    return replace(recipe, max_steps=steps)


@given(st.integers(1, 5000), st.integers(200, 1024))
def test_tiles_cover_a_side_and_overlap(length: int, tile: int) -> None:
    places = tile_places(length, tile=tile)
    assert places[0][0] == 0
    assert places[-1][1] == length
    assert all(stop - start <= tile for start, stop in places)
    assert len({stop - start for start, stop in places}) == 1
    for (_, stop), (start, _) in itertools.pairwise(places):
        assert stop - start >= 63


def test_a_tiled_fit_denoises_and_its_seams_cannot_be_found(scene: Scene) -> None:
    clean = scene(300, 420)
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 0.1, clean.shape), 0, 1)
    observed, _, _ = to_unit(noisy)
    truth, _, _ = to_unit(clean)
    problem = Problem(observed=observed, clip=True)
    result = solve_tiled(problem, small(), device=CPU, tile=256)
    assert result.estimate.shape == observed.shape
    error = (result.estimate - truth).square()
    assert float(error.mean()) < 0.4 * float((observed - truth).square().mean())
    # a seam would be a column whose step to the next differs from the truth's more than elsewhere
    jumps = (result.estimate - truth).diff(dim=-1).square().mean((0, 1, 2))
    places = tile_places(420, tile=256)
    overlap = slice(places[1][0] - 2, places[0][1] + 2)
    assert float(jumps[overlap].max()) <= 1.5 * float(jumps.max())
    assert float(jumps[overlap].mean()) < 1.5 * float(jumps.mean())


def test_enlarging_goes_in_tiles_too(scene: Scene) -> None:
    observed, _, _ = to_unit(scene(70, 290))
    problem = Problem(observed=observed, operator=Resample(2), clip=True)
    result = solve_tiled(problem, small("upscale", 20), device=CPU, tile=160)
    assert result.estimate.shape == (1, 3, 140, 580)
    assert float((Resample(2)(result.estimate) - observed).square().mean()) < 1e-3


def test_a_cancelled_tiled_fit_keeps_the_rest_as_it_was(scene: Scene) -> None:
    observed, _, _ = to_unit(scene(80, 400))
    result = solve_tiled(
        Problem(observed=observed), small(), device=CPU, tile=160, cancelled=lambda: True
    )
    assert result.reason is StopReason.CANCELLED
    assert torch.equal(result.estimate[..., -100:], observed[..., -100:])


class _Listener(Callback):
    needs_whole_image = False

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.steps: list[int] = []

    def on_plan(self, plan: Plan) -> None:
        self.plans.append(plan)

    def on_check(self, check: Check) -> None:
        self.steps.append(check.step)
        assert check.step <= check.max_steps


def test_restore_cuts_large_pictures(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "_TILED_FROM", 1)
    monkeypatch.setattr(planner, "TILE", 100)
    image = scene(70, 1100, 1)
    listener = _Listener()
    result = restore(image, recipe=small(steps=20), truth=image, callbacks=[listener])
    assert listener.plans[0].tiles == 2
    assert result.details["tiles"] == 2
    assert listener.steps == sorted(listener.steps)
    assert result.stop_step == listener.steps[-1] == 30
    assert result.score is not None
    assert "tiles" in result.notes[0]


def test_the_plan_is_near_the_truth(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNTRAINED_CACHE", str(tmp_path))
    listener = _Listener()
    result = restore(scene(256, 256), recipe=small(steps=60), callbacks=[listener])
    plan = listener.plans[0]
    assert plan.size == (256, 256, 3)
    assert plan.max_steps == 60
    assert plan.seconds is not None
    assert result.seconds / 5 < plan.seconds < 5 * result.seconds
    cache = tmp_path / "seconds-per-step.json"
    before = cache.stat().st_mtime_ns
    restore(scene(256, 256), recipe=small(steps=10))
    assert cache.stat().st_mtime_ns == before, "measured again"
    cache.write_text("not json")
    restore(scene(256, 256), recipe=small(steps=10))


def test_a_fit_that_does_not_fit_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "available_memory", lambda device: 1000)
    with pytest.raises(InputError, match="GiB are free on cpu"):
        restore(scene(64, 64), recipe=small())
