"""The commands for single kinds of damage: JPEG, blur, little light, mosaics, interlacing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from untrained.cli.options import FitOptions, Output, Pictures, PrintOptions, RunOptions, Whole
from untrained.cli.restoring import restore_files
from untrained.errors import InputError

__all__ = ["deblur", "deblur_blind", "deinterlace", "dejpeg", "demosaic", "flash"]


def dejpeg(
    files: Pictures, /, *,
    output: Output = None,
    agreement: float = 0.0,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Remove the artefacts of JPEG files; the result agrees with the file, but for rounding.

    Parameters
    ----------
    agreement
        How far from the decoded coefficients the fit may stray at no cost, in quantisation
        steps: 0 to 0.5, which is all that the file allows.
    """
    options = {"agreement": agreement}
    return restore_files("dejpeg", files, output, fit, run, printing, options=options)


def deblur(
    files: Pictures, /, *,
    kernel: Path | None = None,
    kernel_size: Whole | None = None,
    output: Output = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Undo a blur, known (--kernel) or not (--kernel-size; recipes of `deblur-blind`).

    Parameters
    ----------
    kernel
        The blur of a single point, PNG, TIFF, .npy or text, of odd height and width; its sum is
        made 1. It lies over the picture as that is stored.
    kernel_size
        Without a kernel: the side of the square that holds it, odd, somewhat larger than
        the blur. The kernel found is kernel.npy and kernel.png in the run's folder.
    """
    if (kernel is None) == (kernel_size is None):
        raise InputError(
            "wanted either --kernel FILE or, if the blur is unknown, --kernel-size PIXELS"
        )
    if kernel_size is not None:
        return deblur_blind(
            files, kernel_size=kernel_size, output=output, fit=fit, run=run, printing=printing
        )
    return restore_files(
        "deblur", files, output, fit, run, printing, options={}, beside={"kernel": kernel}
    )


def deblur_blind(
    files: Pictures, /, *,
    kernel_size: Whole,
    output: Output = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Undo an unknown blur: the same as `deblur --kernel-size`.

    Parameters
    ----------
    kernel_size
        The side of the square that holds the kernel, odd, somewhat larger than the blur.
    """
    options = {"kernel_size": kernel_size}
    return restore_files("deblur-blind", files, output, fit, run, printing, options=options)


def flash(
    files: Pictures, /, *,
    output: Output = None,
    guide: Path | None = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Restore a picture taken without flash with the details of one taken with it.

    Parameters
    ----------
    guide
        Another picture of the scene, of the same size: with flash, a depth map, a channel ….
    """
    if guide is None:
        raise InputError(
            "there is no guide; wanted the picture taken without flash, and the one taken with it "
            "as its guide: untrained flash NOFLASH --guide FLASH"
        )
    return restore_files(
        "flash", files, output, fit, run, printing, options={}, beside={"guide": guide}
    )


def demosaic(
    files: Pictures, /, *,
    output: Output = None,
    pattern: Literal["auto", "RGGB", "BGGR", "GRBG", "GBRG"] = "auto",
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Find the colours of a sensor's raw mosaic.

    Parameters
    ----------
    pattern
        The colours of the top left 2x2 pixels, row by row. auto = as a raw file says, or RGGB.
    """
    options = {"pattern": pattern}
    return restore_files("demosaic", files, output, fit, run, printing, options=options)


def deinterlace(
    files: Pictures, /, *,
    output: Output = None,
    field: Literal["top", "bottom"] = "top",
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Make whole pictures of one field of interlaced frames.

    Parameters
    ----------
    field
        The field that is kept: top = lines 0, 2, 4 …, bottom = lines 1, 3, 5 ….
    """
    return restore_files("deinterlace", files, output, fit, run, printing, options={"field": field})
