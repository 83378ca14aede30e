"""The commands that take a picture apart."""

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
    """Take pictures apart into two layers; the second and the mask are in the run's folder.

    Recipe `fast`: one layer transparently over the other; `regions`: side by side, give a hint.

    Parameters
    ----------
    hint: A picture of the same size, bright where the first layer roughly is.
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
