"""The commands that compare: published experiments made again, methods side by side on a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untrained.cli.options import Flag, PrintOptions

__all__ = ["reproduce"]


def reproduce(
    name: str | None = None, /, *,
    quick: Flag = False,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    pictures: str = "",
    methods: str = "",
    steps: int | None = None,
    crop: int | None = None,
    seeds: int | None = None,
    device: str = "auto",
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Make a published table or figure again: Markdown, JSON and figures in a folder.

    What the folder already holds is not measured again, so an interrupted run goes on where it
    was. Pictures are taken from UNTRAINED_DATA or downloaded.

    Parameters
    ----------
    name: Which experiment; without one, they are listed.
    quick: A reduced version that takes a CPU a few minutes; the report says what is reduced.
    output: The folder. Default: untrained-results/NAME, or NAME-quick.
    pictures: Only pictures with these parts in their names, separated by commas.
    methods: Only methods with these parts in their names.
    steps: At most so many steps a fit.
    crop: Central squares of so many pixels; 0 = whole pictures.
    seeds: How many seeds.
    device: auto, cpu, cuda, cuda:N or mps.
    """
    from untrained.experiments import EXPERIMENTS, find_experiment
    from untrained.experiments.run import narrowed, reproduce

    if name is None:
        for known in EXPERIMENTS:
            print(f"{known:18} {find_experiment(known).title}")
        return 0
    experiment = narrowed(
        find_experiment(name, quick=quick),
        pictures=pictures, methods=methods, steps=steps, crop=crop, seeds=seeds,
    )  # fmt: skip
    folder = output or Path("untrained-results") / (f"{name}-quick" if quick else name)
    silent = printing.quiet or printing.json
    report = reproduce(
        experiment, folder, device=device,
        say=lambda line: None if silent else print(line, flush=True),
    )  # fmt: skip
    if printing.json:
        print((folder / "results.json").read_text(encoding="utf-8"))
    elif not printing.quiet:
        print(f"report: {report}")
    return 0
