"""The command that finds pictures by what a layer of the user's own network knows of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from untrained.cli.options import Flag, PrintOptions, Seed, changes_of_words
from untrained.errors import InputError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["invert"]


def invert(
    file: Path | None = None, /, *,
    module: str,
    layer: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    unit: int | None = None,
    size: str = "224x224",
    channels: Literal[1, 3] = 3,
    recipe: str = "fast",
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    steps: int | None = None,
    seed: Seed = 0,
    device: str = "auto",
    overwrite: Flag = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Find a picture that a layer of your network takes for the one given; or that excites a unit.

    What the layer has forgotten, an untrained network fills in. Your code is imported and run, and
    is called with no arguments; it downloads what it downloads. For example, in mine.py:

        def vgg():
            import torchvision
            return torchvision.models.vgg19(weights="DEFAULT").features

        untrained invert photo.png --module mine:vgg --layer 28 -o seen.png

    Parameters
    ----------
    file
        The picture; none with --unit.
    module
        PACKAGE.MODULE:FUNCTION that returns an nn.Module on (1, C, H, W) in [0, 1]; put a
        normalisation in front with nn.Sequential.
    layer
        The layer's name, as in named_modules().
    output
        The picture that is found, PNG.
    unit
        Instead of inverting a picture, find one that this channel of the layer answers to most.
    size
        HEIGHTxWIDTH of the picture for --unit.
    channels
        Of the picture for --unit: 3, or 1 where your network takes gray pictures.
    recipe
        fast, or paper: the published settings, 3100 steps of a larger network.
    set_
        Change a setting, NAME=VALUE; may be repeated.
    steps
        The most steps to take.
    seed
        Same seed, same machine, same image: on a CPU to the bit.
    device
        auto, cpu, cuda, cuda:N or mps.
    overwrite
        Replace an existing output.
    """
    if (file is None) == (unit is None):
        raise InputError("wanted either a picture to invert or --unit N to find one for")
    if output.exists() and not overwrite:
        raise InputError(f"{output}: exists; pass --overwrite to replace it")
    if output.suffix.lower() != ".png":
        raise InputError(f"{output}: cannot be written; wanted a .png")
    height, width = _size(size)
    import numpy as np
    import torch

    from untrained.atomic import check_place
    from untrained.fitting import Progress, pick_device
    from untrained.images import Picture, read_picture, write_picture
    from untrained.recipes import with_settings
    from untrained.recipes.inversion import INVERT, MAXIMIZE, find_inversion
    from untrained.restoring import invert_features, maximize_activation

    check_place(output)
    found = find_inversion(recipe, INVERT if unit is None else MAXIMIZE)
    chosen = with_settings(found, changes_of_words(set_, steps))
    image = None
    if file is not None:
        pixels = read_picture(file).pixels[0]
        if not np.issubdtype(pixels.dtype, np.integer):
            raise InputError(f"{file}: holds {pixels.dtype} values; wanted 8 or 16 bits")
        unit_range = pixels / np.iinfo(pixels.dtype).max
        image = torch.from_numpy(unit_range.transpose(2, 0, 1)[None].copy()).float()
    model = _model(module).to(pick_device(device))
    silent = printing.quiet or printing.json
    label = file.name if file else f"unit {unit}"
    callbacks = [] if silent else [Progress(label)]
    try:
        if unit is None:
            assert image is not None
            result = invert_features(
                model, layer, image, recipe=chosen, seed=seed, callbacks=callbacks
            )
        else:
            result = maximize_activation(
                model, layer, unit, size=(height, width), channels=channels, recipe=chosen,
                seed=seed, callbacks=callbacks,
            )  # fmt: skip
    finally:
        for bar in callbacks:
            bar.close()
    image_found = result.estimate[0].permute(1, 2, 0).cpu().clamp(0, 1).numpy()
    write_picture(output, Picture.from_array(np.rint(255 * image_found).astype(np.uint8)))
    losses = result.history.loss  # none if it was interrupted before the first look
    last = losses[-1] if losses else None
    if printing.json:
        print(json.dumps({
            "output": str(output), "steps": result.stop_step, "loss": last,
            "stop_reason": result.reason.value,
        }))  # fmt: skip
    elif not printing.quiet:
        if last is None:
            what = "none of them looked at"
        elif unit is None:
            # ‖Φ(x̂) - Φ(x)‖ / ‖Φ(x)‖: the features are fitted in units of their root mean square
            error = 10 ** (-result.history.psnr_observed[-1] / 20)
            what = f"relative error of the features {error:.4f}"
        else:
            what = f"mean activation {-last:.4f} (of the jittered picture)"
        print(f"{output}: {result.stop_step} steps, {what}")
        if result.cut_short:
            print(f"  {result.reason.advice}")
    return 130 if result.cut_short else 0


def _size(text: str) -> tuple[int, int]:
    try:
        height, width = (int(side) for side in text.lower().split("x"))
    except ValueError:
        raise InputError(f"size is {text!r}; wanted HEIGHTxWIDTH, for example 224x224") from None
    if min(height, width) < 8:
        raise InputError(f"size is {text!r}; wanted at least 8x8")
    return height, width


def _model(name: str) -> nn.Module:
    """Return what the user's function returns; modules beside where the command runs are found.

    Raises:
        InputError: no such module or function, it fails, or it returns no module.
    """
    from torch import nn

    from untrained.recipes import find_object

    factory = find_object(name, wanted="PACKAGE.MODULE:FUNCTION")
    try:
        model = factory if isinstance(factory, nn.Module) else factory()
    except Exception as error:
        raise InputError(
            f"{name} fails ({_named(error)}); wanted a function without arguments that returns a "
            "torch.nn.Module"
        ) from error
    if not isinstance(model, nn.Module):
        raise InputError(f"{name} returns {type(model).__name__}; wanted a torch.nn.Module")
    return model


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
