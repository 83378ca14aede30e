"""The commands that keep a picture as the weights of a small network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from untrained.cli.options import Flag, PrintOptions, Seed
from untrained.errors import InputError

__all__ = ["compress", "decompress"]


def compress(
    file: Path, /, *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    width: int = 32,
    num_up: int = 4,
    bits: int = 6,
    steps: int = 2000,
    seed: Seed = 0,
    overwrite: Flag = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Keep a picture as the rounded weights of a small Deep Decoder (lossy).

    Pixels only: a colour profile and other metadata are not kept. An experiment more than a tool:
    JPEG is better at most sizes, and a thousand times faster.

    Parameters
    ----------
    file
        The picture: one, opaque.
    output
        Default: beside the input, with the suffix .untrained.
    width
        Channels of the decoder: the size of the file grows with its square.
    num_up
        Upsamplings of the decoder.
    bits
        Of a weight, 2 to 8.
    steps
        Of the fit.
    seed
        Same seed, same machine, same file.
    overwrite
        Replace an existing output.
    """
    from untrained.atomic import write_atomically
    from untrained.images import read_picture
    from untrained.restoring import Compression
    from untrained.restoring.compression import compress as compress_image

    target = output or file.with_suffix(".untrained")
    _check_target(target, file, overwrite)
    settings = Compression(width=width, num_up=num_up, bits=bits, steps=steps, seed=seed)
    picture = read_picture(file)
    if len(picture.pixels) > 1 or picture.alpha is not None:
        raise InputError(f"{file}: is a stack or has an alpha channel; wanted one opaque picture")
    array = picture.pixels[0] if picture.has_channel_axis else picture.pixels[0, :, :, 0]
    result = compress_image(array, settings)
    write_atomically(target, lambda out: out.write(result.data))
    facts = {
        "output": str(target),
        "bytes": len(result.data),
        "bits_per_pixel": round(8 * len(result.data) / (array.shape[0] * array.shape[1]), 4),
        "psnr": round(result.psnr, 3),
    }
    if printing.json:
        print(json.dumps(facts))
    elif not printing.quiet:
        print(
            f"{file} → {target}: {facts['bytes']:,} bytes, {facts['bits_per_pixel']:.3f} bits a "
            f"pixel, PSNR {result.psnr:.2f} dB"
        )
    return 0


def decompress(
    file: Path, /, *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    overwrite: Flag = False,
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Make a picture of a file that `untrained compress` has written.

    Parameters
    ----------
    file
        A file that `untrained compress` has written.
    output
        Default: beside the input, as PNG; TIFF or .npy for floats.
    overwrite
        Replace an existing output.
    """
    import numpy as np

    from untrained.images import Picture, write_picture
    from untrained.restoring.compression import decompress as decompress_bytes

    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check the name") from None
    try:
        image, exact = decompress_bytes(data)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    suffix = ".png" if np.issubdtype(image.dtype, np.integer) else ".tif"
    target = output or file.with_name(f"{file.stem}-decompressed{suffix}")
    _check_target(target, file, overwrite)
    write_picture(target, Picture.from_array(image))
    if printing.json:
        print(json.dumps({"output": str(target), "exact": exact}))
    elif not printing.quiet:
        note = "" if exact else "; not bit for bit the image that was reported, on this machine"
        print(f"{file} → {target}{note}")
    return 0


def _check_target(target: Path, source: Path, overwrite: bool) -> None:
    from untrained.atomic import check_place, refuse_input

    refuse_input(target, source)
    if target.exists() and not overwrite:
        raise InputError(f"{target}: exists; pass --overwrite to replace it")
    if not target.absolute().parent.is_dir():
        raise InputError(f"{target}: its folder does not exist; make it first")
    check_place(target)
