"""The experiment of the head scan: its masks, and what is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from untrained import data
from untrained.errors import InputError
from untrained.experiments import find_experiment
from untrained.experiments.run import reproduce
from untrained.operators import as_pairs
from untrained.recipes import Recipe
from untrained.simulation.sampling import equispaced_lines


@pytest.fixture
def head(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scene: Callable[..., NDArray[np.float64]]
) -> None:
    """Put a made-up scan in the place of the file."""
    y, x = np.mgrid[0:64, 0:64] / 64
    maps = [np.exp(-3 * (x - a) ** 2 - 3 * (y - b) ** 2 + 1j * x) for a in (0, 1) for b in (0, 1)]
    np.save(tmp_path / "coils.npy", np.stack(maps) * scene(64, 64, 1)[..., 0] * 40)
    fetch: Callable[[str], Any] = lambda name: tmp_path / "coils.npy"  # noqa: E731
    monkeypatch.setattr(data, "fetch", fetch)


def test_lines_are_even_and_as_many_as_asked_for() -> None:
    mask = equispaced_lines(256, 4, middle=20)
    assert mask.sum() == 64
    assert mask[118:138].all()
    assert np.flatnonzero(mask)[:4].tolist() == [0, 5, 11, 16]
    eight = equispaced_lines(256, 8, middle=10)
    assert eight.sum() == 32
    assert eight[123:133].all()
    with pytest.raises(InputError, match="middle is 64"):
        equispaced_lines(256, 4, middle=64)


def test_a_scene_scores_magnitudes(head: None) -> None:
    experiment = find_experiment("mri-head", quick=True)
    scene = experiment.scene(experiment.pictures[0], 48, 0)
    assert scene.truth.max() == pytest.approx(1)
    assert scene.given is not None
    assert scene.given.operator is not None
    image = as_pairs(torch.randn(1, 1, 48, 48, dtype=torch.complex64))
    assert scene.given.operator(image).shape[2:] == scene.observed.shape[:2]
    near = 0.999 * scene.truth[..., 0]
    turned = near * np.exp(0.3j)  # the phase does not count
    pair = np.stack([turned.real, turned.imag], -1)
    assert scene.score(pair) == pytest.approx(scene.score(near[..., None]), abs=0.01)
    assert scene.shown(pair).shape == (48, 48, 1)


def test_the_experiment_runs_from_k_space_to_its_page(head: None, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    x = find_experiment("mri-head", quick=True)
    fast = x.methods["fast"]
    assert isinstance(fast, Recipe)
    x = replace(x, pictures=x.pictures[:1], methods={"fast": replace(fast, max_steps=4)}, crop=48)
    report = reproduce(x, tmp_path / "out", device="cpu", say=lambda line: None).read_text()
    assert "four times" in report
