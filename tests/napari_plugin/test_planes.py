from __future__ import annotations

import numpy as np
import pytest

from untrained import InputError
from untrained.images import blended
from untrained.napari_plugin.planes import Asked, Progress, restore_planes

QUICK = {"steps": 10}


def noisy(*shape: int, dtype: str = "uint8") -> np.ndarray:
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, shape[-1] if shape[-1] > 4 else shape[-2])
    image = np.broadcast_to(ramp if shape[-1] > 4 else ramp[:, None], shape)
    return (image + rng.normal(0, 15, shape)).clip(0, 255).astype(dtype)


def test_every_plane_is_restored_and_keeps_shape_and_dtype() -> None:
    data = noisy(1, 2, 24, 32, dtype="uint16")
    before = data.copy()
    found = restore_planes(data, Asked(**QUICK))
    assert found.data.shape == data.shape
    assert found.data.dtype == data.dtype
    assert found.planes == 2
    assert not found.stopped
    assert (data == before).all()
    changed = (found.data != data).reshape(2, -1).any(axis=1)
    assert changed.all()


def test_a_plane_of_a_stack_is_that_plane_alone() -> None:
    data = noisy(2, 24, 32)
    together = restore_planes(data, Asked(**QUICK)).data
    assert (restore_planes(data[1], Asked(**QUICK)).data == together[1]).all()


def test_the_fourth_colour_is_opacity_and_stays() -> None:
    data = noisy(24, 32, 4)
    data[..., 3] = np.arange(32)
    found = restore_planes(data, Asked(**QUICK), rgb=True)
    assert (found.data[..., 3] == data[..., 3]).all()
    assert (found.data[..., :3] != data[..., :3]).any()
    larger = restore_planes(data, Asked(task="upscale", factor=3, steps=5), rgb=True)
    assert larger.data.shape == (72, 96, 4)
    assert (larger.data[::3, ::3, 3] == data[..., 3]).all()


def test_strength_is_that_of_the_command() -> None:
    data = noisy(24, 32)
    whole = restore_planes(data, Asked(**QUICK)).data
    half = restore_planes(data, Asked(strength=0.5, **QUICK)).data
    assert (half == blended(data, whole, strength=0.5)).all()
    assert (half != whole).any()


def test_labels_say_what_is_filled() -> None:
    data = noisy(2, 24, 32)
    labels = np.zeros((2, 24, 32), int)
    labels[1, 8:12, 8:20] = 3
    found = restore_planes(data, Asked(task="inpaint", **QUICK), fill=labels)
    assert found.planes == 1  # nothing is to be filled in the first
    assert (found.data[0] == data[0]).all()
    assert (found.data[1][labels[1] == 0] == data[1][labels[1] == 0]).all()
    assert (found.data[1][labels[1] != 0] != data[1][labels[1] != 0]).any()


def test_progress_counts_steps_and_planes() -> None:
    heard: list[Progress] = []
    restore_planes(noisy(2, 24, 32), Asked(**QUICK), on_progress=heard.append)
    assert {(told.plane, told.planes, told.steps) for told in heard} == {(1, 2, 10), (2, 2, 10)}
    steps = [told.step for told in heard if told.plane == 2]
    assert steps == sorted(steps)
    assert steps[-1] == 10


def test_stopped_in_the_second_plane_the_third_is_as_it_was() -> None:
    data = noisy(3, 24, 32)
    heard: list[Progress] = []
    found = restore_planes(
        data, Asked(steps=40), on_progress=heard.append,
        cancelled=lambda: any(told.plane == 2 for told in heard),
    )  # fmt: skip
    assert found.stopped
    assert found.planes == 2
    assert (found.data[1] != data[1]).any()
    assert (found.data[2] == data[2]).all()


@pytest.mark.parametrize(
    ("asked", "fill", "said"),
    [
        (Asked(strength=1.5), None, "strength"),
        (Asked(task="upscale", factor=1), None, "factor is 1"),
        (Asked(task="inpaint"), None, "nothing to fill"),
        (Asked(task="inpaint"), np.zeros((5, 5)), "labels are of shape"),
        (Asked(recipe="fats"), None, "fats"),
    ],
)
def test_refused(asked: Asked, fill: np.ndarray | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        restore_planes(noisy(24, 32), asked, fill=fill)


def test_a_line_is_no_image() -> None:
    with pytest.raises(InputError, match="shape"):
        restore_planes(np.zeros(9), Asked())
