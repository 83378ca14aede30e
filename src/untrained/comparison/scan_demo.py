"""The demonstrations of scans: one that is made up, reconstructed, beside a first look at it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import write_atomically
from untrained.images import read_picture, sheet
from untrained.simulation.scan_examples import SCAN_EXAMPLES, write_scan

__all__ = ["run_scan_demo"]


def run_scan_demo(
    task: str, folder: Path, run: Callable[[list[str]], int], *, words: Sequence[str],
    side: int | None, quiet: bool,
) -> int:  # fmt: skip
    """Write scan.npz, truth.npy, what is restored and comparison.png into the folder.

    Args:
        task: a name of `SCAN_EXAMPLES`.
        folder, run, words, quiet: as for `run_demo`.
        side: of the image; None = the example's own.

    Raises:
        InputError: a side out of range, a folder that cannot be written.
    """
    example = SCAN_EXAMPLES[task]
    side = side or example.side
    truth = write_scan(example, side, folder)
    restored = folder / example.restored
    command = [task, str(folder / "scan.npz")]
    for name, value in example.options(side).items():
        command += ["--" + name.replace("_", "-"), str(value)]
    command += ["--truth", str(folder / "truth.npy"), "-o", str(restored), *words]
    if not quiet:
        print(f"$ {shlex.join(['untrained', *command])}", flush=True)
    code = run(command)
    if code != 0:
        return code
    first = _first_look(folder, restored)
    shown = {"first look": first} if first is not None else {}
    shown |= {"restored": _read(restored), "truth": truth}
    white = float(np.abs(truth).max())
    tiles = [(name, _tile(image, white)) for name, image in shown.items()]
    page = sheet(tiles)
    _write(folder / "comparison.png", page)
    if not quiet:
        print(f"restored: {restored}")
        print(f"{' | '.join(shown)}: {folder / 'comparison.png'}")
    return 0


def _first_look(folder: Path, restored: Path) -> NDArray[Any] | None:
    """Return what the newest run of this output has saved before its fit."""
    records = folder.glob("untrained-runs/*/run.json")
    for record in sorted(records, key=lambda path: path.stat().st_mtime, reverse=True):
        target = json.loads(record.read_text(encoding="utf-8"))["job"]["target"]
        first = record.with_name("first.npy")
        if Path(target).name == restored.name and first.exists():
            values: NDArray[Any] = np.load(first)
            return values if values.ndim == 2 else np.moveaxis(values, -1, 0)
    return None


def _read(path: Path) -> NDArray[Any]:
    return np.load(path) if path.suffix == ".npy" else read_picture(path).to_array()


def _tile(image: NDArray[Any], white: float) -> NDArray[np.float64]:
    """Return a magnitude in [0, 1], (H, W, 1): of a series the middle frame."""
    shown = np.abs(image)
    shown = shown[len(shown) // 2] if shown.ndim == 3 else shown
    tile: NDArray[np.float64] = np.clip(shown / white, 0, 1).astype(np.float64)[..., None]
    return tile


def _write(path: Path, pixels: NDArray[np.uint8]) -> None:
    from PIL import Image

    page = Image.fromarray(pixels)
    write_atomically(path, lambda file: page.save(file, "PNG", optimize=True))
