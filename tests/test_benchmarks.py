"""The benchmarks run, and what they write holds together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def run(*arguments: object) -> str:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=BENCHMARKS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_quality_writes_a_table_and_does_not_measure_twice(tmp_path: Path) -> None:
    arguments = ("quality.py", "denoise", "astronaut", "--crop", 48, "--peers", "NLM,TV",
                 "--noise", "poisson:30", "-o", tmp_path)  # fmt: skip
    table = run(*arguments)
    assert "| mean of 1" in table
    row = json.loads((tmp_path / "quality.json").read_text())["rows"]["astronaut"]
    assert row["fast"]["psnr"] == pytest.approx(row["fast"]["peak"] - row["fast"]["gap"], abs=0.02)
    assert row["fast"]["psnr"] > row["input"] + 2
    assert (tmp_path / "astronaut-fast.png").exists()
    (tmp_path / "astronaut-fast.png").unlink()
    run(*arguments)
    assert not (tmp_path / "astronaut-fast.png").exists(), "measured again"


def test_the_engine_is_compared_with_its_twin() -> None:
    table = run("engine.py", "agreement", "--side", 64, "--fit-steps", 20, "--recipes", "fast")
    difference = float(table.splitlines()[-1].split("|")[4])
    assert abs(difference) < 0.5
