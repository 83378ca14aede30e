"""What every task is: it names its extra files and options, and turns them into what is given."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from untrained.arrays import image_size
from untrained.callbacks import Callback
from untrained.errors import InputError
from untrained.images import Picture, read_picture
from untrained.recipes import Recipe, find_recipe
from untrained.restore import Hooks, restore, restore_picture
from untrained.result import Result

__all__ = [
    "Asked",
    "Given",
    "Options",
    "PictureShape",
    "Source",
    "Task",
    "as_size",
    "check_recipe",
    "check_sigma",
    "fit_task",
    "opened",
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

    def read(self, name: str) -> Picture | None:
        """Return the picture in the file of that name; None if it was not given.

        Raises:
            InputError: as `read_picture`.
        """
        if name not in self.files:
            return None
        return read_picture(self.files[name], max_pixels=self.max_pixels)

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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Given:
    """What a fit is given beside the picture and the recipe; each as `restore` takes it.

    Attributes:
        operator: A; None = the identity.
        mask: (H, W), true = known; None = every finite pixel is.
        sigma: standard deviation of the noise in the units of the image's values; None = estimated.
        photons: at white, of noise that is that of light; instead of `sigma`.
        guide: another picture of the same size, (H, W) or (H, W, C), that the objective goes by:
            of the same scene for a z that is a `Guide`, a hint for `Decompose`.
    """

    operator: Callable[[Tensor], Tensor] | None = None
    mask: NDArray[Any] | None = None
    sigma: float | None = None
    photons: float | None = None
    guide: NDArray[Any] | None = None

    def as_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `restore` and `restore_picture`."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


class Task:
    """A kind of restoration: which files and options it takes, and what it makes of them.

    A task overrides what it needs; as it stands, it is given nothing but the picture.

    Attributes:
        name: of the task, its command and its recipes.
        files: names of the files that it takes beside the picture: "mask", "guide" ….
    """

    name: str
    files: tuple[str, ...] = ()

    def check(self, options: Options) -> None:
        """Refuse bad options, before anything is read.

        Raises:
            InputError: a value out of range.
        """

    def given(self, asked: Asked) -> Given:
        """Return what the fit of a picture is given; the options have been checked.

        Raises:
            InputError: a file or an option that does not go with the picture.
        """
        return Given()

    def output_shape(self, shape: PictureShape, options: Options) -> PictureShape:
        """Return the shape of the restored picture for that of the picture given."""
        return shape


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


def size_of(image: NDArray[Any] | Picture, channel_axis: int | None) -> tuple[int, int]:
    """Return the height and width of what `opened` gave. Raises InputError of wrong axes."""
    return image_size(image.pixels[0] if isinstance(image, Picture) else image, channel_axis)


def fit_task(
    task: str, image: Source | Picture, given: Given, *, recipe: str | Recipe,
    channel_axis: int | None, seed: int, device: str, callbacks: Sequence[Callback],
) -> tuple[NDArray[Any], Result]:  # fmt: skip
    """Return the restored image of an array or of a picture, and the result (of the last page)."""
    chosen = find_recipe(task, recipe) if isinstance(recipe, str) else recipe
    check_recipe(task, chosen)
    source = opened(image)
    if isinstance(source, Picture):
        picture, results = restore_picture(
            source, recipe=chosen, seed=seed, device=device,
            hooks=lambda _: Hooks(callbacks=callbacks), **given.as_arguments(),
        )  # fmt: skip
        return picture.to_array(), results[-1]
    result = restore(
        source, recipe=chosen, channel_axis=channel_axis, seed=seed, device=device,
        callbacks=callbacks, **given.as_arguments(),
    )  # fmt: skip
    assert result.image is not None
    return result.image, result


def run_task(
    task: str, image: Source | Picture, given: Given, *, recipe: str | Recipe,
    channel_axis: int | None, seed: int, device: str, callbacks: Sequence[Callback],
) -> NDArray[Any]:  # fmt: skip
    """Return the restored image of an array or of a picture; the functions of the tasks."""
    return fit_task(
        task, image, given, recipe=recipe, channel_axis=channel_axis, seed=seed, device=device,
        callbacks=callbacks,
    )[0]  # fmt: skip
