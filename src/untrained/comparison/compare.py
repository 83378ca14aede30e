"""One file restored by several methods, ours and classical ones, side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.atomic import make_folder, write_atomically
from untrained.baselines import BASELINES, Baseline, Image, find_baseline
from untrained.baselines.base import array_of, tensor_of
from untrained.comparison.cases import DEFAULT_OPTIONS, open_case
from untrained.errors import InputError
from untrained.images import (
    Picture,
    Place,
    UnitRange,
    aligned,
    central,
    from_unit,
    read_picture,
    sheet,
    to_unit,
    with_pixels,
    write_picture,
)
from untrained.metrics import psnr, ssim
from untrained.recipes import RECIPES, Recipe, with_settings
from untrained.restoring import Execution, restore
from untrained.tasks import Given

__all__ = ["DEFAULT_METHODS", "Comparison", "compare_file"]

DEFAULT_METHODS = {
    **{task: ("fast", next(iter(BASELINES[task]))) for task in DEFAULT_OPTIONS},
    "denoise": ("fast", "nlm", "tv", "wavelet"),
}
"""What is compared unless the user names methods; these tasks can be compared: y is a picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What is to be compared.

    Attributes:
        source: a picture file of one page.
        task: one that has classical methods, a key of `DEFAULT_METHODS`.
        methods: names of the task's recipes and of its classical methods; empty = the default.
        vary: a setting and its values, NAME=VALUE,VALUE…: every recipe once with each; empty = as
            they are.
        files, options: of the task, those that the user gave.
        truth: the clean picture, for scores only.
        crop: side of the central crop that is shown, at 1:1; 0 = the whole picture.
        steps: the most steps of the recipes; None = theirs.
        seed, device: as for `restore`.
    """

    source: Path
    task: str = "denoise"
    methods: tuple[str, ...] = ()
    vary: str = ""
    files: Mapping[str, Path] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    truth: Path | None = None
    crop: int = 256
    steps: int | None = None
    seed: int = 0
    device: str = "auto"


Row = dict[str, Any]


def compare_file(
    asked: Comparison, folder: Path, *, say: Callable[[str], None] = lambda line: None
) -> list[Row]:
    """Write NAME-METHOD pictures, compare.png, compare.md and compare.json into the folder.

    Returns:
        a row a method: method, seconds, file, and psnr (dB) and ssim where there is a truth.

    Raises:
        InputError: an unknown method or task, a file or an option that the task does not take,
            several pages, a truth of another size, a folder that cannot be written.
    """
    methods = _methods(asked)
    case = open_case(asked.task, asked.source, asked.files, asked.options)
    picture, given, unit_range = case.picture, case.given, case.unit_range
    truth = _truth(asked, picture, case.output_shape, unit_range)
    make_folder(folder)
    rows: list[Row] = []
    tiles = [("observed", _enlarged(case.observed, case.known.factor))]
    for name, method in methods.items():
        began = time.monotonic()
        if isinstance(method, Recipe):
            fitted = _fit(asked, method, picture.pixels[0], given)
            image = array_of(to_unit(fitted, value_range=unit_range)[0])
        else:
            image = method(case.observed, case.known)
        row: Row = {"method": name, "seconds": round(time.monotonic() - began, 2)}
        if truth is not None:
            pair = (tensor_of(np.clip(image, 0, 1)), tensor_of(truth))
            row |= {"psnr": psnr(*pair, peak=unit_range.peak),
                    "ssim": ssim(*pair, peak=unit_range.peak)}  # fmt: skip
        row["file"] = _write(folder, asked.source.stem, name, picture, image, unit_range)
        say(_label(row).replace("\n", ", "))
        rows.append(row)
        tiles.append((_label(row), image))
    if truth is not None:
        tiles.append(("truth", truth))
    _write_sheet(folder / "compare.png", tiles, asked.crop)
    _write_text(folder / "compare.md", _table(rows))
    _write_text(folder / "compare.json", json.dumps(rows, indent=1))
    return rows


def _methods(asked: Comparison) -> dict[str, Recipe | Baseline]:
    """Return the methods by the names that they are shown with."""
    if asked.task not in DEFAULT_METHODS:
        raise InputError(
            f"cannot compare {asked.task!r}, which has no classical method; "
            f"wanted {', '.join(DEFAULT_METHODS)}"
        )
    if asked.crop < 0:
        raise InputError(f"crop is {asked.crop}; wanted 0 (everything) or more pixels")
    known = [*RECIPES[asked.task], *BASELINES[asked.task]]
    methods: dict[str, Recipe | Baseline] = {}
    for name in asked.methods or DEFAULT_METHODS[asked.task]:
        if name not in known:
            raise InputError(f"no method {name!r} for {asked.task}; it has {', '.join(known)}")
        if name in RECIPES[asked.task]:
            methods |= _varied(asked, RECIPES[asked.task][name])
        else:
            methods[name] = find_baseline(asked.task, name)
    if asked.vary and not any(isinstance(method, Recipe) for method in methods.values()):
        raise InputError("only recipes have settings to vary; name one in --methods")
    return methods


def _varied(asked: Comparison, recipe: Recipe) -> dict[str, Recipe]:
    """Return the recipe, or one with each value of the setting that varies."""
    setting, equals, values = asked.vary.replace(" ", "").partition("=")
    if asked.vary and not (equals and values.strip(",")):
        raise InputError(
            f"vary is {asked.vary!r}; wanted NAME=VALUE,VALUE, for example lr=0.003,0.01"
        )
    variants = {recipe.name: recipe}
    if asked.vary:
        variants = {
            f"{recipe.name} {setting}={value}": with_settings(recipe, {setting: value})
            for value in filter(None, values.split(","))
        }
    if asked.steps is None:
        return variants
    return {
        name: replace(x, max_steps=min(asked.steps, x.max_steps)) for name, x in variants.items()
    }


def _fit(asked: Comparison, recipe: Recipe, page: NDArray[Any], given: Given) -> NDArray[Any]:
    result = restore(
        page, recipe=recipe, given=given, seed=asked.seed, execution=Execution(device=asked.device)
    )
    if result.cut_short:
        raise KeyboardInterrupt
    assert result.image is not None
    return result.image


def _truth(
    asked: Comparison, picture: Picture, shape: Sequence[int], unit_range: UnitRange
) -> Image | None:
    if asked.truth is None:
        return None
    truth = read_picture(asked.truth)
    with suppress(InputError):  # sizes are compared below
        place = replace(Place.of(picture), size=(shape[1], shape[2]))
        truth, _ = aligned("truth", truth, place)
    if truth.pixels.shape != tuple(shape) or truth.pixels.dtype != picture.pixels.dtype:
        got, wanted = ("x".join(map(str, s[1:])) for s in (truth.pixels.shape, shape))
        raise InputError(
            f"{asked.truth} is {got} {truth.pixels.dtype}, the result will be {wanted} "
            f"{picture.pixels.dtype}; wanted one size and type"
        )
    return array_of(to_unit(truth.pixels[0], value_range=unit_range)[0])


def _write(
    folder: Path, stem: str, method: str, picture: Picture, image: Image, unit_range: UnitRange
) -> str:
    values = from_unit(tensor_of(image), unit_range)[None]
    is_integer = np.issubdtype(values.dtype, np.integer)
    safe = "".join(c if c.isalnum() or c in "-_=." else "-" for c in method)
    name = f"{stem}-{safe}{'.png' if is_integer else '.tif'}"
    write_picture(folder / name, with_pixels(replace(picture, alpha=None), values))
    return name


def _write_sheet(path: Path, tiles: list[tuple[str, Image]], crop: int) -> None:
    from PIL import Image as Pillow

    shown = [(name, central(_shown(image), crop)) for name, image in tiles]
    page = Pillow.fromarray(sheet(shown))
    write_atomically(path, lambda file: page.save(file, "PNG", optimize=True))


def _write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda file: file.write(text.encode()))


def _table(rows: list[Row]) -> str:
    digits = {"psnr": 2, "ssim": 4, "seconds": 1}
    columns = [name for name in ("method", *digits, "file") if name in rows[0]]
    lines = [columns, ["---"] * len(columns)]
    for row in rows:
        lines.append([f"{row[c]:.{digits[c]}f}" if c in digits else row[c] for c in columns])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _label(row: Row) -> str:
    seconds = f"{row['seconds']:.1f} s"
    if "psnr" not in row:
        return f"{row['method']}\n{seconds}"
    return f"{row['method']}\n{row['psnr']:.2f} dB, SSIM {row['ssim']:.3f}, {seconds}"


def _shown(image: Image) -> Image:
    """Return one or three channels of an image of any number."""
    return image if image.shape[2] in (1, 3) else image[:, :, : 3 if image.shape[2] > 3 else 1]


def _enlarged(image: Image, factor: int) -> Image:
    return image.repeat(factor, axis=0).repeat(factor, axis=1)
