"""What every task is: it names its extra files and options, and turns them into what is given."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError
from untrained.fitting import Result
from untrained.images import (
    Marks,
    Picture,
    Place,
    Second,
    Words,
    aligned,
    read_marks,
    read_picture,
    read_second,
)
from untrained.operators import LinearOperator
from untrained.recipes import Recipe
from untrained.restoring import Given, Measured, MeasuredPages, Window
from untrained.tasks.formats import Formats

__all__ = [
    "Asked",
    "Given",
    "MeasuredPages",
    "Options",
    "PictureShape",
    "Source",
    "Task",
    "Unread",
    "as_size",
    "check_sigma",
    "read_truth",
]


Source = NDArray[Any] | str | Path
"""What the functions of the tasks take: an array, or the path of a picture file."""

Options = Mapping[str, Any]
"""What the user chose for a task, by name; plain JSON values."""

PictureShape = tuple[int, int, int, int]
"""(pages, height, width, channels) of a picture."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Asked:
    """What the user asks of a task.

    Attributes:
        source: the picture's file, for messages.
        picture: as it was read.
        files: the files beside it, those of `Task.files` that were given.
        options: of the task; all of them.
        max_pixels: larger pictures are refused.
    """

    source: Path
    picture: Picture
    files: Mapping[str, Path] = field(default_factory=dict)
    options: Options = field(default_factory=dict)
    max_pixels: int = 250_000_000

    @property
    def place(self) -> Place:
        """Where a second picture is to lie."""
        return Place.of(self.picture)

    def read(self, name: str) -> Second | None:
        """Return the picture in the file of that name, laid over the first; None = not given.

        Its notes are for `Given.notes`.

        Raises:
            InputError: as `read_second`.
        """
        if name not in self.files:
            return None
        return read_second(name, self.files[name], self.place, max_pixels=self.max_pixels)

    def marks(self, words: Words) -> Marks | None:
        """Return what the mask or hint of that name says, over the first; None = not given.

        Raises:
            InputError: as `read_marks`.
        """
        if words.name not in self.files:
            return None
        return read_marks(self.files[words.name], self.place, words, max_pixels=self.max_pixels)

    def sigma(self) -> float | None:
        """Return the option `sigma` in the units of the file's values; None = to be estimated.

        It is in these units with the option `sigma_in_units`, else on the customary scale where
        255 is full scale: the dtype's white, 1 for floats in [0, 1].

        Raises:
            InputError: the customary scale, and floats that have no full scale.
        """
        sigma: float | None = self.options["sigma"]
        if sigma is None or self.options["sigma_in_units"]:
            return sigma
        pixels = self.picture.pixels
        if np.issubdtype(pixels.dtype, np.integer):
            return sigma / 255 * float(np.iinfo(pixels.dtype).max)
        finite = pixels[np.isfinite(pixels)]
        if finite.size and (finite.min() < 0 or finite.max() > 1):
            raise InputError(
                f"{self.source}: sigma on the 0-255 scale needs a full scale, and float values "
                f"from {finite.min():g} to {finite.max():g} have none; pass --sigma-in-units"
            )
        return sigma / 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Unread:
    """A source that is to be read.

    Attributes:
        source: the file.
        files, options: as for `Asked`; with scans they say what of the file is meant.
        max_pixels: larger ones are refused.
        seed: of what is drawn of it: lines that are left out.
    """

    source: Path
    files: Mapping[str, Path] = field(default_factory=dict)
    options: Options = field(default_factory=dict)
    max_pixels: int = 250_000_000
    seed: int = 0


class Task:
    """A kind of restoration: which files and options it takes, and what it makes of them.

    A task overrides what it needs; as it stands, it is given nothing but the picture.

    Attributes:
        name: of the task, its command and its recipes.
        participle: what its pictures are then; the pictures of FOLDER go into FOLDER-PARTICIPLE.
        files: names of the files that it takes beside the picture: "mask", "guide" ….
        afterwards: names of the options that `finished` alone reads: another value of one costs no
            new fit.
        mosaic: whether the picture of a camera's raw file is its mosaic.
        formats: how its files are read and written.
    """

    name: str
    participle: str = "restored"
    files: tuple[str, ...] = ()
    afterwards: tuple[str, ...] = ()
    mosaic: bool = False
    formats: Formats = Formats()

    def read(self, unread: Unread) -> Picture:
        """Return what the source holds, page by page.

        Raises:
            InputError: as `read_picture`.
        """
        return read_picture(unread.source, max_pixels=unread.max_pixels, mosaic=self.mosaic)

    def check(self, options: Options) -> None:
        """Refuse bad options, before anything is read.

        Raises:
            InputError: a value out of range.
        """

    def recipe(self, recipe: Recipe, options: Options) -> Recipe:
        """Return the recipe as the options want it; of one that is so already, itself.

        Raises:
            InputError: a recipe that cannot be so.
        """
        return recipe

    def given(self, asked: Asked) -> Given:
        """Return what the fit of a picture is given; the options have been checked.

        Raises:
            InputError: a file or an option that does not go with the picture.
        """
        return Given()

    def measured(self, asked: Asked) -> MeasuredPages | None:
        """Return what was measured of every page, if the source is none of pictures.

        Raises:
            InputError: as `given`.
        """
        return None

    def truth(
        self, asked: Asked, given: Given | MeasuredPages, path: Path | None
    ) -> tuple[Picture | None, Given | MeasuredPages]:
        """Return what the fit is scored with, None = nothing; and `given`, with notes.

        Args:
            asked: what the fit is made of.
            given: for it.
            path: of the truth's file; None = none was named.

        Raises:
            InputError: as `read_picture`; another size.
        """
        if path is None:
            return None, given
        assert isinstance(given, Given)
        return read_truth(path, asked.place, given, max_pixels=asked.max_pixels)

    def windows(self, picture: Picture, options: Options) -> tuple[Sequence[Window], str]:
        """Return which pages are restored by one fit, and a note on it; () = each by its own.

        Raises:
            InputError: the options ask for what the picture has not.
        """
        return (), ""

    def look(self, image: Tensor, options: Options) -> Tensor:
        """Return what the screen shows of an image (1, C, H, W)."""
        return image

    def found(self, measured: Measured, result: Result) -> Mapping[str, Tensor]:
        """Return what a run keeps of a measured page's result beside it, by name, (1, c, h, w)."""
        return {}

    def spacing(self, picture: Picture) -> tuple[float, float] | None:
        """Return height and width of a pixel of the outcome in mm; None = unknown, or no matter."""
        return None

    def facts(self, picture: Picture) -> Mapping[str, str]:
        """Return what a careful reader wants to know of a source, by label."""
        return {}

    def finished(self, before: Picture, after: Picture, options: Options) -> Picture:
        """Return the picture that is written, of the one given and the one restored."""
        return after

    def is_outcome(self, page: NDArray[Any], picture: Picture, options: Options) -> bool:
        """Whether this can be a restored page of a picture."""
        _, *whole = self.output_shape(_shape_of(picture), options)
        return page.shape == tuple(whole) and np.can_cast(page.dtype, picture.pixels.dtype)

    def output_shape(self, shape: PictureShape, options: Options) -> PictureShape:
        """Return the shape of the restored picture for that of the picture given."""
        return shape


def _shape_of(picture: Picture) -> PictureShape:
    pages, height, width, channels = picture.pixels.shape
    return pages, height, width, channels


def check_sigma(options: Options) -> None:
    """Refuse a negative or infinite option `sigma`; for tasks that take one.

    Raises:
        InputError: it is.
    """
    sigma = options["sigma"]
    if sigma is not None and not 0 <= sigma < math.inf:
        raise InputError(f"sigma is {sigma}; wanted 0 or more, and finite")


def as_size(value: object, name: str) -> int:
    """Return a whole number.

    Raises:
        InputError: it is none ("2", 2.5).
    """
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"{name} is {value!r}; wanted a whole number") from None


def read_truth(
    truth: Source, place: Place, given: Given, *, max_pixels: int = 250_000_000
) -> tuple[Picture, Given]:
    """Return the truth laid over what is restored of the picture at a place; `given` with notes.

    Raises:
        InputError: as `read_picture`; another size.
    """
    clean = (
        read_picture(truth, max_pixels=max_pixels)
        if isinstance(truth, (str, Path))
        else Picture.from_array(truth)
    )
    height, width = place.size
    if isinstance(given.operator, LinearOperator):
        height, width = given.operator.image_shape((1, place.channels, height, width))[-2:]
    place = replace(place, size=(height, width), what="the restored image")
    clean, notes = aligned("truth", clean, place)
    return clean, replace(given, notes=(*given.notes, *notes))
