"""`untrained degrade`: test cases for `dejpeg`, and of files of any range."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from untrained.images import Picture, read_picture, write_picture
from untrained.tasks.dejpeg import read_tables

Run = Callable[..., subprocess.CompletedProcess[str]]
Scene = Callable[..., NDArray[np.float64]]

QUICK = ("--set", "widths=8,8", "--steps", "20")


@pytest.mark.parametrize("shades", [1, 3])
def test_a_degraded_jpeg_is_the_file_that_dejpeg_is_for(
    shades: int, scene: Scene, tmp_path: Path, untrained: Run
) -> None:
    clean = np.rint(255 * scene(33, 41, shades)).astype(np.uint8)
    write_picture(tmp_path / "clean.png", Picture.from_array(clean))
    assert untrained("degrade", "clean.png", "-o", "x.jpg", "--jpeg", 10).returncode == 0
    Image.fromarray(clean.squeeze()).save(tmp_path / "pillow.jpg", quality=10)
    assert read_tables(tmp_path / "x.jpg") == read_tables(tmp_path / "pillow.jpg")
    assert untrained("degrade", "clean.png", "-o", "x.png", "--jpeg", 10).returncode == 0
    np.testing.assert_array_equal(
        read_picture(tmp_path / "x.jpg").pixels, read_picture(tmp_path / "x.png").pixels
    )
    done = untrained("dejpeg", "x.jpg", "-o", "better.png", *QUICK)
    assert done.returncode == 0, done.stderr
    # what is damaged after the compression is not of its tables
    assert untrained("degrade", "clean.png", "-o", "holes.jpg", "--jpeg", 10,
                     "--missing", 0.5).returncode == 0  # fmt: skip
    assert read_tables(tmp_path / "holes.jpg") != read_tables(tmp_path / "x.jpg")


@pytest.mark.parametrize(
    ("values", "black", "white"),
    [
        (np.linspace(-2, 6, 4096, dtype=np.float32), -2, 6),
        (np.linspace(100, 1000, 4096, dtype=np.float64), 0, 1000),
        (np.arange(4096, dtype=np.int64) * 10, 0, 40950),
        (np.linspace(0, 0.1, 4096, dtype=np.float32), 0, 1),
        (np.arange(4096, dtype=np.uint16), 0, 65535),
        (np.linspace(0, 2**64 - 2048, 4096).astype(np.uint64), 0, 2.0**64),
    ],
)
def test_degrade_keeps_the_range_of_the_file(
    values: NDArray[Any], black: float, white: float, tmp_path: Path, untrained: Run
) -> None:
    clean = values.reshape(64, 64)
    np.save(tmp_path / "clean.npy", clean)
    done = untrained("degrade", "clean.npy", "-o", "bad.npy", "--noise", 2.55)
    assert done.returncode == 0, done.stderr
    bad = np.load(tmp_path / "bad.npy")
    assert bad.dtype == clean.dtype
    assert black <= bad.min() <= bad.max() <= white
    sigma = 0.01 * (white - black)
    middle = (clean > black + 5 * sigma) & (clean < white - 5 * sigma)
    noise = (bad.astype(float) - clean.astype(float))[middle]
    assert noise.std() == pytest.approx(sigma, rel=0.1)
    natural = (black, white) in ((0, 1), (0, 65535), (0, 2.0**64))
    assert ("the noise has σ" in done.stdout) == (not natural)
    assert untrained("degrade", "clean.npy", "-o", "holes.npy", "--missing", 0.5).returncode == 0
    kept = read_picture(tmp_path / "holes-mask.png").pixels[0, :, :, 0] > 0
    np.testing.assert_allclose(np.load(tmp_path / "holes.npy")[kept], clean[kept], rtol=1e-15)
