"""The commands that show what a run did: a page, a figure, an animation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untrained.cli.options import PrintOptions
from untrained.cli.printing import print_error

__all__ = ["report"]

Runs = Annotated[list[Path], Parameter(help="Run folders (they hold run.json).")]


def report(
    runs: Runs, /, *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    max_megabytes: float = 2.0,
    page: int = 1,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Show runs on one page: pictures, curves, settings; a single file that can be mailed.

    Parameters
    ----------
    output: The file. Default: report.html in the (first) run's folder.
    max_megabytes: Leave out images of the fit, never pictures, to stay below this size.
    page: Which page of stacks.
    """
    from untrained.report import write_report

    target = output or (runs[0] / "report.html" if runs else Path("report.html"))
    written = write_report(runs, target, max_megabytes=max_megabytes, page=page)
    if not (printing.quiet or printing.json):
        print(f"report: {target} ({written.size / 1e6:.2f} MB)")
    if written.too_large:
        print_error(
            f"{target}: has {written.size / 1e6:.2f} MB instead of at most {max_megabytes:g}; the "
            "pictures need that without loss"
        )
    return 0
