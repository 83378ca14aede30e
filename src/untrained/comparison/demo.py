"""The bundled demonstrations: the example of a task, restored, beside a classical method."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import write_atomically
from untrained.comparison.cases import restore_classically
from untrained.comparison.scan_demo import run_scan_demo
from untrained.images import read_picture, sheet
from untrained.metrics import mse_to_psnr
from untrained.simulation import clean_image, find_example, write_example
from untrained.simulation.scan_examples import SCAN_EXAMPLES

__all__ = ["run_demo"]


def run_demo(
    task: str, folder: Path, run: Callable[[list[str]], int], *,
    words: Sequence[str], side: int | None, quiet: bool, with_truth: bool = False,
) -> int:  # fmt: skip
    """Write clean.png, the damaged files, restored.png and comparison.png into the folder.

    Args:
        task: a name of `EXAMPLES` or `SCAN_EXAMPLES`.
        folder: is made.
        run: runs the command line; its exit code is returned.
        words: options for it.
        side: of the central square that is taken; None = the example's own, 0 = everything.
        quiet: print nothing here.
        with_truth: give the run the truth too, for the curves of its report; the run then says how
            near it came, and it is not said again here.

    Raises:
        InputError: no such example, a side out of range, a folder that cannot be written.
    """
    if task in SCAN_EXAMPLES:
        return run_scan_demo(task, folder, run, words=words, side=side, quiet=quiet)
    example = find_example(task)
    clean = clean_image(example.side if side is None else side)
    write_example(example, clean, folder)
    restored = folder / "restored.png"
    command = [task, str(folder / example.damaged)]
    for name, value in {**{n: folder / f for n, f in example.beside.items()},
                        **example.options}.items():  # fmt: skip
        command += ["--" + name.replace("_", "-"), str(value)]
    command += ["-o", str(restored), *words]
    if with_truth:
        command += ["--truth", str(folder / "clean.png")]
    if not quiet:
        print(f"$ {shlex.join(['untrained', *command])}", flush=True)
    code = run(command)
    if code != 0:
        return code
    shown = {example.damaged.partition(".")[0]: _read(folder / example.damaged)}
    if example.classical:
        shown[example.classical] = restore_classically(
            task, example.classical, folder / example.damaged,
            {name: folder / file for name, file in example.beside.items()}, example.options,
        )  # fmt: skip
    shown["restored"] = _read(restored)
    scores = {
        name: f"{mse_to_psnr(float(np.mean((image - clean) ** 2))):.2f} dB"
        for name, image in shown.items()
        if image.shape == clean.shape
    }
    tiles = [(f"{name}\n{scores.get(name, '')}", image) for name, image in shown.items()]
    _write_sheet(folder / "comparison.png", [*tiles, ("clean", clean)])
    if not quiet:
        told = [f"{n} {score}" for n, score in scores.items() if n != "restored" or not with_truth]
        print("PSNR to the truth: " + ", ".join(told))
        print(f"restored: {restored}")
        print(f"{' | '.join([*shown, 'clean'])}: {folder / 'comparison.png'}")
    return 0


def _read(path: Path) -> NDArray[np.float64]:
    return np.asarray(read_picture(path).pixels[0] / 255)


def _write_sheet(path: Path, tiles: Sequence[tuple[str, NDArray[np.float64]]]) -> None:
    from PIL import Image

    page = Image.fromarray(sheet(tiles))
    write_atomically(path, lambda file: page.save(file, "PNG", optimize=True))
