"""What every task is: it names its extra files and options, and turns them into what is given."""

from __future__ import annotations

import functools
import math
import operator
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError, did_you_mean
from untrained.fitting import Callback, Progress, Result, Scoring
from untrained.images import (
    Marks,
    Picture,
    Place,
    Second,
    Words,
    aligned,
    image_size,
    read_marks,
    read_picture,
    read_second,
)
from untrained.operators import LinearOperator
from untrained.recipes import Recipe, as_recipe, closest_setting, find_recipe, with_settings
from untrained.restoring import (
    Execution,
    Given,
    Hooks,
    Measured,
    MeasuredPages,
    Window,
    restore,
    restore_picture,
)
from untrained.tasks.formats import Formats

__all__ = [
    "Asked",
    "FitKeywords",
    "Given",
    "MeasuredPages",
    "Options",
    "PictureShape",
    "Source",
    "Task",
    "Unread",
    "as_asked",
    "as_size",
    "check_recipe",
    "check_sigma",
    "fit_task",
    "in_layout",
    "opened",
    "place_of",
    "read_truth",
    "run_task",
    "size_of",
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


def check_recipe(task: str, recipe: Recipe) -> None:
    """Refuse the recipe of another task; deinterlacing is a kind of inpainting.

    Raises:
        InputError: it is one.
    """
    if recipe.task != task and (task, recipe.task) != ("deinterlace", "inpaint"):
        raise InputError(
            f"recipe {recipe.name!r} is for {recipe.task}, not for {task}; "
            f"`untrained recipes {task}` lists those that are"
        )


def opened(image: Source | Picture) -> NDArray[Any] | Picture:
    """Return the picture of a file, read; an array as it is.

    Raises:
        InputError: as `read_picture`.
    """
    return read_picture(image) if isinstance(image, (str, Path)) else image


def place_of(image: NDArray[Any] | Picture, channel_axis: int | None) -> Place:
    """Return where a second picture beside what `opened` gave is to lie."""
    if isinstance(image, Picture):
        return Place.of(image)
    height, width = image_size(image, channel_axis)
    channels = 1 if np.ndim(image) == 2 else np.shape(image)[channel_axis or 0]
    return Place(size=(height, width), channels=channels)


def in_layout(pixels: NDArray[Any], ndim: int, channel_axis: int | None) -> NDArray[Any]:
    """Return pixels (H, W, C) with the axes of the array that they stand beside."""
    if ndim == 2 or channel_axis is None:
        return pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    return np.moveaxis(pixels, -1, channel_axis)


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


def size_of(image: NDArray[Any] | Picture, channel_axis: int | None) -> tuple[int, int]:
    """Return the height and width of what `opened` gave. Raises InputError of wrong axes."""
    return image_size(image.pixels[0] if isinstance(image, Picture) else image, channel_axis)


class FitKeywords(TypedDict, total=False):
    """The keywords that all functions of the tasks take.

    Attributes:
        channel_axis: the axis of the channels in a three-dimensional array; default the last.
        recipe: the name of a recipe of the task, or a recipe; default "fast".
        steps: the most steps to take; short for `settings={"max_steps": …}`.
        settings: changes to the recipe by name, as `with_settings` takes them: {"lr": 0.005}.
        truth: the clean image, or the path of its file, for scoring only (`Result.score`).
        seed: of every random number: same seed, same machine, same image; default 0.
        device: auto (the default), cpu, cuda, cuda:N or mps.
        callbacks: observers of the fit.
        progress: show steps, loss and the time left while it runs.
        return_result: return the `Result` (image, scores, history, weights, what else was found)
            instead of the image; of a file with several pages a list of them.
    """

    channel_axis: int | None
    recipe: str | Recipe
    steps: int | None
    settings: Mapping[str, Any] | None
    truth: Source | None
    seed: int
    device: str
    callbacks: Sequence[Callback]
    progress: bool
    return_result: bool


def run_task(task: str, image: Source | Picture, given: Given, fit: FitKeywords) -> Any:
    """Return the restored image of an array or of a picture, or what `return_result` asks for."""
    restored, results = fit_task(task, image, given, fit)
    return as_asked(results) if fit.get("return_result") else restored


def as_asked(results: list[Result]) -> Result | list[Result]:
    """Return the result of one image, the results of several pages."""
    return results[0] if len(results) == 1 else results


def fit_task(
    task: str, image: Source | Picture, given: Given, fit: FitKeywords,
    windows: Sequence[Window] = (),
) -> tuple[NDArray[Any], list[Result]]:  # fmt: skip
    """Return the restored image of an array or of a picture, and the result of every page.

    The pages of each of the `windows` of a picture are restored by one fit.

    Raises:
        InputError: as `restore`; also a keyword that is none of `FitKeywords`.
    """
    _check_keywords(task, fit)
    recipe = as_recipe(fit.get("recipe", "fast"), task=task)
    check_recipe(task, recipe)
    changes = dict(fit.get("settings") or {})
    if fit.get("steps") is not None:
        changes["max_steps"] = fit["steps"]
    recipe = with_settings(recipe, changes)
    source, truth = opened(image), fit.get("truth")
    seed, device, axis = fit.get("seed", 0), fit.get("device", "auto"), fit.get("channel_axis", -1)
    observers = functools.partial(_observers, task, fit)
    if isinstance(source, Picture):
        clean = None
        if truth is not None:
            clean, given = read_truth(truth, Place.of(source), given)
        _warn(given)
        picture, results = restore_picture(
            source, recipe=recipe, given=given, truth=clean, seed=seed, device=device,
            hooks=lambda page: Hooks(callbacks=observers(), on_failed=_left(source, page)),
            windows=windows,
        )  # fmt: skip
        return picture.to_array(), results
    if isinstance(truth, (str, Path)):
        read, given = read_truth(truth, place_of(source, axis), given)
        truth = _as_array(read, np.ndim(source), axis)
    _warn(given)
    result = restore(
        source, recipe=recipe, given=given, channel_axis=axis, seed=seed, truth=truth,
        execution=Execution(device=device, callbacks=observers()),
    )  # fmt: skip
    assert result.image is not None
    return result.image, [result]


def _left(picture: Picture, page: int) -> Callable[[InputError], None] | None:
    """Return what says that a page of several stays as it was; None = the error is raised."""
    if len(picture.pixels) == 1:
        return None
    return lambda error: warnings.warn(f"page {page + 1}: {error}; it is as it was", stacklevel=4)


def _observers(label: str, fit: FitKeywords) -> list[Callback]:
    callbacks = list(fit.get("callbacks", ()))
    if not fit.get("progress"):
        return callbacks
    scoring = Scoring()
    return [scoring, Progress(label, scoring=scoring), *callbacks]


def _warn(given: Given) -> None:
    """Tell the caller of a task's function how the files and arrays beside the image were read."""
    level = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("untrained."):
        level, frame = level + 1, frame.f_back  # the user's line
    for note in given.notes:
        warnings.warn(note, UserWarning, stacklevel=level)


def _as_array(truth: Picture, ndim: int, channel_axis: int | None) -> NDArray[Any]:
    """Return the truth of a file in the layout of the array that it stands beside."""
    if len(truth.pixels) != 1:
        raise InputError(f"truth has {len(truth.pixels)} pages, the image is one")
    return in_layout(truth.pixels[0], ndim, channel_axis)


def _check_keywords(task: str, fit: FitKeywords) -> None:
    """Refuse a keyword that no function of a task takes, and name the one that may be meant."""
    known = FitKeywords.__annotations__
    for name in fit:
        if name in known:
            continue
        meant = closest_setting(name, find_recipe(task, "fast"))
        if meant and not did_you_mean(name, known, cutoff=0.7):
            raise InputError(f"{task} takes no {name!r}; give it as settings={{{meant!r}: …}}")
        hint = did_you_mean(name, known)
        raise InputError(f"{task} takes no {name!r}; {hint}it takes {', '.join(known)}")
