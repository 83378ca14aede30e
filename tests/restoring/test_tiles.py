"""Large pictures: tiles, and what a fit will cost."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from untrained import find_recipe, restore
from untrained.errors import InputError
from untrained.fitting import Callback, Check, FixedSteps, Plan, Result, StopReason
from untrained.images import to_unit
from untrained.networks import Skip
from untrained.objectives import Problem
from untrained.operators import Identity, Resample
from untrained.recipes import Recipe
from untrained.restoring import Execution, planner, solve, solve_tiled, tile_places, tiles

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
    places = tile_places(420, tile=256)
    overlap = slice(places[1][0] - 2, places[0][1] + 2)
    whole = solve(problem, small())
    in_tiles, in_one = (
        (x.estimate - truth).diff(dim=-1).square().mean((0, 1, 2)) for x in (result, whole)
    )
    # there the picture has edges, which are harder than the rest also for a fit of the whole
    share = float(in_one[overlap].mean() / in_one.mean())
    assert float(in_tiles[overlap].max()) <= float(in_tiles.max())
    assert float(in_tiles[overlap].mean()) < 1.25 * share * float(in_tiles.mean())


def fit_in_tiles(callbacks: list[Callback], **options: Any) -> Result:
    """Fit 40 steps to one tile and 20 to each of two more, with a look every 10."""
    observed = torch.rand(1, 1, 70, 200, generator=torch.Generator().manual_seed(0))
    recipe = replace(small(steps=40), stopper=FixedSteps())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "for_later_tiles", lambda recipe: replace(recipe, max_steps=20))
        return solve_tiled(
            Problem(observed=observed),
            recipe,
            device=CPU,
            tile=112,
            execution=Execution(callbacks=callbacks, **options),
        )


Tiled = tuple[Result, "_Checkpoints"]


@pytest.fixture(scope="module")
def tiled() -> Tiled:
    checkpoints = _Checkpoints()
    return fit_in_tiles([checkpoints]), checkpoints


def test_enlarging_goes_in_tiles_too(scene: Scene) -> None:
    observed, _, _ = to_unit(scene(70, 290))
    problem = Problem(observed=observed, operator=Resample(2), clip=True)
    result = solve_tiled(problem, small("upscale", 20), device=CPU, tile=160)
    assert result.estimate.shape == (1, 3, 140, 580)
    assert float((Resample(2)(result.estimate) - observed).square().mean()) < 1e-3


@pytest.mark.parametrize("task", ["denoise", "inpaint", "upscale"])
def test_a_tile_without_known_pixels_is_filled_and_the_result_says_so(task: str) -> None:
    """Tiles of 148: the second lies in the hole. A ramp of brightness goes on through it."""
    ramp = torch.linspace(0.2, 0.8, 400).expand(1, 1, 80, 400).contiguous()
    known = torch.ones(1, 1, 80, 400)
    known[..., 82:234] = 0
    observed = torch.where(known > 0, ramp, 0.5)
    problem = Problem(observed=observed, known=known, exact_known=task == "inpaint",
                      operator=Resample(2) if task == "upscale" else Identity())  # fmt: skip
    recipe = replace(small(task, 10), network=Skip(widths=(8, 8), widths_skip=4, padding="zeros"))
    result = solve_tiled(problem, recipe, device=CPU, tile=160)
    assert result.details["filled_tiles"] == 1
    assert result.notes[1].endswith("filled smoothly and not fitted: 1")
    image = F.avg_pool2d(result.estimate, 2) if task == "upscale" else result.estimate
    inside = image[..., 150:166].mean((0, 1, 2))  # of that tile alone
    assert float((inside - ramp[0, 0, 0, 150:166]).abs().max()) < 0.1
    if task == "inpaint":
        assert torch.equal(image[..., :82], ramp[..., :82])
    known[:] = 0
    known[..., 0, :60] = 1
    with pytest.raises(InputError, match="no part of the picture has 64 known pixels"):
        solve_tiled(problem, recipe, device=CPU, tile=160)


def test_a_cancelled_tiled_fit_keeps_the_rest_as_it_was(scene: Scene) -> None:
    observed, _, _ = to_unit(scene(80, 400))
    result = solve_tiled(
        Problem(observed=observed),
        small(),
        device=CPU,
        tile=160,
        execution=Execution(cancelled=lambda: True),
    )
    assert result.reason is StopReason.CANCELLED
    assert torch.equal(result.estimate[..., -100:], observed[..., -100:])


class _Checkpoints(Callback):
    """The state at every look, as a checkpoint on disk gives it back."""

    needs_whole_image = False

    def __init__(self) -> None:
        self.files: list[io.BytesIO] = []

    def on_check(self, check: Check) -> None:
        self.files.append(io.BytesIO())
        torch.save(check.state(), self.files[-1])

    def state(self, look: int) -> dict[str, Any]:
        self.files[look].seek(0)
        state: dict[str, Any] = torch.load(self.files[look], weights_only=True)
        return state


def test_weights_of_a_like_picture_are_where_the_first_tile_starts(tiled: Tiled) -> None:
    whole, _ = tiled
    warm, steps = fit_in_tiles([], weights=whole.last_weights), 3 * 40
    assert warm.stop_step == steps
    assert warm.history.loss[0] < 0.8 * whole.history.loss[0]
    moved = sum(
        float((warm.last_weights[n] - w).square().sum()) for n, w in whole.last_weights.items()
    )
    assert moved > 0
    assert not torch.equal(warm.estimate, whole.estimate)


@pytest.mark.parametrize(
    "look", [1, 3, 4, 6], ids=["in the first", "at its end", "in the second", "in the third"]
)
def test_a_tiled_fit_goes_on_from_its_state_bit_for_bit(look: int, tiled: Tiled) -> None:
    whole, checkpoints = tiled
    steps = _Listener()
    resumed = fit_in_tiles([steps], state=checkpoints.state(look))
    assert steps.steps == [10, 20, 30, 40, 50, 60, 70, 80][look + 1 :]
    assert torch.equal(resumed.estimate, whole.estimate)
    assert resumed.last_weights.keys() == whole.last_weights.keys()
    assert all(
        torch.equal(resumed.last_weights[name], whole.last_weights[name])
        for name in whole.last_weights
    )
    for name in ("kept", "kept_step", "stop_step", "reason", "recoveries", "history", "details"):
        assert getattr(resumed, name) == getattr(whole, name), name


def test_an_interrupted_tile_is_shown_but_not_done(tiled: Tiled) -> None:
    looks = iter(range(100))
    checkpoints = _Checkpoints()
    cut = fit_in_tiles([checkpoints], cancelled=lambda: next(looks) == 4)
    assert cut.reason is StopReason.CANCELLED
    whole, _ = tiled
    assert torch.equal(fit_in_tiles([], state=checkpoints.state(-1)).estimate, whole.estimate)


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
    image = scene(70, 1100, 1) + np.random.default_rng(0).normal(0, 0.1, (70, 1100, 1))
    listener = _Listener()
    result = restore(
        image, recipe=small(steps=20), truth=image, execution=Execution(callbacks=[listener])
    )
    assert listener.plans[0].tiles == 2
    assert result.details["tiles"] == 2
    assert listener.steps == sorted(listener.steps)
    assert result.stop_step == listener.steps[-1] == 30
    warm = restore(
        image,
        recipe=small(steps=20),
        execution=Execution(weights=result.last_weights, callbacks=[listener]),
    )
    assert warm.stop_step == warm.details["max_steps"] == listener.plans[1].max_steps == 40
    assert warm.history.loss[0] < 0.8 * result.history.loss[0]
    assert result.score is not None
    assert "tiles" in result.notes[0]


@pytest.mark.parametrize(("task", "tiles"), [("denoise", 2), ("dehaze", 1), ("decompose", 1)])
def test_what_is_explained_as_a_whole_is_not_cut(
    task: str, tiles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "_TILED_FROM", 1)
    problem = Problem(observed=torch.rand(1, 3, 16, 1100))
    assert planner.make_plan(find_recipe(task, "fast"), problem, CPU).tiles == tiles
    monkeypatch.setattr(planner, "available_memory", lambda device: 1000)
    with pytest.raises(InputError, match="use a smaller picture"):
        planner.make_plan(find_recipe(task, "fast"), problem, CPU)


def test_the_plan_is_near_the_truth(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNTRAINED_CACHE", str(tmp_path))
    listener = _Listener()
    image = scene(256, 256) + np.random.default_rng(0).normal(0, 0.1, (256, 256, 3))
    result = restore(image, recipe=small(steps=60), execution=Execution(callbacks=[listener]))
    plan = listener.plans[0]
    assert plan.size == (256, 256, 3)
    assert plan.max_steps == 60
    assert plan.seconds is not None
    assert result.seconds / 5 < plan.seconds < 5 * result.seconds
    cache = tmp_path / "paces.json"
    before = cache.stat().st_mtime_ns
    observed, _, _ = to_unit(scene(256, 256))
    planner.make_plan(small(steps=10), Problem(observed=observed), CPU)
    assert cache.stat().st_mtime_ns == before, "measured again"
    cache.write_text("not json")
    restore(scene(64, 64), recipe=small(steps=10))


def test_a_fit_that_does_not_fit_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "available_memory", lambda device: 1000)
    with pytest.raises(InputError, match="GiB are free on cpu"):
        restore(scene(64, 64), recipe=small())
