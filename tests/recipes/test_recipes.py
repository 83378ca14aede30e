"""Recipes are data: published settings, JSON and back, changed by name."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from untrained.errors import InputError
from untrained.fitting import Adam, Cosine, Halving, HeldOut, RmsProp, WindowedVariance
from untrained.networks import Layered, Meshgrid, Noise, Skip
from untrained.objectives import DataFit, Decompose, Dehaze
from untrained.recipes import RECIPES, Recipe, decode, encode, find_recipe, with_settings

# (task, name): (lr, steps, jitter, channels of z), from the first table of published settings
PUBLISHED = {
    ("denoise", "paper"): (0.01, 1800, 1 / 30, 32),
    ("denoise", "paper-code"): (0.01, 3000, 1 / 30, 32),
    ("denoise", "paper-sigma50"): (0.01, 1800, 1 / 20, 32),
    ("denoise", "paper-jpeg"): (0.01, 2400, 1 / 30, 3),
    ("inpaint", "paper"): (0.001, 11000, 0.03, 32),
    ("inpaint", "paper-text"): (0.01, 6000, 0.03, 32),
    ("inpaint", "paper-vase"): (0.01, 5000, 0.03, 2),
    ("inpaint", "paper-library"): (0.01, 3000, 0.0, 1),
    ("inpaint", "paper-library-unet"): (0.001, 3000, 0.0, 1),
    ("inpaint", "paper-library-resnet"): (0.001, 3000, 0.0, 1),
    ("inpaint", "paper-98"): (0.01, 1000, 0.0, 32),
    ("inpaint", "tudelft"): (0.01, 2000, 0.03, 32),
    ("upscale", "paper"): (0.01, 2000, 0.03, 32),
    ("upscale", "paper-x8"): (0.01, 4000, 0.05, 32),
}


@pytest.mark.parametrize("key", PUBLISHED, ids="/".join)
def test_published_settings(key: tuple[str, str]) -> None:
    recipe = find_recipe(*key)
    assert isinstance(recipe.objective, DataFit)
    assert isinstance(recipe.optimizer, Adam)
    found = (
        recipe.optimizer.lr,
        recipe.max_steps,
        recipe.objective.jitter,
        recipe.objective.z.channels,
    )
    assert found == PUBLISHED[key]


def test_published_networks() -> None:
    def skip(task: str, name: str) -> Skip:
        network = find_recipe(task, name).network
        assert isinstance(network, Skip)
        return network

    paper = skip("denoise", "paper")
    assert paper.widths == (128,) * 5
    assert paper.skips == (4,) * 5
    assert (paper.up, paper.down, paper.padding, paper.slope) == (
        "bilinear", "stride", "reflect", 0.2,
    )  # fmt: skip
    assert skip("denoise", "paper-jpeg").skips == (0, 0, 0, 4, 4)
    text = skip("inpaint", "paper-text")
    assert (text.skips, text.up) == ((128,) * 5, "nearest")
    library = skip("inpaint", "paper-library")
    assert library.widths == (16, 32, 64, 128, 128, 128)
    assert (library.kernel_down, library.kernel_refine, library.up) == (5, 0, "nearest")
    assert skip("inpaint", "paper-98").down == "average"
    vase = find_recipe("inpaint", "paper-vase").objective
    assert isinstance(vase, DataFit)
    assert isinstance(vase.z, Meshgrid)


@pytest.mark.parametrize("task", RECIPES)
def test_every_task_has_published_settings_beside_ours(task: str) -> None:
    paper = find_recipe(task, "paper")
    assert "fast" in RECIPES[task]
    assert paper.max_steps >= 600
    assert isinstance(paper.optimizer, (Adam, RmsProp))


@pytest.mark.parametrize("task", ["demosaic", "deinterlace"])
def test_what_nobody_published_has_the_settings_of_inpainting(task: str) -> None:
    paper, published = find_recipe(task, "paper"), find_recipe("inpaint", "paper")
    assert replace(paper, name="paper", task="inpaint", source=published.source) == published
    assert "nobody published" in paper.source
    assert "not run in full" in paper.source


# (task, name): (lr, steps, jitter, channels of z, scale of z, widths of a layer, its kernels)
DOUBLE_DIP = {
    ("decompose", "paper"): (0.0005, 8000, 0.001, 3, 0.01, (8, 16, 32, 64, 128), 5),
    ("decompose", "paper-watermark"): (0.001, 11000, 0.005, 2, 0.01, (8, 16, 32, 64, 128), 5),
    ("dehaze", "paper"): (0.001, 4000, 1 / 30, 8, 0.1, (8, 16, 32, 64, 128), 3),
}


@pytest.mark.parametrize("key", DOUBLE_DIP, ids="/".join)
def test_the_settings_of_double_dip(key: tuple[str, str]) -> None:
    recipe = find_recipe(*key)
    objective, network, optimizer = recipe.objective, recipe.network, recipe.optimizer
    assert isinstance(objective, (Decompose, Dehaze))
    assert isinstance(network, Layered)
    assert isinstance(network.layer, Skip)
    assert isinstance(optimizer, Adam)
    assert DOUBLE_DIP[key] == (
        optimizer.lr, recipe.max_steps, objective.jitter, objective.z.channels, objective.z.scale,
        network.layer.widths, network.layer.kernel_down,
    )  # fmt: skip
    assert network.layer.skips == (0, 0, 0, 4, 4)
    assert "Not run in full" in recipe.source


def all_recipes() -> list[Recipe]:
    return [recipe for known in RECIPES.values() for recipe in known.values()]


@pytest.mark.parametrize("recipe", all_recipes(), ids=lambda r: f"{r.task}/{r.name}")
def test_every_recipe_survives_json_and_says_where_it_is_from(recipe: Recipe) -> None:
    assert decode(json.loads(json.dumps(encode(recipe)))) == recipe
    assert len(recipe.source) > 20
    assert "TODO" not in recipe.source


def test_changes_by_full_and_short_name() -> None:
    recipe = with_settings(
        find_recipe("denoise", "paper"),
        {
            "lr": "1/200",
            "network.widths": "16, 32",
            "widths_skip": "0",
            "network.up": "nearest",
            "norm_concat": "no",
            "average": "none",
            "stopper.patience": "50",
            "stopper": "WindowedVariance",
            "total_variation": "TotalVariation",
            "z": "Meshgrid",
            "step_size": "Cosine",
        },
    )
    assert recipe.optimizer == Adam(lr=0.005, step_size=Cosine())
    assert recipe.network == Skip(widths=(16, 32), widths_skip=0, up="nearest", norm_concat=False)
    assert recipe.average is None
    assert recipe.stopper == WindowedVariance(patience=50)
    assert isinstance(recipe.objective, DataFit)
    assert recipe.objective.total_variation is not None
    assert recipe.objective.z == Meshgrid()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("lrr", "1", "did you mean 'lr'"),
        ("network.width", "1", "did you mean 'network.widths'"),
        ("lr", "fast", "wanted a number"),
        ("lr", "-1", "wanted a number above 0"),
        ("lr", "1/0", "setting lr"),
        ("max_steps", "1.5", "wanted a whole number"),
        ("max_steps", "0", "wanted 1 or more"),
        ("up", "cubic", "one of nearest, bilinear"),
        ("stopper", "Never", "one of FixedSteps"),
        ("norm_concat", "maybe", "true or false"),
        ("name", "mine", "no setting 'name'"),
    ],
)
def test_bad_changes_are_named(name: str, value: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        with_settings(find_recipe("denoise", "paper"), {name: value})


def test_unknown_recipes_are_answered_with_the_closest() -> None:
    with pytest.raises(InputError, match="did you mean 'paper-code'"):
        find_recipe("denoise", "papercode")
    with pytest.raises(InputError, match="no task 'sharpen'"):
        find_recipe("sharpen", "fast")


def test_step_sizes() -> None:
    assert Cosine(hold=0.5, final=0.1).factor(40, 100) == 1
    assert Cosine(hold=0.5, final=0.1).factor(75, 100) == pytest.approx(0.55)
    assert Cosine(final=0.1).factor(100, 100) == pytest.approx(0.1)
    assert [Halving(every=10).factor(s, 100) for s in (0, 9, 10, 25)] == [1, 1, 0.5, 0.25]


def test_settings_are_frozen_and_checked() -> None:
    with pytest.raises(AttributeError):
        find_recipe("denoise", "paper").max_steps = 5  # type: ignore[misc]
    with pytest.raises(InputError, match="fraction"):
        HeldOut(fraction=1.0)
    with pytest.raises(InputError, match="jitter"):
        DataFit(z=Noise(), jitter=-1)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("max_steps", 5, "5"),
        ("lr", 0.005, "0.005"),
        ("lr", 1, "1"),
        ("network.widths", (8, 8), "8,8"),
        ("network.widths", [8, 8], "8,8"),
        ("exact_known", True, "true"),
        ("average", None, "none"),
        ("stopper", HeldOut(), "HeldOut"),
        ("max_steps", np.int64(7), "7"),
    ],
)
def test_values_do_what_their_text_does(name: str, value: object, text: str) -> None:
    paper = find_recipe("denoise", "paper")
    assert with_settings(paper, {name: value}) == with_settings("denoise/paper", {name: text})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("max_steps", 2.5, "max_steps is 2.5; wanted a whole number"),
        ("max_steps", True, "wanted a whole number"),
        ("lr", (1, 2), "wanted a number"),
        ("exact_known", 1, "wanted true or false"),
        ("stopper", 3, "wanted one of FixedSteps"),
        ("network.widths", (1.5,), "wanted a whole number or whole numbers|wanted whole numbers"),
        ("learning_rate", 0.1, "did you mean 'lr'"),
        ("num_iter", 10, "did you mean 'max_steps'"),
        ("reg_noise_std", 0.1, "did you mean 'jitter'"),
        ("input_depth", 3, "did you mean 'z.channels'"),
    ],
)
def test_wrong_values_and_names_are_one_line(name: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        with_settings("denoise/paper", {name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("task", RECIPES)
def test_every_recipe_has_a_title_with_its_year(task: str) -> None:
    for recipe in RECIPES[task].values():
        assert re.search(r"20\d\d\)$", recipe.title), recipe.name
    titles = [recipe.title for recipe in RECIPES[task].values()]
    assert len(set(titles)) == len(titles)
