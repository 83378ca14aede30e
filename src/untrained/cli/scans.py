"""The commands that reconstruct scans: MRI, CT, compressed sensing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from untrained.cli.options import FitOptions, Output, PrintOptions, RunOptions, Whole
from untrained.cli.restoring import restore_files
from untrained.errors import InputError

if TYPE_CHECKING:
    from untrained.recipes import Recipe

__all__ = ["ct", "mri", "sensing"]

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
        Only this frame, repetition or echo, from 0. Default: all.
    kind
        What a bare array holds: k-space, or images of coils, which become k-space.
    """
    beside = {"mask": mask, "noise": noise}
    if maps not in ("auto", "none"):
        beside["maps"] = Path(maps)
    options = {
        "accelerate": accelerate, "maps": "none" if maps == "none" else "auto", "slice": slice,
        "frame": frame, "kind": kind, "axes": axes,
    }  # fmt: skip
    return restore_files("mri", files, output, fit, run, printing, options=options, beside=beside)


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
    rings: bool | None = None,
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
        Find an offset for every detector pixel with the image (--rings), or none (--no-rings).
        Default: as the recipe.
    """
    options = {
        "unit": unit, "centre": centre, "views": views, "binning": binning, "size": size,
        "slice": slice, "kind": kind, "axes": axes,
    }  # fmt: skip
    return restore_files(
        "ct", files, output, fit, run, printing, options=options,
        beside={"angles": angles, "flat": flat, "dark": dark},
        changed=lambda recipe: _for_detector(recipe, photons, rings),
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


def _with_prior(recipe: Recipe, runs: tuple[Path, ...]) -> Recipe:
    """Return the recipe with what the networks of earlier runs have in common."""
    if not runs:
        return recipe
    from untrained.restoring import with_prior

    return with_prior(recipe, [run / "network" for run in runs])


def _for_detector(recipe: Recipe, photons: float | None, rings: bool | None) -> Recipe:
    """Return the recipe with the loss of so many photons, and with or without offsets."""
    from dataclasses import replace

    from untrained.objectives import DataFit, Offsets, Transmission

    if photons is None and rings is None:
        return recipe
    objective = recipe.objective
    if not isinstance(objective, DataFit):
        raise InputError(
            f"recipe {recipe.name!r} has no loss for --photons and --rings; use fast, best or paper"
        )
    if photons is not None:
        objective = replace(objective, data_term=Transmission(photons=photons))
    if rings is not None:
        objective = replace(objective, offsets=(objective.offsets or Offsets()) if rings else None)
    return replace(recipe, objective=objective)
