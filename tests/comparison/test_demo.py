"""Every task has an example that a user can look at and type again."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from untrained.baselines import BASELINES
from untrained.images import read_picture
from untrained.simulation import EXAMPLES
from untrained.simulation.scan_examples import SCAN_EXAMPLES
from untrained.tasks import TASKS

Run = Callable[..., subprocess.CompletedProcess[str]]
QUICK = ("--side", 32, "--steps", 2)


def test_every_task_has_an_example_with_one_of_its_classical_methods() -> None:
    assert EXAMPLES.keys() | SCAN_EXAMPLES.keys() == TASKS.keys()
    for task, example in EXAMPLES.items():
        assert (example.classical is None) == (task not in BASELINES)
        assert example.classical is None or example.classical in BASELINES[task]


@pytest.mark.parametrize("task", EXAMPLES)
def test_the_example_is_restored_by_the_command_that_is_printed(
    tmp_path: Path, untrained: Run, task: str
) -> None:
    done = untrained("demo", task, *QUICK)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / ("untrained-demo" if task == "denoise" else f"untrained-demo-{task}")
    clean, restored, damaged, sheet = (
        read_picture(folder / name).pixels
        for name in ("clean.png", "restored.png", EXAMPLES[task].damaged, "comparison.png")
    )
    assert clean.shape == restored.shape == (1, 32, 32, 3)
    assert damaged.shape != clean.shape or not np.array_equal(damaged, clean)
    assert sheet.shape[2] > (4 if EXAMPLES[task].classical else 3) * 32
    command = shlex.split(done.stdout.splitlines()[0].removeprefix("$ "))
    assert command[:2] == ["untrained", task]
    again = untrained(*command[1:])
    assert again.returncode == 0, again.stderr
    assert "finished before with the same settings" in again.stdout


@pytest.mark.parametrize("task", SCAN_EXAMPLES)
def test_a_made_up_scan_is_reconstructed_by_the_command_that_is_printed(
    tmp_path: Path, untrained: Run, task: str
) -> None:
    done = untrained("demo", task, "--side", 40, "--steps", 2)
    assert done.returncode == 0, done.stderr
    assert "PSNR to the truth" in done.stdout
    folder = tmp_path / f"untrained-demo-{task}"
    restored = folder / SCAN_EXAMPLES[task].restored
    image = np.load(restored) if restored.suffix == ".npy" else read_picture(restored).to_array()
    truth = np.load(folder / "truth.npy")
    assert image.shape == truth.shape
    assert image.shape[-2:] == (40, 40)
    assert read_picture(folder / "comparison.png").pixels.shape[2] > 3 * 40
    command = shlex.split(done.stdout.splitlines()[0].removeprefix("$ "))
    assert command[:2] == ["untrained", task]
    again = untrained(*command[1:])
    assert again.returncode == 0, again.stderr
    assert "finished before with the same settings" in again.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("paint",), "no example of 'paint'"),
        (("--truth", "clean.png"), "leave --truth out"),
        (("--side", 30), "side is 30"),
        (("--side", -5), "side is -5"),
        (("-o", "file/folder"), "cannot make this folder"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, untrained: Run, words: tuple[object, ...], says: str
) -> None:
    (tmp_path / "file").touch()
    done = untrained("demo", *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
