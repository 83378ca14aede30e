"""A blur kernel of any file or array is read, or refused in one line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from untrained.errors import InputError
from untrained.images import read_kernel

KERNEL = np.array([[0, 1, 2, 1, 0], [1, 3, 9, 3, 1], [0, 1, 2, 1, 0]])


def _palette(path: Path) -> None:
    picture = Image.fromarray((KERNEL > 2).astype(np.uint8) + (KERNEL > 0), "P")
    picture.putpalette([0, 0, 0, 80, 80, 80, 255, 255, 255])
    picture.save(path)


def test_kernels_of_many_files(tmp_path: Path) -> None:
    gray = (20 * KERNEL).astype(np.uint8)
    clear = np.dstack([np.full_like(gray, 255)] * 3 + [gray])
    Image.fromarray(gray).save(tmp_path / "a.png")
    Image.fromarray(np.dstack([gray] * 3)).save(tmp_path / "b.png")
    Image.fromarray(clear).save(tmp_path / "c.png")  # the weights are its alpha
    for i, dtype in enumerate((np.float64, np.float32, np.uint16, np.int32)):
        tifffile.imwrite(tmp_path / f"d{i}.tif", KERNEL.astype(dtype))
        np.save(tmp_path / f"e{i}.npy", KERNEL.astype(dtype)[..., None])
    np.savetxt(tmp_path / "f.txt", KERNEL)
    np.savetxt(tmp_path / "g.csv", KERNEL, delimiter=",")
    np.savetxt(tmp_path / "h.csv", KERNEL, delimiter=";", fmt="%d")
    for path in sorted(tmp_path.iterdir()):
        read = read_kernel(path)
        np.testing.assert_allclose(read / read.sum(), KERNEL / KERNEL.sum(), err_msg=path.name)
    _palette(tmp_path / "p.png")
    found = read_kernel(tmp_path / "p.png")
    assert set(np.unique(found)) == {0, 80, 255}


@pytest.mark.parametrize(("values", "message"), [
    (np.where(KERNEL == 9, np.nan, KERNEL), "kernel has NaN values"),
    (np.where(KERNEL == 9, np.inf, KERNEL), "kernel has infinite values"),
    (np.ones((3, 3, 3, 3)), r"kernel has shape \(3, 3, 3, 3\); wanted height and width"),
    (np.ones((5, 5, 7)), r"kernel has shape \(5, 5, 7\)"),
    (np.ones(5), r"kernel has shape \(5,\)"),
    (np.ones((0, 3)), r"kernel has shape \(0, 3\)"),
    (np.ones((3, 3), complex), "kernel holds complex128 values"),
])  # fmt: skip
def test_what_is_no_kernel_is_refused(tmp_path: Path, values: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        read_kernel(values)
    np.save(tmp_path / "k.npy", values)
    with pytest.raises(InputError, match=f"k.npy: {message}"):
        read_kernel(tmp_path / "k.npy")


def test_files_that_are_none_are_refused_in_one_line(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    Image.fromarray(RNG.integers(0, 256, (40, 40), np.uint8)).save(whole)
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:400])
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01\0v\0{'descr")
    (tmp_path / "python.npy").write_bytes(b"\x93NUMPY\x01\0\x10\0{'descr': ((((}\n ")
    np.save(tmp_path / "objects.npy", np.array([None, "x"]), allow_pickle=True)
    (tmp_path / "words.txt").write_text("no numbers")
    (tmp_path / "ragged.csv").write_text("1,2,3\n1,2\n")
    (tmp_path / "decimals.csv").write_text("0,5;1,5\n0,5;1,5\n")
    (tmp_path / "bad.tif").write_bytes(b"II*\0\x08\0\0\0\xff\xff")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("L", (14_000, 14_000)).save(tmp_path / "bomb.png")
    Image.new("1", (5_000, 5_000)).save(tmp_path / "large.png")
    Image.new("CMYK", (9, 9)).save(tmp_path / "cmyk.jpg")
    with (tmp_path / "sparse.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"shape": (1 << 20, 1 << 20), "fortran_order": False, "descr": "<f8"}
        )
    names = [path.name for path in tmp_path.iterdir() if path != whole]
    for name in [*names, "none.png"]:
        with pytest.raises(InputError) as caught:
            read_kernel(tmp_path / name)
        line = str(caught.value)
        assert line.startswith(f"{tmp_path / name}: "), line
        assert "\n" not in line


RNG = np.random.default_rng(0)
