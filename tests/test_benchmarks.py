"""The benchmarks run, and what they write holds together."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import untrained
from untrained.recipes import Recipe

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
RECIPES = untrained.find_recipe


def small(task: str, name: str) -> Recipe:
    """Return a recipe with a network and steps that are quick."""
    recipe = RECIPES(task, name)
    return untrained.with_settings(recipe, {"network.widths": "16,16", "max_steps": "100"})


def run(*arguments: object, find_recipe: Callable[[str, str], Recipe] = RECIPES) -> str:
    """Run a script as its command does; here, since a new process takes seconds to start."""
    words = [str(argument) for argument in arguments]
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(BENCHMARKS):
        patch.setattr(sys, "argv", words)
        patch.setattr(untrained, "find_recipe", find_recipe)
        patch.syspath_prepend(BENCHMARKS)
        with contextlib.redirect_stdout(output):
            runpy.run_path(words[0], run_name="__main__")
    sys.modules.pop("common", None)  # it has kept which recipes it found
    return output.getvalue()


def test_quality_writes_a_table_and_does_not_measure_twice(tmp_path: Path) -> None:
    arguments = ("quality.py", "denoise", "astronaut", "--crop", 48, "--peers", "NLM,TV",
                 "--noise", "poisson:30", "-o", tmp_path)  # fmt: skip
    table = run(*arguments, find_recipe=small)
    assert "| mean of 1" in table
    row = json.loads((tmp_path / "quality.json").read_text())["rows"]["astronaut"]
    assert row["fast"]["psnr"] == pytest.approx(row["fast"]["peak"] - row["fast"]["gap"], abs=0.02)
    assert row["fast"]["psnr"] > row["input"] + 2
    assert (tmp_path / "astronaut-fast.png").exists()
    (tmp_path / "astronaut-fast.png").unlink()
    run(*arguments, find_recipe=small)
    assert not (tmp_path / "astronaut-fast.png").exists(), "measured again"


def test_quality_judges_a_folder_of_pairs_with_fixed_peers(tmp_path: Path) -> None:
    from untrained.images import Picture, write_picture

    ramp = np.linspace(40, 200, 48)[None, :, None] * np.ones((40, 1, 3))
    noise = np.random.default_rng(0).normal(0, 15, ramp.shape)
    for folder, image in (("clean", ramp), ("noisy", ramp + noise)):
        pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        (tmp_path / folder).mkdir()
        write_picture(tmp_path / folder / "a.png", Picture.from_array(pixels))
    peers = ("--peers", "NLM=0.1,blur=1.5")
    run("quality.py", "pairs", tmp_path, *peers, "-o", tmp_path / "out", find_recipe=small)
    row = json.loads((tmp_path / "out" / "quality.json").read_text())["rows"]
    (found,) = row.values()
    assert found["peers"]["blur=1.5"] > found["input"] + 5
    assert found["peers"]["NLM=0.1"] > found["input"] + 5
    assert found["fast"]["psnr"] > found["input"] + 5


def test_the_engine_is_compared_with_its_twin() -> None:
    table = run("engine.py", "agreement", "--side", 64, "--fit-steps", 20, "--recipes", "fast")
    difference = float(table.splitlines()[-1].split("|")[4])
    assert abs(difference) < 0.5


def test_sensing_measures_peers_and_ours_and_says_where_the_stop_was(tmp_path: Path) -> None:
    from untrained.images import Picture, write_picture

    pixels = np.full((32, 32), 60, np.uint8)
    pixels[8:24, 10:20] = 200
    write_picture(tmp_path / "a.png", Picture.from_array(pixels))
    table = run("sensing.py", tmp_path / "a.png", "--rates", 0.4, "--methods", "TV,fast",
                "--steps", 60, "--out", tmp_path / "found.json")  # fmt: skip
    assert "| 40% | fast |" in table
    peer, fast = json.loads((tmp_path / "found.json").read_text())["record"]
    assert peer["psnr"] > 30
    assert fast["psnr"] > 15
    assert 15 < fast["peak"] < 60
    assert 0 < fast["step"] <= fast["steps"] <= 60
