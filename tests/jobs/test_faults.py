"""Errors at every call of a run's file layer, in turn; then the same command again: same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import FAULTS

from untrained.images import Picture, write_picture

Trial = tuple[list[str], str, int]

TINY = [
    "--steps", "6", "--set", "network.widths=8", "--set", "refinement=none", "--sigma", "20",
    "--set", "check_every=2", "--device", "cpu", "--checkpoint-every", "0",
]  # fmt: skip
PHOTO = ["denoise", "in.png", "-o", "out.png", "--snapshots", "0,4", *TINY]
STACK = ["denoise", "in.tif", "-o", "out.tif", *TINY]
WEAKER = ["denoise", "in.png", "-o", "out.png", "--strength", "0.5", *TINY]

ENDS = {
    "EIO": (0, 2), "ENOSPC": (0, 2), "MemoryError": (0, 1, 2), "KeyboardInterrupt": (130,),
    "SIGKILL": (-9,),
}  # fmt: skip


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """Return the process in which all trials are made."""
    with (
        (tmp_path_factory.mktemp("faults") / "errors").open("w+") as errors,
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("faults.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        ) as process,
    ):  # fmt: skip
        yield process
        process.communicate()
        errors.seek(0)
        said = errors.read()
        assert process.returncode == 0, said
        assert "Traceback" not in said


@pytest.fixture
def tried(
    process: subprocess.Popen[str], tmp_path: Path
) -> Callable[[list[Trial]], list[dict[str, Any]]]:
    """Return what makes trials: (command, fault, number of the call)."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    rng = np.random.default_rng(0)
    photo = rng.integers(60, 200, (20, 24, 3)).astype(np.uint8)
    write_picture(inputs / "in.png", Picture.from_array(photo))
    page = Picture.from_array(photo[..., 0])
    stack = np.stack([page.pixels[0], page.pixels[0][::-1]])
    write_picture(inputs / "in.tif", replace(page, pixels=stack))

    def run(trials: list[Trial]) -> list[dict[str, Any]]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"folder": str(tmp_path), "trials": trials}) + "\n")
        process.stdin.flush()
        found = []
        while (line := process.stdout.readline()) not in ("\n", ""):
            found.append(json.loads(line))
        return found

    return run


def wrong(trial: dict[str, Any], whole: dict[str, Any]) -> list[str]:
    """Return what is wrong with a trial, beside the same without a fault."""
    found = []
    hurt, again, record = trial["hurt"], trial["again"], trial["record"]
    if hurt["code"] not in ENDS[trial["fault"]]:
        found.append(f"ended with {hurt['code']}: {hurt['err']}")
    if "internal error" in hurt["err"] and trial["fault"] != "MemoryError":
        found.append(hurt["err"])
    if "Traceback" in hurt["err"] + again["err"]:
        found.append("a traceback")
    if again["code"] != 0:
        found.append(f"refused afterwards: {again['err']}")
    if trial["output"] != whole["output"]:
        found.append("another image")
    if not trial["inputs kept"]:
        found.append("an input was changed")
    if record is None or record["status"] != "finished":
        found.append("no finished record")
    told = " ".join([hurt["out"], *(record or {}).get("notes", [])])
    files, wanted = (
        # a look that was not saved, and is told, is followed by one of another step
        {name for name in x["files"] if "snapshots" not in told or "snapshots" not in name}
        for x in (trial, whole)
    )
    lost = {name for name in wanted - files if "result" not in name or "folder" not in told}
    if lost or files - wanted:
        found.append(f"lost {lost}, left {files - wanted}")
    if trial["steps"] != whole["steps"]:
        found.append(f"a gap in the history: {trial['steps']}")
    return found


def check(tried: Callable[..., Any], words: list[str], *, every: int, first: int = 0) -> None:
    """Put a fault at every so many calls of a command, the kinds of faults in turn.

    With UNTRAINED_ALL_FAULTS in the environment, every kind at every call, which takes an hour.
    """
    (whole,) = tried([(words, "", -1)])
    calls = whole["hurt"]["calls"]
    assert whole["hurt"]["code"] == 0, whole["hurt"]["err"]
    if os.environ.get("UNTRAINED_ALL_FAULTS"):
        trials = [(words, fault, n) for n in range(len(calls)) for fault in FAULTS]
    else:
        numbers = range(first, len(calls), every)
        trials = [(words, FAULTS[i % len(FAULTS)], n) for i, n in enumerate(numbers)]
    results = tried(trials)
    assert len(results) == len(trials)
    faults = {
        f"{trial['fault']} at {trial['at']}, {calls[trial['at']]}": wrong(trial, whole)
        for trial in results
    }
    assert not {name: found for name, found in faults.items() if found}


def test_a_fault_now_and_then_costs_nothing(tried: Callable[..., Any]) -> None:
    check(tried, PHOTO, every=19, first=3)  # slow: at every call


def test_a_kill_around_the_output_costs_nothing(tried: Callable[..., Any]) -> None:
    """Between the output and the record a run once did not know its own picture."""
    (whole,) = tried([(WEAKER, "", -1)])
    assert whole["hurt"]["code"] == 0, whole["hurt"]["err"]
    calls = whole["hurt"]["calls"]
    at = next(n for n, call in enumerate(calls) if "link" in call and "out.png" in call)
    trials = [(WEAKER, fault, n) for n in (at, at + 2, at + 9) for fault in ("SIGKILL", "EIO")]
    results = tried(trials)
    assert len(results) == len(trials)
    for trial in results:
        assert not wrong(trial, whole), (trial["fault"], calls[trial["at"]])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("words", "every"), [(PHOTO, 1), (STACK, 2), (WEAKER, 3)], ids=["photo", "stack", "weaker"]
)
def test_a_fault_at_any_call_costs_nothing(
    tried: Callable[..., Any], words: list[str], every: int
) -> None:
    check(tried, words, every=every)
