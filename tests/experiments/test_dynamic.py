"""The experiment on series: what is drawn and scored of k-space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained import data
from untrained.experiments import find_experiment
from untrained.experiments.run import reproduce

pytest.importorskip("matplotlib")


@pytest.fixture
def series(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put a made-up series in the place of every file."""
    values = np.tile(np.linspace(0.1, 0.6, 32), (5, 32, 1))
    for t in range(5):
        values[t, 8 : 16 + t, 8:20] = 1
    np.save(tmp_path / "series.npy", 7 * values)
    fetch: Callable[[str], Any] = lambda name: tmp_path / "series.npy"  # noqa: E731
    monkeypatch.setattr(data, "fetch", fetch)


def test_a_series_is_scored_by_its_magnitudes_and_shown_as_frames(series: None) -> None:
    x = find_experiment("dynamic", quick=True)
    scene = x.scene(x.pictures[0], 0, 0)
    assert scene.score(scene.truth) > 100
    turned: NDArray[np.float64] = -scene.truth  # another phase
    assert scene.score(turned) > 100
    assert scene.shown(scene.truth).shape == (32, 96, 1)
    assert scene.seen is not None
    assert scene.seen.shape == (32, 96, 1)
    cropped = x.scene(x.pictures[0], 24, 0)
    assert cropped.truth.shape == (24, 24, 10)


def test_the_experiment_runs_from_k_space_to_its_page(series: None, tmp_path: Path) -> None:
    x = find_experiment("dynamic", quick=True)
    methods = {"variation alone": x.methods["variation alone"]}
    x = replace(x, pictures=x.pictures[:1], methods=methods, crop=32)
    report = reproduce(x, tmp_path / "out", device="cpu", say=lambda line: None).read_text()
    assert "variation alone" in report
    assert "scene.given" in (tmp_path / "out" / "report.html").read_text()
