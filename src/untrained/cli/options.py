"""The options that several commands share."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Group, Parameter

from untrained.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyclopts import Token

__all__ = [
    "ColourStrength",
    "FitOptions",
    "Flag",
    "Joint",
    "Output",
    "Pictures",
    "PrintOptions",
    "RunOptions",
    "Seed",
    "Sigma",
    "SigmaInUnits",
    "Strength",
    "Whole",
    "changes_of_words",
]

Format = Literal["png", "jpg", "tif", "webp", "npy", "cfl", "h5", "nii", "nii.gz", "dcm"]

_FIT = Group("Fit", sort_key=1)
_RUN = Group("Run", sort_key=2)
_PRINT = Group("Printing", sort_key=3)


def _whole(_: Any, tokens: Sequence[Token]) -> int:
    """Return a whole number; cyclopts rounds 2.5 to 2."""
    text = tokens[0].value
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r}; wanted a whole number") from None


def _check_seed(type_: object, seed: int) -> None:
    if not 0 <= seed < 2**32:
        raise ValueError(f"Wanted a whole number from 0 to {2**32 - 1}.")


Whole = Annotated[int, Parameter(converter=_whole)]
Seed = Annotated[int, Parameter(converter=_whole, validator=_check_seed)]


def changes_of_words(words: Sequence[str], steps: int | None) -> dict[str, str]:
    """Return what --set and --steps change, by the name of the setting.

    Raises:
        InputError: a --set without a name or a value.
    """
    pairs = [text.partition("=") for text in words]
    for text, (name, equals, _) in zip(words, pairs, strict=True):
        if not equals or not name:
            raise InputError(f"--set is {text!r}; wanted NAME=VALUE, for example lr=0.005")
    changes = {name.strip(): value.strip() for name, _, value in pairs}
    return changes if steps is None else {**changes, "max_steps": str(steps)}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What decides the result."""

    recipe: Annotated[str, Parameter(group=_FIT)] = "fast"
    "Which settings: see `untrained recipes`."
    set: Annotated[tuple[str, ...], Parameter(group=_FIT, negative=())] = ()
    "Change a setting, NAME=VALUE; may be repeated. `untrained recipes TASK/NAME` lists them."
    steps: Annotated[int | None, Parameter(group=_FIT, converter=_whole)] = None
    "The most steps to take; short for --set max_steps=N."
    seed: Annotated[Seed, Parameter(group=_FIT)] = 0
    """Same seed, same machine, same threads (OMP_NUM_THREADS, --workers), same image: on a CPU to
    the bit. A run that is gone on with takes the threads it was begun with."""
    device: Annotated[str, Parameter(group=_FIT)] = "auto"
    "auto, cpu, cuda, cuda:N or mps."
    truth: Annotated[Path | None, Parameter(group=_FIT)] = None
    "The clean picture, for scoring only; the result is the same without it."
    nodata: Annotated[float | None, Parameter(group=_FIT, allow_leading_hyphen=True)] = None
    """The value that stands for a missing pixel. Default: what the file says (GDAL's tag), NaN and
    infinite ones."""

    def changes(self) -> dict[str, str]:
        """Return what --set and --steps change; raises as `changes_of_words`."""
        return changes_of_words(self.set, self.steps)

    def words(self) -> list[str]:
        """Return what a user would type for these options."""
        return _words(self)


Report = Annotated[
    bool,
    Parameter(
        group=_RUN, negative=(),
        help="Write report.html into the run's folder; implies --snapshots auto.",
    ),
]  # fmt: skip


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Which pictures are taken, and what is kept of a run."""

    recursive: Annotated[bool, Parameter(group=_RUN, negative=())] = False
    "Of a folder take the pictures in its subfolders too; the outputs are laid out alike."
    format: Annotated[Format | None, Parameter(group=_RUN)] = None
    """Of outputs that are not named. Default: that of the input; PNG for GIF, BMP and PNM; of scans
    .npy, of CT .tif. The last five are of scans."""
    run_dir: Annotated[Path | None, Parameter(group=_RUN)] = None
    "Where the run's folder goes. Default: untrained-runs beside the output."
    no_run: Annotated[bool, Parameter(group=_RUN, negative=())] = False
    """Leave no run folder behind. Nothing can be resumed or reported then, and what is found beside
    the picture (a kernel, layers, an uncertainty) is lost."""
    snapshots: Annotated[str, Parameter(group=_RUN)] = ""
    """Save the image at these steps, or at the first look after each: 0,100,1000; 0 = of the
    untrained network; auto = some 16, dense at first. The files are named by their real steps."""
    report: Report = False
    tensorboard: Annotated[bool, Parameter(group=_RUN, negative=())] = False
    "Write TensorBoard event files into the run's folder."
    keep_network: Annotated[bool, Parameter(group=_RUN, negative=())] = False
    "Keep the fitted network in the run's folder: for `load_fit` in Python, and for --prior."
    overwrite: Annotated[bool, Parameter(group=_RUN, negative=())] = False
    "Replace an output that other settings made."
    max_pixels: Annotated[Whole, Parameter(group=_RUN)] = 250_000_000
    "Refuse pictures with more pixels than this."
    workers: Annotated[Whole, Parameter(group=_RUN)] = 1
    "Restore so many pictures at the same time, each with its share of the cores."
    checkpoint_every: Annotated[float, Parameter(group=_RUN)] = 20.0
    "Seconds between checkpoints; 0 = as often as possible."

    def needs_folder(self) -> bool:
        """Whether something was asked for that is written into the run's folder."""
        wanted = (self.snapshots, self.report, self.tensorboard, self.keep_network, self.run_dir)
        return any(wanted)

    def check(self) -> None:
        """Refuse numbers out of range, before any file is read.

        Raises:
            InputError: one is.
        """
        if self.no_run and self.needs_folder():
            raise InputError(
                "--no-run leaves the run's folder out, into which snapshots, reports and events "
                "are written; leave it out, or --run-dir, --snapshots, --report, --tensorboard and "
                "--keep-network"
            )
        for name, value in (("workers", self.workers), ("max-pixels", self.max_pixels)):
            if value < 1:
                raise InputError(f"--{name} is {value}; wanted 1 or more")
        if not 0 <= self.checkpoint_every < math.inf:
            raise InputError(
                f"--checkpoint-every is {self.checkpoint_every:g}; wanted 0 or more seconds"
            )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PrintOptions:
    """What is printed."""

    quiet: Annotated[bool, Parameter(group=_PRINT, negative=())] = False
    "Print errors only."
    json: Annotated[bool, Parameter(group=_PRINT, negative=())] = False
    "Print one JSON object a file to standard output, nothing else."
    debug: Annotated[bool, Parameter(group=_PRINT, negative=())] = False
    "Show the traceback of an error."

    def words(self) -> list[str]:
        """Return what a user would type for these options."""
        return _words(self)


def _words(options: FitOptions | PrintOptions) -> list[str]:
    words: list[str] = []
    for field in fields(options):
        value, flag = getattr(options, field.name), "--" + field.name.replace("_", "-")
        if value == field.default:
            continue
        if value is True:
            words.append(flag)
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [flag, str(one)]
    return words


Pictures = Annotated[
    list[Path], Parameter(help="Picture files, or folders of them; - is standard input.")
]
Output = Annotated[
    Path | None,
    Parameter(
        name=["--output", "-o"],
        help="The output file; a folder if there are several inputs or if it has no suffix; - is "
        "standard output. Default: beside the input, with the task in its name; for FOLDER, "
        "FOLDER-denoised, -inpainted, -upscaled …",
    ),
]
Sigma = Annotated[
    float | None,
    Parameter(help="Noise level on the 0-255 scale (255 = full scale). Default: estimated."),
]
SigmaInUnits = Annotated[
    bool, Parameter(negative=(), help="--sigma is in the units of the file's values instead.")
]
Strength = Annotated[
    float | None,
    Parameter(help="How much of the noise is taken away, 0 to 1. Default: 1, all that was found."),
]
ColourStrength = Annotated[
    float | None, Parameter(help="Likewise, of the noise in the colours. Default: --strength.")
]
Joint = Annotated[
    Literal["z", "t", "c"] | None,
    Parameter(
        help="Of a stack: restore the pages along this axis (slices, times, channels) together, up "
        "to eight by one fit. Default: each by itself."
    ),
]
Flag = Annotated[bool, Parameter(negative=())]
