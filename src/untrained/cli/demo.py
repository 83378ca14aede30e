"""The command that shows every task on a bundled example."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untrained.cli.options import FitOptions, PrintOptions, Report
from untrained.errors import InputError

__all__ = ["demo"]


def demo(
    task: str = "denoise", /, *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    side: int | None = None,
    fit: FitOptions = FitOptions(),
    report: Report = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Damage a bundled picture, restore it, and lay it beside a classical method and the truth.

    The command that restores is printed: try it on a file of yours. On two cores each takes about
    a minute.

    Parameters
    ----------
    task
        denoise, inpaint, upscale, dejpeg, deblur, deblur-blind (the kernel is unknown), flash,
        demosaic, deinterlace, dehaze or decompose. The last and deblur-blind have no classical
        method to compare with. Of scans, which are made up: mri, series, ct or sensing.
    output
        The folder for the pictures. Default: untrained-demo, or untrained-demo-TASK.
    side
        Side of the central square of the picture that is used, a multiple of 4; 0 = everything. Of
        a scan, that of its image.
    """
    from untrained.cli.main import app
    from untrained.comparison import run_demo

    if fit.truth is not None:
        raise InputError("the demonstration makes its own truth; leave --truth out")
    words = ["--overwrite", *fit.words(), *(["--report"] if report else []), *printing.words()]
    folder = output or Path("untrained-demo" if task == "denoise" else f"untrained-demo-{task}")

    def run(command: list[str]) -> int:
        return int(app(
            command, exit_on_error=False, print_error=False, result_action="return_value"
        ))  # fmt: skip

    return run_demo(
        task, folder, run, words=words, side=side, quiet=printing.quiet or printing.json,
        with_truth=report,
    )  # fmt: skip
