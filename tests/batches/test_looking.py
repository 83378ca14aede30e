"""What is said of a batch before, while and after it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained.batches import Ledger, Settings, look_at_batch, status_of, write_page
from untrained.batches.footprint import PROCESS
from untrained.errors import InputError
from untrained.images import Picture, write_picture
from untrained.memory import free_memory


def picture(path: Path, side: int = 32) -> Path:
    noise = np.random.default_rng(side).normal(0, 20, (side, side, 1))
    shade = np.linspace(60, 190, side)[:, None, None]
    write_picture(path, Picture.from_array(np.clip(shade + noise, 0, 255).astype(np.uint8)))
    return path


def ledger_of(output: Path) -> None:
    with Ledger(output / "untrained-batch") as ledger:
        ledger.write("batch", {"status": "counted", "total": 30, "dashboard": "http://head:8265"})
        for i in range(24):
            ledger.write(f"k{i}", {
                "status": "done", "source": str(output / f"{i}.png"), "seconds": 2.0,
                "target": str(output / f"out{i}.png"), "gain": float(i), "cpu_seconds": 1.0,
                "threads": 3,
            })  # fmt: skip
        for i in range(2):
            source = str(output / f"bad{i}.png")
            ledger.write(f"b{i}", {
                "status": "refused", "source": source, "target": "", "reason": f"{source}: torn",
            })  # fmt: skip


def test_the_status_counts_and_groups_reasons(tmp_path: Path, untrained: Any) -> None:
    ledger_of(tmp_path / "out")
    found = status_of(str(tmp_path / "out"))
    assert found.counts == {"done": 24, "refused": 2}
    assert found.left == 4
    assert found.reasons == {"torn": 2}
    assert found.seconds == 48
    said = json.loads(untrained("batch", "status", "out", "--json").stdout)
    assert (said["total"], said["left"], said["cpu_seconds"]) == (30, 4, 24)
    assert "2 set aside: torn" in untrained("batch", "status", "out").stdout
    with pytest.raises(InputError, match="no batch has begun"):
        status_of(str(tmp_path / "other"))


def test_the_status_tells_what_it_costs(tmp_path: Path, untrained: Any) -> None:
    """24 entries of 2 s and 3 threads are done, 4 are left."""
    ledger_of(tmp_path / "out")
    found = status_of(str(tmp_path / "out"), price=75)
    assert (found.cost, found.cost_left) == (1.0, 4 / 24)
    said = json.loads(untrained("batch", "status", "out", "--core-price", 25, "--json").stdout)
    assert (said["cost"], said["core_seconds"], said["dashboard"]) == (1.0, 144, "http://head:8265")
    assert status_of(str(tmp_path / "out")).cost_left is None
    told = untrained("batch", "status", "out", "--price", 75).stdout
    assert "1.00 for what is done; 0.17 for what is left" in told
    assert "http://head:8265" in told
    both = untrained("batch", "status", "out", "--price", 1, "--core-price", 1)
    assert (both.returncode, both.stderr.count("\n")) == (2, 1)
    with pytest.raises(InputError, match="price is -1"):
        status_of(str(tmp_path / "out"), price=-1)


def test_the_report_shows_the_worst_twenty(tmp_path: Path, untrained: Any) -> None:
    out = tmp_path / "out"
    ledger_of(out)
    picture(out / "0.png")
    picture(out / "out0.png")
    untrained("batch", "report", "out", "--page", "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count("<figure>") == 20
    assert f"{out}/0.png: 0.00 dB" in text
    assert f"{out}/20.png" not in text
    assert text.count("data:image/png") == 2
    assert "median 11.50" in text
    with pytest.raises(InputError, match="wanted a report"):
        write_page(str(out), tmp_path / "page.txt")


def test_a_dry_run_counts_plans_and_fits_nothing(tmp_path: Path, untrained: Any) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(3):
        picture(folder / f"{i}.png", 64)
    picture(folder / "large.png", 96)
    (folder / "bad.png").write_bytes(b"no picture")
    shared = Settings(
        output=str(tmp_path / "out"), task="denoise", options={"sigma": 20},
        changes={"max_steps": "40"},
    )  # fmt: skip
    found = look_at_batch([str(folder)], shared, threads=1)
    assert (found.pictures, found.refused_count) == (4, 1)
    assert found.pixels == 3 * 64**2 + 96**2
    assert found.memory_bytes > PROCESS + 96**2 * 4
    room = found.workers_by_memory  # what is free moves with other programs
    assert room is not None
    assert room < 2 * (free_memory() or 0) / PROCESS + 2
    assert found.seconds is not None
    assert found.between[0] < found.seconds < found.between[1]
    assert found.planned == 4
    assert not (tmp_path / "out").exists()
    words = ("batch", "in", "-o", "out", "--dry-run", "--json", "--steps", 20, "--threads", 1)
    result = untrained(*words)
    assert json.loads(result.stdout)["pictures"] == 4
    assert result.returncode == 2
