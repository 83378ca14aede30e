"""The commands that compare: published experiments made again, methods side by side on a file."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from untrained.cli.options import Flag, PrintOptions, Seed, Sigma, SigmaInUnits

__all__ = ["compare", "reproduce"]


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

    What the folder already holds is not measured again, and an interrupted fit goes on from its
    last checkpoint, so the same command goes on where it was. Pictures are taken from
    UNTRAINED_DATA or downloaded.

    Parameters
    ----------
    name
        Which experiment; without one, they are listed.
    quick
        A reduced version that takes a CPU a few minutes; the report says what is reduced.
    output
        The folder. Default: untrained-results/NAME, or NAME-quick.
    pictures
        Only pictures with these parts in their names, separated by commas; or others,
        as skimage/NAME.
    methods
        Only methods with these parts in their names.
    steps
        At most so many steps a fit.
    crop
        Central squares of so many pixels; 0 = whole pictures.
    seeds
        How many seeds.
    device
        auto, cpu, cuda, cuda:N or mps.
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
        experiment, folder, device=device, command=shlex.join(["untrained", *sys.argv[1:]]),
        say=lambda line: None if silent else print(line, flush=True),
    )  # fmt: skip
    if printing.json:
        print((folder / "results.json").read_text(encoding="utf-8"))
    elif not printing.quiet:
        print(f"report: {report}, to look at: {folder / 'report.html'}")
    return 0


def compare(
    file: Path, /, *,
    task: str = "denoise",
    methods: str = "",
    vary: str = "",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    truth: Path | None = None,
    sigma: Sigma = None,
    sigma_in_units: SigmaInUnits = False,
    mask: Path | None = None,
    mask_invert: Flag = False,
    factor: int | None = None,
    kernel: Path | None = None,
    guide: Path | None = None,
    agreement: float | None = None,
    pattern: Literal["RGGB", "BGGR", "GRBG", "GBRG"] | None = None,
    field: Literal["top", "bottom"] | None = None,
    crop: int = 256,
    steps: int | None = None,
    seed: Seed = 0,
    device: str = "auto",
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Restore a picture by several methods and lay the results side by side in one PNG.

    Parameters
    ----------
    file
        The picture.
    task
        One that has classical methods: denoise, inpaint, upscale, deblur, dejpeg, flash, demosaic,
        deinterlace or dehaze.
    methods
        Recipes and classical methods, separated by commas: fast,nlm,tv,wavelet,bm3d.
    vary
        A setting of the recipes and values for it, lr=0.003,0.01,0.03: every recipe once with
        each. `untrained recipes TASK/NAME` lists the settings.
    output
        The folder. Default: NAME-compare beside the picture.
    truth
        The clean picture, for PSNR and SSIM only.
    mask
        To inpaint: a picture of the same size, white = known.
    mask_invert
        The mask is black where the picture is known.
    factor
        To upscale: how many times. Default: 4.
    kernel
        To deblur: the blur of a single point, PNG or .npy.
    guide
        For flash: another picture of the scene.
    agreement
        For dejpeg: as for the command dejpeg. Default: 0.
    pattern
        To demosaic: the colours of the top left 2x2 pixels. Default: RGGB.
    field
        To deinterlace: the field that is kept. Default: top.
    crop
        Side of the central part that is shown, pixel by pixel; 0 = everything.
    steps
        The most steps of a recipe.
    seed
        Same seed, same machine, same image: on a CPU to the bit.
    device
        auto, cpu, cuda, cuda:N or mps.
    """
    from untrained.comparison import Comparison, compare_file

    files = {"mask": mask, "kernel": kernel, "guide": guide}
    options: dict[str, Any] = {
        "sigma": sigma, "sigma_in_units": sigma_in_units or None,
        "mask_invert": mask_invert or None, "factor": factor, "agreement": agreement,
        "pattern": pattern, "field": field,
    }  # fmt: skip
    silent = printing.quiet or printing.json
    folder = output or file.parent / f"{file.stem}-compare"
    rows = compare_file(
        Comparison(
            source=file, task=task, truth=truth, crop=crop, steps=steps, seed=seed, device=device,
            methods=tuple(name.strip() for name in methods.split(",") if name.strip()),
            vary=vary, files={name: path for name, path in files.items() if path is not None},
            options={name: value for name, value in options.items() if value is not None},
        ),
        folder,
        say=lambda line: None if silent else print(line, flush=True),
    )  # fmt: skip
    if printing.json:
        print(json.dumps(rows))
    elif not printing.quiet:
        print(f"side by side: {folder / 'compare.png'}")
    return 0
