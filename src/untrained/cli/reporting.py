"""The commands that show what a run did: a page, a figure, an animation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from untrained.cli.options import PrintOptions
from untrained.cli.printing import warn_of_size
from untrained.errors import InputError

__all__ = ["figure", "report", "video"]

Run = Annotated[Path, Parameter(help="The run's folder (it holds run.json).")]
Runs = Annotated[list[Path], Parameter(help="Run folders (they hold run.json).")]
Output = Annotated[Path | None, Parameter(name=["--output", "-o"])]


def report(
    runs: Runs, /, *,
    output: Output = None,
    max_megabytes: float = 2.0,
    page: int = 1,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Show runs on one page: pictures, curves, settings; a single file that can be mailed.

    Parameters
    ----------
    output
        The file, .html. Default: report.html in the (first) run's folder.
    max_megabytes
        Leave out images of the fit, never pictures, to stay below this size.
    page
        Which page of stacks.
    """
    from untrained.report import write_report

    target = output or (runs[0] / "report.html" if runs else Path("report.html"))
    written = write_report(runs, target, max_megabytes=max_megabytes, page=page)
    line = f"report: {target} ({written.size / 1e6:.2f} MB)"
    _tell(printing, line, output=str(target), bytes=written.size)
    warn_of_size(target, written)
    return 0


def figure(
    run: Run, /, *,
    output: Output = None,
    crop: str = "",
    dpi: int = 300,
    page: int = 1,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Draw a run for a publication: pictures, a detail of each, curves with stop and peak.

    Parameters
    ----------
    output
        A PNG, PDF or SVG. Default: figure.png in the run's folder.
    crop
        LEFT,TOP,SIDE of the detail in pixels. Default: where the picture varies most.
    dpi
        Of a PNG.
    page
        Which page of a stack.
    """
    from untrained.report import write_figure

    target = output or run / "figure.png"
    write_figure(run, target, page=page, crop=_crop(crop), dpi=dpi)
    _tell(printing, f"figure: {target}", output=str(target))
    return 0


def video(
    run: Run, /, *,
    output: Output = None,
    seconds_per_image: float = 0.4,
    page: int = 1,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Show a fit as an animation, the curve beside it; needs a run with --snapshots.

    Parameters
    ----------
    output
        An MP4 (needs the extra `video`) or GIF. Default: fit.gif in the run's folder.
    seconds_per_image
        How long each saved image stays.
    page
        Which page of a stack.
    """
    from untrained.report import write_video

    target = output or run / "fit.gif"
    count = write_video(run, target, page=page, seconds_per_image=seconds_per_image)
    _tell(printing, f"video: {target} ({count} images)", output=str(target), images=count)
    return 0


def _tell(printing: PrintOptions, line: str, **facts: Any) -> None:
    """Print what was written: the line, or the facts as one JSON object."""
    if printing.json:
        print(json.dumps(facts))
    elif not printing.quiet:
        print(line)


def _crop(text: str) -> tuple[int, int, int] | None:
    if not text:
        return None
    try:
        left, top, side = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--crop is {text!r}; wanted LEFT,TOP,SIDE like 100,80,64") from None
    return left, top, side
