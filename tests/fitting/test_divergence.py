"""What counts as diverged: a fit that learns nothing does, a residual near nothing does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from untrained import find_recipe, restore, with_settings
from untrained.fitting import StopReason
from untrained.restoring import Given

Scene = Callable[..., Any]


def fitted(
    image: Any, name: str, *, task: str = "denoise", given: Given | None = None, **changes: str
) -> Any:
    changes = {"max_steps": "60", "network.widths": "8,8"} | changes
    return restore(
        image, recipe=with_settings(find_recipe(task, name), changes), given=given or Given()
    )


@pytest.mark.parametrize("name", ["fast", "paper", "sgld-fast"])
def test_an_absurd_step_size_is_told_and_the_usual_is_not(name: str, scene: Scene) -> None:
    clean = scene(24, 32)
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 0.1, clean.shape), 0, 1)
    assert fitted(noisy, name).reason is not StopReason.DIVERGED
    ruined = fitted(noisy, name, lr="1e6")
    assert ruined.reason is StopReason.DIVERGED
    assert "smaller lr" in ruined.reason.advice


@pytest.mark.parametrize("name", ["fast", "paper"])
def test_a_few_steps_are_no_divergence(name: str, scene: Scene) -> None:
    noisy = np.clip(scene(24, 32) + np.random.default_rng(0).normal(0, 0.1, (24, 32, 3)), 0, 1)
    for steps in ("1", "8"):
        assert fitted(noisy, name, max_steps=steps).reason is StopReason.MAX_STEPS


def test_an_absurd_step_size_is_told_where_pixels_are_missing(scene: Scene) -> None:
    image = scene(24, 32)
    mask = np.random.default_rng(0).random((24, 32)) > 0.3
    assert fitted(image, "paper", task="inpaint", given=Given(mask=mask)).reason is not (
        StopReason.DIVERGED
    )
    ruined = fitted(image, "paper", task="inpaint", given=Given(mask=mask), lr="1e6")
    assert ruined.reason is StopReason.DIVERGED


def stars(generator: np.random.Generator) -> Any:
    places = generator.random((32, 32)) < 0.02
    return np.where(places, generator.integers(60, 255, (32, 32)), 0).astype(np.uint8)


def checkerboard(generator: np.random.Generator) -> Any:
    return np.kron(np.indices((4, 4)).sum(0) % 2, np.full((8, 8), 120)).astype(np.uint8) + 60


def black(generator: np.random.Generator) -> Any:
    return np.zeros((32, 32), np.uint16)


def flat(generator: np.random.Generator) -> Any:
    return np.full((32, 32), 3.7, np.float32)


def heavy_noise(generator: np.random.Generator) -> Any:
    return np.clip(0.5 + generator.normal(0, 0.2, (32, 32)), 0, 1)


@pytest.mark.parametrize("make", [stars, checkerboard, black, flat, heavy_noise])
def test_clean_flat_and_empty_pictures_do_not_diverge(make: Callable[..., Any]) -> None:
    image = make(np.random.default_rng(0))
    for name in ("fast", "paper"):
        result = fitted(image, name)
        ends = StopReason.NOTHING if np.ptp(image) == 0 else StopReason.MAX_STEPS
        assert (result.reason, result.recoveries) == (ends, 0)
