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

from untrained import InputError, decompose, find_recipe, restore, with_settings
from untrained.fitting import Callback, Check
from untrained.images import Picture, read_picture, write_picture
from untrained.networks import Layered, Skip
from untrained.objectives import Decompose, Dehaze, Problem
from untrained.objectives.decompose import exclusion
from untrained.objectives.dehaze import airlight, dark_channel
from untrained.recipes import Recipe
from untrained.restoring import Execution, Given, solve

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
    result = restore(hazy, recipe=tiny("dehaze", max_steps=100), execution=Execution(device="cpu"))
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


def marked(truth: Any) -> tuple[Any, Any, Any]:
    """Return a picture with bars of half-transparent white, where they are, and a box around."""
    bars, box = np.zeros((2, *truth.shape[:2]), dtype=bool)
    bars[12:20, 6:30:6] = bars[12:20, 7:30:6] = True
    box[10:22, 4:32] = True
    return np.where(bars[..., None], 0.5 + 0.5 * truth, truth), bars, box


def watermark(**changes: Any) -> Recipe:
    recipe = replace(
        find_recipe("decompose", "watermark"), network=Layered(layer=SMALL, mask=SMALL)
    )
    settings = {name: changes.pop(name) for name in ("alone", "binary") if name in changes}
    assert isinstance(recipe.objective, Decompose)
    return replace(recipe, objective=replace(recipe.objective, **settings), **changes)


def test_with_a_hint_the_picture_comes_out_from_behind_its_mark() -> None:
    y, x = np.mgrid[0:32, 0:36] / 36
    truth = np.stack([0.1 + 0.4 * y, 0.35 + 0.2 * np.sin(4 * x), 0.5 - 0.3 * x], axis=-1)
    shown, bars, box = marked(truth)
    recipe = watermark(alone=60, max_steps=110)
    picture, mark, mask = decompose(shown, box, recipe=recipe, device="cpu")

    def error(x: Any) -> float:
        return float(np.mean((x - truth)[bars] ** 2))

    assert error(picture) < 0.5 * error(shown)
    np.testing.assert_allclose(picture[~box], shown[~box], atol=1e-7)
    assert mask.shape == (32, 36, 1)
    assert (mask[~box] == 1).all()
    assert mask[bars].mean() < mask[box & ~bars].mean() - 0.2
    together = mask * picture + (1 - mask) * mark
    assert np.mean((together - shown)[box] ** 2) < 0.05 * np.var(shown[box])


def test_a_mask_of_pixels_is_pushed_to_the_ends(scene: Scene) -> None:
    shown, _, box = marked(scene(32, 36))

    def between(binary: float) -> float:
        recipe = watermark(alone=0, binary=binary, max_steps=20)
        mask = decompose(shown, box, recipe=recipe, device="cpu")[2]
        return float(np.mean(mask * (1 - mask)))

    assert between(0.1) < 0.5 * between(0.0)


def test_hints_that_say_nothing_are_refused(scene: Scene) -> None:
    picture = scene(16, 18)
    for hint, message in [
        (np.ones((16, 17)), "hint is 16x17, image is 16x18"),
        (np.zeros((16, 18)), "hint is of one colour"),
        (np.ones((16, 18), dtype=bool), "hint is of one colour"),
    ]:
        with pytest.raises(InputError, match=message):
            decompose(picture, hint, recipe="watermark")
    with pytest.raises(InputError, match="--recipe watermark"):
        decompose(picture, np.eye(16, 18), device="cpu")
    with pytest.raises(InputError, match="pass --hint FILE"):
        decompose(picture, recipe="watermark", device="cpu")
    with pytest.raises(InputError, match="constant, pixels"):
        Decompose(mask="some")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("task", "name"),
    [("decompose", "paper"), ("decompose", "paper-watermark"), ("dehaze", "paper")],
)
def test_a_step_with_the_published_settings(task: str, name: str, scene: Scene) -> None:
    recipe = with_settings(find_recipe(task, name), {"max_steps": "1"})
    hint = np.eye(32, 36) if name == "paper-watermark" else None
    result = restore(
        scene(32, 36), recipe=recipe, given=Given(guide=hint), execution=Execution(device="cpu")
    )
    assert result.recoveries == 0
    assert result.image is not None
    assert np.isfinite(result.image).all()
    for extra in result.extras.values():
        assert torch.isfinite(extra).all()


@pytest.mark.parametrize("task", ["decompose", "dehaze"])
def test_a_resumed_fit_ends_in_the_same_layers(task: str, scene: Scene) -> None:
    observed = torch.from_numpy(scene(17, 20)).permute(2, 0, 1)[None].float()
    check_resuming(Problem(observed=observed), tiny(task, max_steps=20))


@pytest.mark.parametrize("alone", [5, 15])
def test_a_resumed_fit_knows_whether_the_picture_is_alone(alone: int, scene: Scene) -> None:
    shown, _, box = marked(scene(32, 36))
    observed = torch.from_numpy(shown).permute(2, 0, 1)[None].float()
    problem = Problem(observed=observed, guide=torch.from_numpy(box)[None, None].float())
    check_resuming(problem, watermark(alone=alone, max_steps=20))


def check_resuming(problem: Problem, recipe: Recipe) -> None:
    class Keep(Callback):
        def on_check(self, check: Check) -> None:
            if check.step == 10:
                self.state = check.state()

    keep = Keep()
    whole = solve(problem, recipe, execution=Execution(callbacks=[keep]))
    again = solve(problem, recipe, execution=Execution(state=keep.state))
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


def test_the_command_takes_a_mark_off_where_the_hint_is_white(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from untrained.cli import main

    shown, _, box = marked(scene(32, 36))
    pixels = np.rint(255 * shown).astype(np.uint8)
    write_picture(tmp_path / "in.png", Picture.from_array(pixels))
    write_picture(tmp_path / "box.png", Picture.from_array(np.where(box, 255, 0).astype(np.uint8)))
    asked = ["decompose", str(tmp_path / "in.png"), "--hint", str(tmp_path / "box.png"),
             "--steps", "10", "--set", "alone=5", "--set", "layer.widths=8,8",
             "--set", "mask.widths=8,8", "--device", "cpu", "--json"]  # fmt: skip
    assert main(asked) == 2
    assert "--recipe watermark" in capsys.readouterr().err
    assert main([*asked, "--recipe", "watermark"]) == 0
    written = json.loads(capsys.readouterr().out)
    restored = read_picture(Path(written["output"])).pixels[0]
    assert (restored[~box] == pixels[~box]).all()
    assert (restored[box] != pixels[box]).any()
    mask = np.load(Path(written["run"]) / "mask.npy")
    assert mask.shape == (32, 36)
    assert (mask[~box] == 1).all()
    assert (mask[box] < 1).all()
