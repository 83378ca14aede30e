"""The commands that take a picture apart: layers, haze."""

from __future__ import annotations

from pathlib import Path

from untrained.cli.options import FitOptions, Output, Pictures, PrintOptions, RunOptions
from untrained.cli.restoring import restore_files

__all__ = ["decompose", "dehaze"]


def decompose(
    files: Pictures, /, *,
    output: Output = None,
    hint: Path | None = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Take pictures apart into two layers, one seen through the other.

    The output is one layer; the other and the share of the first are in the run's folder. Look at
    both: layers that are not of clearly different kinds stay mixed.

    Parameters
    ----------
    hint
        For --recipe watermark: a picture of the same size, white where the mark may be. The
        output is the picture without the mark, unchanged where the hint is black.
    """
    return restore_files(
        "decompose", files, output, fit, run, printing, options={}, beside={"hint": hint}
    )


def dehaze(
    files: Pictures, /, *,
    output: Output = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Remove haze from pictures; the map of the transmission is in the run's folder."""
    return restore_files("dehaze", files, output, fit, run, printing, options={})
