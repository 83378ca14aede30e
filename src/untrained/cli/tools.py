"""The commands that fit nothing: make a test case, compare pictures, show recipes and networks."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from untrained.cli.options import Flag, PrintOptions, Seed
from untrained.errors import InputError

__all__ = ["degrade", "network", "recipes", "score"]


def degrade(
    file: Path, /, *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    downscale: int | None = None,
    blur: str | None = None,
    interlace: int | None = None,
    mosaic: Literal["RGGB", "BGGR", "GRBG", "GBRG"] | None = None,
    noise: float | None = None,
    poisson: float | None = None,
    jpeg: int | None = None,
    missing: float | None = None,
    text: str | None = None,
    seed: Seed = 0,
    overwrite: Flag = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Make a test case from a clean picture; what is asked for is applied in the order below.

    A mask is written beside the output as NAME-mask.png, white = known.

    Parameters
    ----------
    file
        The clean picture.
    output
        Where the degraded picture goes.
    downscale
        Shrink by this whole number (Lanczos2); the truth is cropped to a multiple of it.
    blur
        Blur by a Gaussian of this σ in pixels, or by the kernel in this file (PNG, .npy); the
        kernel is written beside the output as NAME-kernel.npy.
    interlace
        Let the odd lines show the picture moved right by so many pixels.
    mosaic
        Keep one colour of every pixel, as a sensor of this pattern.
    noise
        Add Gaussian noise of this standard deviation on the 0-255 scale: 255 is white of the
        file, of floats beyond 0 to 1 their largest value.
    poisson
        Draw photon counts, this many for full scale.
    jpeg
        Compress as JPEG of this quality, 1 to 100; as the last damage, -o NAME.jpg is that JPEG.
    missing
        Hide this share of the pixels, 0 to 1.
    text
        Write this text all over the picture and hide what it covers.
    seed
        Same seed, same test case.
    overwrite
        Replace existing files.
    """
    from untrained.simulation import degrade_file

    silent = printing.quiet or printing.json
    written = degrade_file(
        file, output, downscale=downscale, blur=blur, interlace=interlace, mosaic=mosaic,
        noise=noise, poisson=poisson, jpeg=jpeg, missing=missing, text=text, seed=seed,
        overwrite=overwrite, say=lambda line: None if silent else print(f"note: {line}"),
    )  # fmt: skip
    if printing.json:
        print(json.dumps({name: str(path) for name, path in written.items()}))
    elif not printing.quiet:
        for name, path in written.items():
            print(f"{name}: {path}")
    return 0


def score(
    estimate: Path, truth: Path, /, *, printing: PrintOptions = PrintOptions()
) -> int:  # fmt: skip
    """Compare a picture with the truth: PSNR in dB and SSIM.

    Parameters
    ----------
    estimate
        The restored picture.
    truth
        The clean picture, of the same size and channels.
    """
    from untrained.comparison import score_files

    result = score_files(estimate, truth)
    if printing.json:
        # JSON has no word for the infinite PSNR of a picture that is the truth
        print(json.dumps({k: v if math.isfinite(v) else None for k, v in result.items()}))
    elif not printing.quiet:
        print(f"PSNR {result['psnr']:.2f} dB   SSIM {result['ssim']:.4f}")
    return 0


def recipes(
    name: str | None = None, /, *, printing: PrintOptions = PrintOptions()
) -> int:  # fmt: skip
    """List the recipes, or every setting of one.

    Parameters
    ----------
    name
        TASK (its recipes) or TASK/NAME (its settings), for example denoise/paper.
    """
    from untrained.recipes import RECIPES, encode, find_recipe, flatten

    task, _, recipe_name = (name or "").partition("/")
    if recipe_name:
        recipe = find_recipe(task, recipe_name)
        if printing.json:
            print(json.dumps(encode(recipe)))
            return 0
        print(f"{task}/{recipe.name}: {recipe.title}\n{recipe.source}\n")
        for key, value in flatten(recipe).items():
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
            print(f"  {key} = {shown}")
        return 0
    if task and task not in RECIPES:
        find_recipe(task, "")
    chosen = {t: r for t, r in RECIPES.items() if not task or t == task}
    if printing.json:
        print(json.dumps({t: {n: encode(x) for n, x in r.items()} for t, r in chosen.items()}))
        return 0
    for known_task, known in chosen.items():
        print(known_task)
        for recipe in known.values():
            print(f"  {recipe.name:20} {recipe.title}")
    return 0


def network(
    name: str, /, *, size: str = "512x512", channels: int = 3,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Show a network: layers, shapes, parameters, work and memory for an image size.

    Parameters
    ----------
    name
        A recipe, for example denoise/paper.
    size
        HEIGHTxWIDTH of the image.
    channels
        Channels of the image.
    """
    from untrained.recipes import find_recipe
    from untrained.restoring import summarize_recipe

    task, _, recipe_name = name.partition("/")
    if not recipe_name:
        raise InputError(f"network is {name!r}; wanted TASK/RECIPE, for example denoise/paper")
    try:
        height, width = (int(side) for side in size.lower().split("x"))
    except ValueError:
        raise InputError(f"size is {size!r}; wanted HEIGHTxWIDTH, for example 512x512") from None
    if min(height, width, channels) < 1:
        raise InputError(f"size is {size!r} with {channels} channels; wanted 1 or more of each")
    summary = summarize_recipe(find_recipe(task, recipe_name), height, width, channels)
    totals = {
        "parameters": summary.parameters,
        "gflop_per_step": round(summary.flops / 1e9, 2),
        "memory_mib": round(summary.memory_bytes / 2**20, 1),
    }
    if printing.json:
        print(json.dumps({
            **totals,
            "layers": [[x.name, x.kind, list(x.shape), x.parameters] for x in summary.layers],
        }))  # fmt: skip
        return 0
    for layer in summary.layers:
        shape = "x".join(map(str, layer.shape[1:]))
        print(f"  {layer.name:22} {layer.kind:16} {shape:16} {layer.parameters:>9,}")
    print(
        f"{summary.parameters:,} parameters; {totals['gflop_per_step']:,} GFLOP a step and about "
        f"{totals['memory_mib']:,} MiB in float32 for {height}x{width}"
    )
    return 0
