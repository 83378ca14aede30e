"""What a mask says: which pixels are white (known, or marked) and which are black.

Masks come as drawings (white, black, colours, grays at their edges, JPEG's ripples), as labels
that count things from 1, as transparency, and for each channel apart. One rule for all of them,
of files and arrays alike; where another reading is possible, it is told in one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images.second import Place, read_second

if TYPE_CHECKING:  # files are read and written without torch, which takes a second to import
    from torch import Tensor

__all__ = ["Marks", "Words", "mask_to_tensor", "read_marks"]

_FEW = 32  # of values up to this, none is a shade
_SHADES = 32  # in which colours are told apart


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a drawing is called, for messages.

    Attributes:
        name: mask, hint.
        white, black: what they stand for.
        strokes_are_white: whether strokes on nothing, and holes, are the white of the drawing.
    """

    name: str = "mask"
    white: str = "known"
    black: str = "to be filled"
    strokes_are_white: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Marks:
    """What a drawing says.

    Attributes:
        white: (H, W), true where it is white.
        notes: how it was read, where that is not plain.
    """

    white: NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def read_marks(
    source: NDArray[Any] | str | Path, place: Place, words: Words = Words(), *,
    channel_axis: int | None = -1, max_pixels: int = 250_000_000,
) -> Marks:  # fmt: skip
    """Return what a mask says, a file or an array, over the picture that takes the place.

    Arguments and errors are those of `read_second` and `marks_of`.
    """
    second = read_second(
        words.name, source, place, channel_axis=channel_axis, max_pixels=max_pixels
    )
    pixels, alpha = second.pixels, second.alpha
    # Arrays, .npy and many a TIFF have alpha as a channel like others.
    if alpha is None and pixels.shape[-1] in (2, 4) and pixels.shape[-1] != place.channels:
        pixels, alpha = pixels[..., :-1], pixels[..., -1]
    marks = marks_of(pixels, alpha, words)
    return Marks(white=marks.white, notes=(*second.notes, *marks.notes))


def marks_of(
    pixels: NDArray[Any], alpha: NDArray[Any] | None = None, words: Words = Words()
) -> Marks:
    """Return what pixels (H, W, C) with an alpha (H, W) say, C = 1 or more.

    Transparency counts where it hides something. If all that is visible is dark or coloured
    strokes, they are the drawing; else the transparent part is a hole. Of a drawing without it,

    - whole numbers that are labels (0, and up to 32, or flat patches of several values with jumps
      between them): all but 0 are white; so are flat colours on black. Not so
      grays on white paper, nor channels that are each black or white: masks of channels apart;
    - else white is what is above half of the largest value, in every channel.

    Raises:
        InputError: NaN and infinite values; black, white and transparent parts together.
    """
    if not np.isfinite(pixels).all():
        raise InputError(
            f"{words.name} has NaN or infinite values; wanted numbers, "
            f"0 where a pixel is {words.black}"
        )
    visible = None if alpha is None else alpha > alpha.max() / 2
    if visible is None or visible.all() or not visible.any():
        return _by_colour(pixels, words)
    return _by_transparency(pixels, visible, words)


def mask_to_tensor(mask: NDArray[Any], size: tuple[int, int]) -> Tensor:
    """Return a (1, 1, H, W) mask of 1 = known from an array (H, W) or (H, W, C), as `marks_of`.

    Raises:
        InputError: another size than the image, or no known pixel at all.
    """
    import torch

    mask = np.asarray(mask)
    if mask.ndim not in (2, 3) or mask.shape[:2] != size:
        raise InputError(
            f"mask is {'x'.join(map(str, mask.shape))}, image is {size[0]}x{size[1]}; "
            "pass a mask of the image's height and width"
        )
    mask = mask if mask.ndim == 3 else mask[..., None]
    known = np.asarray(mask.all(-1)) if mask.dtype == bool else marks_of(mask).white
    if not known.any():
        raise InputError(
            "mask marks every pixel as unknown; white (true) means known, "
            "use --mask-invert (~mask) if yours is the other way round"
        )
    return torch.from_numpy(np.ascontiguousarray(known[None, None]).astype(np.float32))


def _by_transparency(pixels: NDArray[Any], visible: NDArray[np.bool_], words: Words) -> Marks:
    """Return what a drawing says of which a part is transparent."""
    seen = pixels[visible]
    top = max(1.0, float(pixels.max()))
    if top > 1 and np.issubdtype(pixels.dtype, np.integer):
        top = float(np.iinfo(pixels.dtype).max)
    light = (seen > top / 2).all(-1)
    drawn = _few_colours(seen, top)
    how = f"the {words.name} is read from its transparency: "
    if drawn and light.all():  # erased from white, or white strokes
        return Marks(white=visible, notes=(f"{how}what is opaque is {words.white}",))
    if drawn and light.any():
        raise InputError(
            f"{words.name} has black, white and transparent parts; "
            f"make it opaque: white = {words.white}, black = {words.black}"
        )
    marked, what = (visible, "drawn") if drawn else (~visible, "transparent")
    meaning = words.white if words.strokes_are_white else words.black
    white = marked if words.strokes_are_white else ~marked
    return Marks(white=white, notes=(f"{how}what is {what} is {meaning}",))


def _few_colours(seen: NDArray[Any], top: float) -> bool:
    """Whether up to three colours are all there is (.5 % aside): strokes, no photograph."""
    levels = np.clip(seen.astype(np.float64) / (top or 1) * _SHADES, 0, _SHADES - 1).astype(int)
    _, counts = np.unique(_codes(levels), return_counts=True)
    return bool(np.sort(counts)[-3:].sum() >= 0.995 * len(seen))


def _by_colour(pixels: NDArray[Any], words: Words) -> Marks:
    """Return what an opaque drawing says."""
    top = float(pixels.max())
    gray = bool((pixels == pixels[..., :1]).all())
    shades = pixels > top / 2
    white = np.asarray(shades.all(-1))
    black = int((pixels == 0).all(-1).sum())
    mixed = bool(((pixels > 0) & (pixels < top)).any())  # else white stands for channels apart
    paper = gray and pixels.dtype.kind in "iu" and top == np.iinfo(pixels.dtype).max
    on_black = black > white.sum() and (mixed or not white.any())
    values = pixels[..., 0] if gray or not on_black else _codes(pixels)
    if (on_black or (gray and not paper)) and _are_labels(values, jumps=gray):
        number = len(np.unique(values)) - 1
        what = "labels" if gray else "flat colours on black"
        note = f"the {words.name} holds {number} {what}: all but 0 are {words.white}"
        return Marks(white=values != 0, notes=(note,) if number > 1 else ())
    if not gray and (shades.any(-1) & ~white).any():
        return Marks(white=white, notes=(
            f"the {words.name} is coloured: what is light in every channel is {words.white}",
        ))  # fmt: skip
    between = (pixels > top / 8) & (pixels < top * 7 / 8)
    if between.mean() > 0.1:
        return Marks(white=white, notes=(
            f"the {words.name} has grays: what is above half of its largest value ({top:g}) is "
            f"{words.white}",
        ))  # fmt: skip
    return Marks(white=white)


def _are_labels(values: NDArray[Any], *, jumps: bool) -> bool:
    """Whether whole numbers (H, W) name things; shades lie in thin edges, ripples or gradients.

    Numbers that stand for colours have no order: `jumps` = false.
    """
    top = float(values.max())
    fractions = values.dtype.kind == "f" and bool((values != np.rint(values)).any())
    if fractions or top <= 0 or not (values == 0).any():
        return False
    if jumps and top < _FEW:
        return True
    between = (values > 0) & (values < top) if jumps else values > 0
    if not between.any():
        return False
    rows, columns = values[:, 1:] == values[:, :-1], values[1:] == values[:-1]
    patch = rows[1:] & rows[:-1] & columns[:, 1:]  # 2x2 pixels of one value
    flat = np.zeros(values.shape, dtype=bool)
    for down in (0, 1):
        for across in (0, 1):
            height, width = patch.shape
            flat[down : down + height, across : across + width] |= patch
    if flat[between].mean() < 0.5:
        return False
    steps = np.concatenate(
        [np.abs(np.diff(values.astype(np.float64), axis=axis)).ravel() for axis in (0, 1)]
    )
    return not jumps or bool(np.median(steps[steps > 0]) > top / 8)


def _codes(colours: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number for each colour (…, C): equal for equal ones, 0 for black."""
    flat = colours.reshape(-1, colours.shape[-1])
    codes = np.zeros(len(flat), dtype=np.int64)
    for channel in flat.T:
        _, ranks = np.unique(np.concatenate([[0], channel]), return_inverse=True)
        codes = codes * (int(ranks.max()) + 1) + (ranks[1:] - ranks[0])
        _, codes = np.unique(np.concatenate([[0], codes]), return_inverse=True)
        codes = codes[1:] - codes[0]
    return codes.reshape(colours.shape[:-1])
