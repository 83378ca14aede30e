"""Small pictures of one size are done in groups, and each is what it is alone."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained.batches import Entry, LocalEngine, Piece, Settings, engines, run_batch
from untrained.batches.groups import do_group, grouped
from untrained.batches.ledger import Ledger
from untrained.images import Picture, read_picture, write_picture

SMALL = {
    "max_steps": "4", "refinement": "None", "acceleration.precision": "float32",
    "network": "Plain", "network.width": "8",
}  # fmt: skip


def pictures(folder: Path, *sides: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, side in enumerate(sides):
        noise = np.random.default_rng(i).normal(0, 20, (side, side, 1))
        shade = np.linspace(60, 190, side)[:, None, None]
        pixels = np.clip(shade + noise, 0, 255).astype(np.uint8)
        write_picture(folder / f"{i:03d}.png", Picture.from_array(pixels))
    return folder


def pieces(folder: Path, settings: Settings) -> list[Piece]:
    made = []
    for path in sorted(folder.glob("*.png")):
        target = str(Path(settings.output) / path.name)
        entry = Entry(source=str(path), target=target, task="denoise")
        runs = folder / "runs" / path.stem
        made.append(Piece(key=path.stem, entry=entry, settings=settings, runs=runs))
    return made


def test_groups_are_of_one_size_and_taken_when_they_must_be(tmp_path: Path) -> None:
    folder = pictures(tmp_path, 16, 16, 16, 24, 24, 300, 300, 16)
    taken: list[str] = []

    def feed() -> Iterator[Piece]:
        for piece in pieces(folder, Settings(output=str(tmp_path / "out"), task="denoise")):
            taken.append(piece.key)
            yield piece

    groups = grouped(feed(), 2, {"004"})
    assert [piece.key for piece in next(groups)] == ["000", "001"]
    assert taken == ["000", "001"]
    found = [[piece.key for piece in group] for group in groups]
    assert found == [["002"], ["003"], ["004"], ["005"], ["006"], ["007"]]


def here(work: Iterable[Any], do: Callable[..., Any], **others: Any) -> Iterator[tuple[Any, Any]]:
    """Do in this process what goes to others, and comes back."""
    for group in work:
        yield group, do(pickle.loads(pickle.dumps(group)))


def test_a_group_is_done_and_the_ledger_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "do_side_by_side", here)
    folder = pictures(tmp_path / "in", 32, 32, 32)
    (folder / "001.png").write_bytes((folder / "001.png").read_bytes()[:60])
    output = str(tmp_path / "out")
    settings = Settings(output=output, task="denoise", changes=SMALL, options={"sigma": 20})
    totals = run_batch([str(folder)], settings, LocalEngine(threads=1, together=3))
    assert totals.counts == {"done": 2, "refused": 1}
    with Ledger(tmp_path / "out" / "untrained-batch", output) as ledger:
        done = [line for line in ledger.lines() if line["status"] == "done"]
    assert [line.get("together") for line in done] == [2, 2]
    for piece in pieces(folder, replace(settings, output=str(tmp_path / "alone"))):
        (account,) = do_group((piece,))
        if piece.key == "001":
            assert account["status"] == "refused"
            continue
        assert "together" not in account
        alone, joint = (
            read_picture(tmp_path / name / f"{piece.key}.png").pixels.astype(int)
            for name in ("alone", "out")
        )
        assert np.abs(alone - joint).max() <= 1


def test_a_cancelled_group_is_interrupted(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 32, 32)
    settings = Settings(output=str(tmp_path / "out"), task="denoise", changes=SMALL)
    accounts = do_group(tuple(pieces(folder, settings)), cancelled=lambda: True)
    assert [account["status"] for account in accounts] == ["interrupted"] * 2


def test_a_group_that_loses_its_worker_is_done_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pictures(tmp_path / "in", 32, 32, 32)
    sizes: list[int] = []

    def killed(
        work: Iterable[Any], do: Callable[..., Any], **others: Any
    ) -> Iterator[tuple[Any, Any]]:
        for group in work:
            sizes.append(len(group))
            yield group, do(group) if len(group) == 1 else "its worker was killed"

    monkeypatch.setattr(engines, "do_side_by_side", killed)
    settings = Settings(output=str(tmp_path / "out"), task="denoise", changes=SMALL)
    totals = run_batch([str(folder)], settings, LocalEngine(together=3))
    assert totals.counts == {"done": 3}
    assert sizes == [3, 1, 1, 1]


def test_a_cluster_does_one_after_another(tmp_path: Path, untrained: Any) -> None:
    pictures(tmp_path / "in", 32)
    done = untrained("batch", "in", "-o", "out", "--cluster", "auto", "--together", 4)
    assert done.returncode == 2
    assert "--together" in done.stderr
