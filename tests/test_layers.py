"""Pictures taken apart: transparent layers, haze."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Generator

from untrained import InputError, decompose, find_recipe, restore
from untrained.callbacks import Callback, Check
from untrained.images import Picture, read_picture, write_picture
from untrained.networks import Layered, Skip
from untrained.objectives import Decompose, Dehaze, Problem
from untrained.objectives.decompose import exclusion
from untrained.objectives.dehaze import airlight, dark_channel
from untrained.recipes import Recipe
from untrained.solve import solve

Scene = Callable[..., Any]

SMALL = Skip(widths=(16, 16), widths_skip=8, up="nearest", padding="zeros", kernel_refine=0)


def tiny(task: str, **changes: Any) -> Recipe:
    layers = 2 if task == "decompose" else 1
    network = Layered(layer=SMALL, mask=SMALL, num_layers=layers)
    return replace(find_recipe(task, "fast"), network=network, **changes)


def haze(truth: Any, thickness: float = 1.0) -> tuple[Any, Any]:
    """Return a hazy picture, (H, W, C), and its transmission: farther towards the top."""
    height, width, _ = truth.shape
    depth = np.linspace(1, 0.1, height)[:, None, None] * np.ones((1, width, 1))
    through = np.exp(-thickness * depth)
    return through * truth + (1 - through) * np.array([0.85, 0.87, 0.9]), through


def test_a_layered_network_gives_its_layers_and_a_mask() -> None:
    settings = Layered(layer=SMALL, mask=SMALL)
    network = settings.build(4, 3, generator=Generator().manual_seed(0))
    z = torch.rand(1, 4, 15, 18, generator=Generator().manual_seed(1))
    output = network(z)
    assert output.shape == (1, 7, 15, 18)
    assert not torch.equal(output[:, :3], output[:, 3:6])
    assert settings.input_size(15, 18) == (15, 18)


def test_exclusion_is_least_where_no_edge_is_shared() -> None:
    columns = torch.arange(32).view(1, 1, 1, 32).expand(1, 3, 32, 32)
    stripes = (columns // 4 % 2).float()
    assert exclusion(stripes, stripes.mT) < 0.5 * exclusion(stripes, stripes)
    assert exclusion(stripes, torch.zeros_like(stripes)) == 0


def test_the_airlight_is_the_colour_of_the_thickest_haze(scene: Scene) -> None:
    hazy, _ = haze(0.8 * scene(48, 40), thickness=6)  # nothing is brighter than the haze
    image = torch.from_numpy(hazy).permute(2, 0, 1)[None].float()
    found = airlight(image, patch=7)
    expected = torch.tensor([0.85, 0.87, 0.9]).view(1, 3, 1, 1)
    torch.testing.assert_close(found, expected, atol=0.01, rtol=0)
    assert dark_channel(image, patch=1).shape == (1, 1, 48, 40)
    torch.testing.assert_close(dark_channel(image, patch=1), image.amin(1, keepdim=True))
    assert (dark_channel(image, patch=5) <= dark_channel(image, patch=3)).all()


def test_a_dehazed_picture_is_nearer_to_the_truth(scene: Scene) -> None:
    truth = scene(32, 36) * np.array([1, 0.5, 0.1])  # colours: one channel is dark
    hazy, through = haze(truth, thickness=2)  # the haziest place shows little else
    result = restore(hazy, recipe=tiny("dehaze", max_steps=100), device="cpu")
    assert result.image is not None
    assert np.mean((result.image - truth) ** 2) < 0.5 * np.mean((hazy - truth) ** 2)
    found = result.extras["transmission"][0, 0].numpy()
    assert np.corrcoef(found.ravel(), through.ravel())[0, 1] > 0.7
    assert result.extras["airlight"].shape == (1, 3, 1, 1)


def test_layers_of_different_kinds_come_apart() -> None:
    y, x = np.mgrid[0:32, 0:32] / 32
    smooth = np.stack([0.2 + 0.6 * y, 0.5 + 0.3 * np.sin(4 * x), 0.8 - 0.5 * x], axis=-1)
    stripes = (0.5 + 0.4 * np.sign(np.sin(50 * (x + y))))[..., None] * np.ones(3)
    mixed = 0.6 * smooth + 0.4 * stripes
    one, other, share = decompose(mixed, recipe=tiny("decompose", max_steps=200), device="cpu")
    together = share * one + (1 - share) * other
    assert np.mean((together - mixed) ** 2) < 0.01 * np.var(mixed)

    def alike(a: Any, b: Any) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    layers = (one, other) if alike(one, stripes) < alike(other, stripes) else (other, one)
    assert alike(layers[0], smooth) > alike(mixed, smooth) + 0.1
    assert alike(layers[1], stripes) > alike(mixed, stripes)


@pytest.mark.parametrize("task", ["decompose", "dehaze"])
def test_a_resumed_fit_ends_in_the_same_layers(task: str, scene: Scene) -> None:
    class Keep(Callback):
        def on_check(self, check: Check) -> None:
            if check.step == 10:
                self.state = check.state()

    observed = torch.from_numpy(scene(17, 20)).permute(2, 0, 1)[None].float()
    problem, recipe, keep = Problem(observed=observed), tiny(task, max_steps=20), Keep()
    whole = solve(problem, recipe, callbacks=[keep])
    again = solve(problem, recipe, state=keep.state)
    assert torch.equal(whole.estimate, again.estimate)
    for name, value in whole.extras.items():
        assert torch.equal(value, again.extras[name])


@pytest.mark.parametrize("settings", [Decompose(), Dehaze()])
def test_layers_are_not_judged_by_held_out_pixels(settings: Any, scene: Scene) -> None:
    problem = Problem(observed=torch.from_numpy(scene(16, 16)).permute(2, 0, 1)[None].float())
    held = problem.hold_out(0.1, generator=Generator().manual_seed(0))
    with pytest.raises(InputError, match="FixedSteps"):
        settings.build(held, (16, 16), seed=0)
    with pytest.raises(InputError, match="members is 2"):
        settings.build(problem, (16, 16), seed=0, members=2)


def test_the_commands_write_a_layer_and_the_rest_beside_the_run(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from untrained.cli import main

    pixels = np.rint(255 * haze(scene(18, 21))[0]).astype(np.uint8)
    write_picture(tmp_path / "in.png", Picture.from_array(pixels))
    short = ["--steps", "10", "--set", "layer.widths=8,8", "--set", "mask.widths=8,8",
             "--device", "cpu", "--json"]  # fmt: skip
    extras = {"decompose": ("second", "mask"), "dehaze": ("transmission", "airlight")}
    for task, names in extras.items():
        assert main([task, str(tmp_path / "in.png"), *short]) == 0
        written = json.loads(capsys.readouterr().out)
        assert read_picture(Path(written["output"])).pixels.shape == (1, 18, 21, 3)
        for name in names:
            assert np.isfinite(np.load(Path(written["run"]) / f"{name}.npy")).all()
