"""What a worker needs of memory is told by a picture's header, and bounds the workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from untrained.batches import Entry, LocalEngine, Piece, Settings, engines
from untrained.batches.footprint import PROCESS, footprint_of
from untrained.errors import InputError
from untrained.objectives import Problem
from untrained.restoring import predict_memory


def entry(folder: Path, side: int, channels: int = 1, **others: Any) -> Entry:
    path = folder / f"{side}-{channels}.png"
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, channels), dtype=np.uint8)
    Image.fromarray(pixels.squeeze()).save(path)
    return Entry(source=str(path), target="x.png", **{"task": "denoise", **others})


def test_it_grows_with_what_is_fitted_as_the_planner_says(tmp_path: Path) -> None:
    shared = Settings(output=str(tmp_path), task="denoise", options={"sigma": 20.0})
    small, large = entry(tmp_path, 64), entry(tmp_path, 256)
    fit = predict_memory(shared.recipe_of("denoise"), Problem(observed=torch.zeros(1, 1, 256, 256)))
    needed = footprint_of(large, shared, gpu=False)
    assert needed == PROCESS + 44 * 256**2 + fit
    assert PROCESS < footprint_of(small, shared, gpu=False) < needed
    assert footprint_of(large, shared, gpu=True) == PROCESS + 44 * 256**2
    rgba = entry(tmp_path, 256, 4)
    rgb = entry(tmp_path, 256, 3)
    both = [footprint_of(x, shared, gpu=False) for x in (rgba, rgb)]
    assert both[0] - both[1] == 44 * 256**2  # transparency is read and not fitted
    wide = entry(tmp_path, 64, task="upscale", options={"factor": 4})
    assert footprint_of(wide, shared, gpu=False) > needed / 2


def test_what_no_header_tells_counts_the_process(tmp_path: Path) -> None:
    shared = Settings(output=str(tmp_path), task="denoise")
    (tmp_path / "scan.h5").write_bytes(b"-")
    for source in ("s3://box/a.png", str(tmp_path / "none.png"), str(tmp_path / "scan.h5")):
        found = Entry(source=source, target="x", task="denoise")
        assert footprint_of(found, shared) == PROCESS


def test_the_local_engine_gives_the_pool_weights_and_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def pool(pieces: Iterator[Piece], do: Any, **others: Any) -> Iterator[Any]:
        given.update(others)
        return iter(())

    monkeypatch.setattr(engines, "do_side_by_side", pool)
    monkeypatch.setattr(engines, "free_memory", lambda: 1234)
    shared = Settings(output=str(tmp_path), task="denoise")
    found = entry(tmp_path, 64)
    list(LocalEngine(workers=3).run(iter(())))
    assert (given["room"], given["workers"]) == (1234, 3)
    piece = Piece(key="k", entry=found, settings=shared, runs=tmp_path)
    assert given["weigh"]((piece,)) == footprint_of(found, shared)
    assert given["weigh"]((piece, piece)) == 2 * footprint_of(found, shared) - PROCESS
    list(LocalEngine(memory=99).run(iter(())))
    assert given["room"] == 99
    with pytest.raises(InputError, match="memory is 0"):
        LocalEngine(memory=0)
