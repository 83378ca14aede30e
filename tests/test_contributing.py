"""The worked examples of CONTRIBUTING.md: they run, and together they make a working task."""

from __future__ import annotations

import dataclasses
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from cyclopts import App
from torch import Generator, Tensor, nn

from untrained import InputError, StopReason, find_recipe, psnr
from untrained.fitting import Check, Muon
from untrained.images import Picture, read_picture, write_picture
from untrained.networks import Skip
from untrained.objectives import Problem
from untrained.recipes import RECIPES, Recipe
from untrained.recipes.settings import CHOICES
from untrained.restoring import Execution, solve
from untrained.tasks import TASKS

GUIDE = Path(__file__).parent.parent / "CONTRIBUTING.md"

# What the files that the examples would stand in import; the guide leaves the imports out.
MODULES = (
    "networks.layers", "operators", "fitting", "objectives", "networks", "recipes",
    "tasks.base", "tasks.calling", "cli.options", "cli.restoring",
)  # fmt: skip


def sections() -> Iterator[tuple[str, str]]:
    """Yield (heading, code) of every Python block."""
    for part in re.split(r"^## ", GUIDE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        heading = part.split("\n", 1)[0]
        for code in re.findall(r"^```python\n(.*?)^```", part, flags=re.M | re.S):
            yield heading, code


@pytest.fixture(scope="module")
def guide() -> Iterator[dict[str, Any]]:
    """Yield what the blocks define, each run in the names that the ones before have left."""
    home = ModuleType("contributing")  # dataclasses look their module up
    sys.modules[home.__name__] = home
    names = vars(home)
    names |= {
        "dataclass": dataclass, "field": field, "replace": replace, "Any": Any, "Path": Path,
        "torch": torch, "nn": nn, "Tensor": Tensor, "Generator": Generator,
        "InputError": InputError, "StopReason": StopReason, "Problem": Problem,
        "paper": find_recipe("denoise", "paper"),
    }  # fmt: skip
    for name in MODULES:
        module = importlib.import_module(f"untrained.{name}")
        names |= {k: v for k, v in vars(module).items() if not k.startswith("__")}
    for heading, code in sections():
        exec(compile(code, f"CONTRIBUTING.md: {heading}", "exec"), names)
    yield names
    del sys.modules[home.__name__]


def quick(guide: dict[str, Any], **changes: Any) -> Recipe:
    recipe = replace(
        find_recipe("denoise", "paper"), max_steps=30, network=guide["Linear"](), average=None
    )
    return replace(recipe, **changes)


@pytest.fixture
def problem(scene: Callable[..., Any]) -> Problem:
    return Problem(observed=torch.from_numpy(scene(24, 30)).permute(2, 0, 1)[None].float())


def test_every_kind_of_part_has_an_example() -> None:
    kinds = [heading.split(":")[0].lower() for heading, _ in sections()]
    for kind in ("network", "operator", "stopper", "objective", "recipe", "task"):
        assert any(kind in heading for heading in kinds), f"no example of a {kind}"


def test_the_parts_work_in_a_fit(guide: dict[str, Any], problem: Problem) -> None:
    shade = guide["Shade"](torch.linspace(0.5, 1, 30).expand(1, 1, 24, 30))
    shaded = replace(problem, observed=shade(problem.observed), operator=shade)
    parts = quick(guide, objective=guide["Plain"]())
    result = solve(shaded, parts)
    assert result.estimate.shape == problem.observed.shape
    assert result.stop_step == 30
    assert result.history.loss[-1] < result.history.loss[0]
    stopped = solve(shaded, replace(parts, stopper=guide["LossBelow"](value=1e9)))
    assert stopped.stop_step == parts.check_every
    assert stopped.reason is guide["LOSS_BELOW"]
    assert "fell below" in stopped.reason.advice


def test_the_objective_resumes_exactly(guide: dict[str, Any], problem: Problem) -> None:
    from untrained.fitting import Callback

    class Keep(Callback):
        def on_check(self, check: Check) -> None:
            if check.step == 10:
                self.state = check.state()

    keep = Keep()
    recipe = quick(guide, objective=guide["Plain"]())
    whole = solve(problem, recipe, execution=Execution(callbacks=[keep]))
    again = solve(problem, recipe, execution=Execution(state=keep.state))
    assert torch.equal(whole.estimate, again.estimate)


def test_the_recipe_is_one(guide: dict[str, Any]) -> None:
    *_, recipe = guide["RECIPES"]
    assert isinstance(recipe, Recipe)
    assert dataclasses.asdict(recipe) != dataclasses.asdict(guide["paper"])
    assert type(recipe.optimizer) in CHOICES[guide["OptimizerSettings"]]


def test_the_task_works_from_the_command_line(
    guide: dict[str, Any], scene: Callable[..., Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    truth = scene(32, 40)
    flat = np.linspace(0.4, 1, 40)[None, :, None] * np.ones((32, 40, 1))
    for name, values in (("in", truth * flat), ("flat", flat), ("truth", truth)):
        pixels = np.rint(255 * values).astype(np.uint8)
        write_picture(tmp_path / f"{name}.png", Picture.from_array(pixels))
    small = replace(
        find_recipe("denoise", "paper"), name="fast", task="flatten", average=None,
        network=Skip(widths=(8, 8), kernel_refine=0), optimizer=Muon(lr=0.02), max_steps=60,
    )  # fmt: skip
    monkeypatch.setitem(TASKS, "flatten", guide["Flatten"]())
    monkeypatch.setitem(RECIPES, "flatten", {"fast": small})
    app = App()
    app.command(guide["flatten"])

    def run(*arguments: object) -> int:
        tokens = ["flatten", str(tmp_path / "in.png"), *map(str, arguments), "--quiet"]
        return app(tokens, exit_on_error=False, result_action="return_value")  # type: ignore[no-any-return]

    with pytest.raises(InputError, match="--flat"):
        run()
    with pytest.raises(InputError, match="sigma is -1"):
        run("--sigma=-1", "--flat", tmp_path / "flat.png")
    out = tmp_path / "out.png"
    assert run("--flat", tmp_path / "flat.png", "-o", out, "--device", "cpu") == 0
    pictures = [read_picture(tmp_path / f"{n}.png").pixels[0] / 255.0 for n in ("in", "out")]
    shaded, restored = (torch.from_numpy(p).permute(2, 0, 1)[None] for p in pictures)
    clean = torch.from_numpy(truth).permute(2, 0, 1)[None]
    assert float(psnr(restored, clean)) > float(psnr(shaded, clean)) + 6
