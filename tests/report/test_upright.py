"""A picture that is stored turned is shown upright, with all that is laid over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from untrained.images import (
    Picture,
    as_stored,
    read_picture,
    upright,
    with_orientation,
    write_picture,
)
from untrained.jobs import Job, run_job
from untrained.recipes import find_recipe, with_settings
from untrained.report import RunPictures

Scene = Callable[..., NDArray[np.float64]]


@pytest.mark.parametrize(("orientation", "suffix"), [(6, "jpg"), (3, "png"), (5, "tif")])
def test_everything_of_a_run_is_shown_as_it_is_seen(
    tmp_path: Path, scene: Scene, orientation: int, suffix: str
) -> None:
    seen = np.rint(255 * scene(24, 32)).astype(np.uint8)
    hole = np.full((24, 32, 1), 255, np.uint8)
    hole[3:9, 20:28] = 0
    stored = Picture.from_array(np.ascontiguousarray(as_stored(seen, orientation)))
    write_picture(tmp_path / f"a.{suffix}", with_orientation(stored, orientation))
    write_picture(tmp_path / "mask.png", Picture.from_array(hole))
    write_picture(tmp_path / "truth.png", Picture.from_array(seen))
    recipe = with_settings(find_recipe("inpaint", "paper"), {
        "max_steps": "4", "network.widths": "4,4", "network.widths_skip": "0,0",
    })  # fmt: skip
    outcome = run_job(Job(
        task="inpaint", source=tmp_path / f"a.{suffix}", target=tmp_path / f"b.{suffix}",
        recipe=recipe, files={"mask": tmp_path / "mask.png"}, truth=tmp_path / "truth.png",
        options={"mask_invert": False}, snapshots=(0, 4),
    ))  # fmt: skip
    assert outcome.folder is not None
    pictures = RunPictures(outcome.folder)
    shown = {
        "observed": pictures.observed, "estimate": pictures.estimate, "truth": pictures.truth,
        "missing": pictures.overlays["missing"].shown, "step 4": pictures.snapshots[4],
    }  # fmt: skip
    pixels = {}
    for name, one in shown.items():
        assert one is not None
        pixels[name] = one.pixels()
        assert (one.height, one.width) == (24, 32) == pixels[name].shape[:2], name
    np.testing.assert_array_equal(pixels["truth"], seen)
    np.testing.assert_array_equal(pixels["missing"], 255 - hole[..., 0])
    assert np.abs(pixels["observed"].astype(int) - seen).mean() < 4  # a JPEG is not the scene
    result = read_picture(outcome.folder / f"result.{suffix}").pixels[0]
    np.testing.assert_array_equal(pixels["estimate"], upright(result, orientation))
    np.testing.assert_array_equal(
        pixels["step 4"],
        upright(read_picture(next(outcome.folder.glob("snapshots/*4.png"))).pixels[0], orientation),
    )
    # without the source its result still tells
    (tmp_path / f"a.{suffix}").unlink()
    again = RunPictures(outcome.folder).estimate
    assert again is not None
    assert (again.height, again.width) == (24, 32)
