"""The published inpainting networks, from the command line: text, large holes, missing pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from untrained.images import Picture, read_picture, write_picture
from untrained.recipes import RECIPES

PUBLISHED = [name for name in RECIPES["inpaint"] if name.startswith("paper")]


def missing(kind: str, height: int, width: int) -> Any:
    """Return the pixels that a picture lacks."""
    hidden = np.zeros((height, width), bool)
    if "98" in kind:
        return np.random.default_rng(0).random((height, width)) < 0.98
    if "vase" in kind or "library" in kind:
        hidden[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
        return hidden
    if "text" in kind:
        hidden[::6] = True
        return hidden
    return np.random.default_rng(0).random((height, width)) < 0.5


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_recipe_fills_what_is_missing(
    name: str, scene: Callable[..., Any], tmp_path: Path
) -> None:
    from untrained.cli import main

    hidden = missing(name, 33, 38)
    pixels = np.rint(255 * scene(33, 38)).astype(np.uint8)
    pixels[hidden] = 0
    mask = np.where(hidden, 0, 255).astype(np.uint8)
    for file, values in (("in", pixels), ("mask", mask)):
        write_picture(tmp_path / f"{file}.png", Picture.from_array(values))
    out = tmp_path / "out.png"
    arguments = [tmp_path / "in.png", "--mask", tmp_path / "mask.png", "--recipe", name, "-o", out,
                 "--steps", 2, "--device", "cpu", "--quiet"]  # fmt: skip
    assert main(["inpaint", *map(str, arguments)]) == 0
    filled = read_picture(out).pixels[0]
    assert filled.shape == pixels.shape
    assert (filled[hidden] > 0).mean() > 0.95  # the hole was black
