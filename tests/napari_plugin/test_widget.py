"""The manifest, without napari; the widget, where napari and pytest-qt are installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import untrained.napari_plugin
from untrained.recipes import RECIPES

MANIFEST = Path(untrained.napari_plugin.__file__).with_name("napari.yaml")
PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_the_entry_point_and_the_manifest_name_what_there_is() -> None:
    points = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["entry-points"]
    module, file = points["napari.manifest"]["untrained"].split(":")
    assert Path(importlib.import_module(module).__file__ or "").with_name(file) == MANIFEST
    contributions = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["contributions"]
    (command,) = contributions["commands"]
    (widget,) = contributions["widgets"]
    assert widget["command"] == command["id"]
    module, name = command["python_name"].split(":")
    assert callable(getattr(importlib.import_module(module), name))


REQUIRED = bool(os.environ.get("UNTRAINED_REQUIRE_NAPARI"))


def _do_without(reason: str) -> None:
    """Skip a test, or fail it where the widget has to be tested."""
    if REQUIRED:
        pytest.fail(f"{reason}, and UNTRAINED_REQUIRE_NAPARI is set", pytrace=False)
    pytest.skip(reason)


@pytest.fixture
def viewer(request: pytest.FixtureRequest) -> Any:
    for module, of in (("napari", "untrained[napari]"), ("pytestqt", "pytest-qt")):
        if importlib.util.find_spec(module) is None:
            _do_without(f"napari's test viewer needs {of}")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    request.getfixturevalue("qapp")
    from qtpy.QtGui import QOpenGLContext

    if not QOpenGLContext().create():
        _do_without("napari draws with OpenGL, which this screen has not; try xvfb-run")
    return request.getfixturevalue("make_napari_viewer")()


def opened(viewer: Any) -> Any:
    """Return what stands behind the widget, opened as napari does it."""
    from npe2 import PluginManager, PluginManifest

    manager = PluginManager.instance()
    if "untrained" not in {manifest.name for manifest in manager.iter_manifests()}:
        manager.register(PluginManifest.from_file(MANIFEST))
    (contribution,) = manager.get_manifest("untrained").contributions.widgets
    container = contribution.exec((viewer,))
    viewer.window.add_dock_widget(container)
    return container.restoring


def wait(condition: Callable[[], bool]) -> None:
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        QApplication.processEvents()
        time.sleep(0.01)


def noisy(*shape: int) -> np.ndarray:
    ramp = np.linspace(40, 200, shape[-1])
    return (ramp + np.random.default_rng(0).normal(0, 15, shape)).clip(0, 255).astype(np.uint8)


def test_npe2_accepts_the_manifest() -> None:
    npe2 = pytest.importorskip("npe2", reason="needs untrained[napari]")
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()


def test_a_layer_is_restored_into_another_that_lies_over_it(viewer: Any) -> None:
    source = viewer.add_image(
        noisy(3, 24, 32), name="cells", scale=(2, 0.5, 0.5), translate=(0, 3, 4),
        units=("um", "um", "um"), colormap="magma",
    )  # fmt: skip
    viewer.dims.set_point(0, 2)
    restoring = opened(viewer)
    restoring.steps = 10
    assert restoring.image.value is source
    restoring.begin()
    assert not restoring.start.enabled
    wait(lambda: restoring.start.enabled and len(viewer.layers) == 2)
    made = viewer.layers[-1]
    assert made.data.shape == (24, 32)
    assert made.data.dtype == np.uint8
    assert (made.data != source.data[1]).any()
    assert np.allclose(made.scale, (0.5, 0.5))
    assert np.allclose(made.translate, (3, 4))
    assert made.units == source.units[1:]
    assert made.colormap.name == "magma"
    assert made.name == "cells, denoised"
    assert restoring.bar.value == restoring.bar.max
    restoring.planes.value = "all"
    restoring.begin()
    wait(lambda: len(viewer.layers) == 3 and restoring.start.enabled)
    assert viewer.layers[-1].data.shape == (3, 24, 32)
    assert (viewer.layers[-1].data[1] == made.data).all()  # the plane that was shown, alone


def test_enlarged_it_covers_the_same_ground(viewer: Any) -> None:
    viewer.add_image(noisy(24, 32), scale=(0.5, 0.5), translate=(3, 4))
    restoring = opened(viewer)
    restoring.steps = 5
    restoring.task.value = "upscale"
    restoring.begin()
    wait(lambda: len(viewer.layers) == 2 and restoring.start.enabled)
    assert viewer.layers[-1].data.shape == (48, 64)
    first = [layer.data_to_world((-0.5, -0.5)) for layer in viewer.layers]
    assert np.allclose(first[0], first[1])  # the outer corner of the first pixel
    last = [layer.data_to_world(np.array(layer.data.shape) - 0.5) for layer in viewer.layers]
    assert np.allclose(last[0], last[1])


def test_labels_are_filled(viewer: Any) -> None:
    source = viewer.add_image(noisy(24, 32))
    labels = np.zeros((24, 32), int)
    labels[8:12, 8:20] = 1
    viewer.add_labels(labels)
    restoring = opened(viewer)
    restoring.steps = 10
    restoring.task.value = "inpaint"
    restoring.fill.value = viewer.layers[1]
    restoring.begin()
    wait(lambda: len(viewer.layers) == 3 and restoring.start.enabled)
    assert (viewer.layers[-1].data != source.data)[labels == 1].any()
    assert (viewer.layers[-1].data == source.data)[labels == 0].all()


def test_stop_keeps_what_is_best_and_says_so(viewer: Any) -> None:
    viewer.add_image(noisy(24, 32))
    restoring = opened(viewer)
    restoring.recipe.value = "paper"
    restoring.begin()
    wait(lambda: "step" in restoring.status.value)
    restoring.end()
    assert restoring.status.value == "stopping"
    wait(lambda: restoring.start.enabled)
    assert "stopped" in restoring.status.value
    assert len(viewer.layers) == 2


def test_what_cannot_be_done_is_said_in_the_widget(viewer: Any) -> None:
    viewer.add_image(noisy(24, 32))
    restoring = opened(viewer)
    restoring.task.value = "inpaint"
    restoring.begin()
    wait(lambda: restoring.start.enabled)
    assert "nothing to fill" in restoring.status.value
    assert len(viewer.layers) == 1


def test_recipes_are_those_of_the_task_ours_first(viewer: Any) -> None:
    restoring = opened(viewer)
    for task in ("inpaint", "upscale", "denoise"):
        restoring.task.value = task
        assert set(restoring.recipe.choices) == set(RECIPES[task])
        assert restoring.recipe.choices[0] == "fast"
    restoring.begin()
    assert restoring.status.value == "no image; open one first"
