"""The commands that reconstruct scans: MRI, CT, compressed sensing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from untrained.cli.options import FitOptions, Flag, Output, PrintOptions, RunOptions, Whole
from untrained.cli.restoring import restore_files
from untrained.errors import InputError

if TYPE_CHECKING:
    from untrained.recipes import Recipe

__all__ = ["ct", "mri", "sensing", "series"]

Scans = Annotated[list[Path], Parameter(help="Scan files, or folders of them.")]
Slice = Annotated[Whole | None, Parameter(help="Only this slice, from 0. Default: all.")]
Axes = Annotated[
    Literal["coils", "slices", "frames"] | None,
    Parameter(help="What the first axis of a bare array (.npy) of three axes counts."),
]
_RANDOM = ("hadamard", "gaussian", "fourier")


def mri(
    files: Scans, /, *,
    output: Output = None,
    mask: Path | None = None,
    accelerate: float | None = None,
    maps: str = "auto",
    noise: Path | None = None,
    slice: Slice = None,  # noqa: A002
    frame: Whole | None = None,
    frames: Flag = False,
    kind: Literal["kspace", "images"] | None = None,
    axes: Axes = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Reconstruct MRI from undersampled k-space: fastMRI or ISMRMRD .h5, BART .cfl, .npy.

    The image is complex in .npy, .cfl and .h5, a magnitude in the other formats.

    Parameters
    ----------
    mask
        What was measured: .npy or a picture, of the columns or of all places. Default: as the file
        says, or what is not zero.
    accelerate
        For experiments: leave out lines of a full scan, so that it would take so many times less;
        the full scan is the truth.
    maps
        The coils' sensitivities: auto (from the middle of k-space), none (each coil has an image
        of its own), or a file.
    noise
        A scan without a signal, (coils, samples).
    frame
        Only this frame, repetition or echo, from 0. Default: all, each by itself.
    frames
        All frames as one, which lend each other what they have not measured: as `untrained series`.
    kind
        What a bare array holds: k-space, or images of coils, which become k-space.
    """
    if frames:
        if frame is not None:
            raise InputError("--frame is of one frame, --frames of all as one; leave one out")
        return series(
            files, output=output, mask=mask, accelerate=accelerate, maps=maps, noise=noise,
            slice=slice, kind=kind, axes=axes, fit=fit, run=run, printing=printing,
        )  # fmt: skip
    options, beside = _of_kspace(mask, accelerate, maps, noise, slice, kind, axes)
    return restore_files(
        "mri", files, output, fit, run, printing, options={**options, "frame": frame},
        beside=beside,
    )  # fmt: skip


def series(
    files: Scans, /, *,
    output: Output = None,
    mask: Path | None = None,
    accelerate: float | None = None,
    maps: str = "auto",
    noise: Path | None = None,
    slice: Slice = None,  # noqa: A002
    real: Flag = False,
    periodic: Flag = False,
    kind: Literal["kspace", "images"] | None = None,
    axes: Axes = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Reconstruct a series of frames (dynamic MRI) as one: each frame has few lines of k-space.

    Parameters
    ----------
    mask
        What was measured: of the columns, of all places, or of all frames (.npy). Default: as the
        file says, or what is not zero.
    accelerate
        For experiments: leave out lines of a full series, others in every frame; the full series
        is the truth.
    maps
        The coils' sensitivities: auto (from the mean over time), or a file.
    noise
        A scan without a signal, (coils, samples).
    real
        The image has no phase: a magnitude series of one coil.
    periodic
        The first frame follows the last: one cycle of a heart.
    kind
        What a bare array holds: k-space, or images, which become k-space.
    """
    options, beside = _of_kspace(mask, accelerate, maps, noise, slice, kind, axes)
    return restore_files(
        "series", files, output, fit, run, printing,
        options={**options, "real": real, "periodic": periodic}, beside=beside,
    )  # fmt: skip


def ct(
    files: Scans, /, *,
    output: Output = None,
    angles: Path | None = None,
    unit: Literal["deg", "rad"] | None = None,
    flat: Path | None = None,
    dark: Path | None = None,
    centre: str = "auto",
    views: Whole | None = None,
    binning: Whole = 1,
    size: Whole | None = None,
    slice: Slice = None,  # noqa: A002
    kind: Literal["sinogram", "counts"] | None = None,
    axes: Literal["views", "slices"] | None = None,
    photons: float | None = None,
    rings: Literal["fitted", "ignored"] | None = None,
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Reconstruct CT slices from few views: DXchange .h5, TIFF, .npy, DICOM-CT-PD.

    Parameters
    ----------
    angles
        Of the views, one for each (.npy). Default: as the file says.
    unit
        Of the angles. Default: as the file says, or by their range.
    flat
        Counts without the object. Default: as the file says.
    dark
        Counts without the beam. Default: as the file says.
    centre
        Detector pixel of the axis of rotation, 0 = the middle of the first; auto = found.
    views
        For experiments: use only so many, evenly spaced.
    binning
        So many detector pixels become one.
    size
        Height and width of the image. Default: what the projections show.
    kind
        What bare numbers (.npy, TIFF) are: line integrals, or counts.
    axes
        What the first axis of a bare array of three axes counts.
    photons
        Counts of an open beam: the loss is then that of photons. For pale beams and dense objects.
    rings
        fitted: find an offset for every detector pixel with the image, ignored: find none. Default:
        as the recipe.
    """
    options = {
        "unit": unit, "centre": centre, "views": views, "binning": binning, "size": size,
        "slice": slice, "kind": kind, "axes": axes, "photons": photons, "rings": rings,
    }  # fmt: skip
    return restore_files(
        "ct", files, output, fit, run, printing, options=options,
        beside={"angles": angles, "flat": flat, "dark": dark},
    )  # fmt: skip


def sensing(
    files: Scans, /, *,
    output: Output = None,
    matrix: str | None = None,
    size: str | None = None,
    white: float | None = None,
    prior: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    fit: FitOptions = FitOptions(),
    run: RunOptions = RunOptions(),
    printing: PrintOptions = PrintOptions(),
) -> int:  # fmt: skip
    """Reconstruct an image from fewer measurements than it has pixels: .npy, .npz.

    Parameters
    ----------
    matrix
        What measured it: hadamard:SEED, gaussian:SEED, fourier:SEED, or a .npy file (measurements,
        pixels). Default: the `matrix` of a .npz.
    size
        HEIGHTxWIDTH of the image. Default: the `size` of a .npz.
    white
        The value of white in the image. Default: 1, or as the measurements say.
    prior
        Runs of other images with --keep-network, two or more, for the recipe paper-learned: may be
        repeated.
    """
    is_random = matrix is None or matrix.partition(":")[0] in _RANDOM
    beside = {} if is_random or matrix is None else {"matrix": Path(matrix)}
    options = {"matrix": matrix if is_random else None, "size": size, "white": white}
    return restore_files(
        "sensing", files, output, fit, run, printing, options=options, beside=beside,
        changed=lambda recipe: _with_prior(recipe, prior),
    )  # fmt: skip


def _of_kspace(
    mask: Path | None, accelerate: float | None, maps: str, noise: Path | None,
    slice_: int | None, kind: str | None, axes: str | None,
) -> tuple[dict[str, Any], dict[str, Path | None]]:  # fmt: skip
    """Return the options and the files of what is reconstructed from k-space."""
    beside = {"mask": mask, "noise": noise}
    if maps not in ("auto", "none"):
        beside["maps"] = Path(maps)
    options = {
        "accelerate": accelerate, "maps": "none" if maps == "none" else "auto", "slice": slice_,
        "kind": kind, "axes": axes,
    }  # fmt: skip
    return options, beside


def _with_prior(recipe: Recipe, runs: tuple[Path, ...]) -> Recipe:
    """Return the recipe with what the networks of earlier runs have in common."""
    if not runs:
        return recipe
    from untrained.restoring import with_prior

    return with_prior(recipe, [run / "network" for run in runs])
