"""How the functions of the tasks are called: an array or a file, keywords, and what comes back."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError, did_you_mean
from untrained.fitting import Callback, Progress, Result, Scoring
from untrained.images import Picture, Place, image_size, read_picture
from untrained.recipes import Recipe, as_recipe, closest_setting, find_recipe, with_settings
from untrained.restoring import Execution, Given, Hooks, Window, restore, restore_picture
from untrained.tasks.base import Source, read_truth

__all__ = [
    "FitKeywords",
    "as_asked",
    "check_recipe",
    "fit_task",
    "in_layout",
    "opened",
    "place_of",
    "run_task",
    "size_of",
]


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
