"""The pictures that a run keeps beside its result: snapshots, and what else the fit has found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from untrained.fitting import Callback, Start
from untrained.images import Picture, range_of, shown_range, write_picture
from untrained.restoring import Given

__all__ = ["snapshot_saver", "write_extras"]


def snapshot_saver(
    folder: Path, page: NDArray[Any], *, look: Callable[[Tensor], Tensor] = lambda image: image
) -> Callable[[int, Tensor], None]:
    """Return what saves an image of the unit range as PNG beside the page (H, W, C) it is of.

    Of a page of 8 bits the values are those of the file, else the unit range in 16 bits. `look` is
    what is to be seen of the image.
    """
    eight = page.dtype == np.uint8
    shown = shown_range(page) if eight else None

    def save(step: int, image: Tensor) -> None:
        path = folder / "snapshots" / f"step-{step:06d}.png"
        values = look(image)[0].permute(1, 2, 0).cpu().double().numpy()
        if shown is not None and shown.scale != 255:
            values = (shown.offset + shown.scale * values) / 255
        if values.shape[2] == 1 and page.shape[2] == 3:  # gray stored as colours
            values = np.repeat(values, 3, axis=2)
        _write_png(path, values, np.uint8 if eight else np.uint16)

    return save


class Looks(Callback):
    """Write what a measured page is shown beside, when its fit begins.

    first.npy, the image by a simple method; truth.npy, if there is one.
    """

    needs_whole_image: ClassVar[bool] = False

    def __init__(
        self, folder: Path, given: Callable[[], Given], *, truth: NDArray[Any] | None
    ) -> None:
        self.folder = folder
        self.given = given
        self.truth = truth

    def on_start(self, start: Start) -> None:
        """Write them."""
        for name, values in (("first", self.given().first), ("truth", self.truth)):
            if values is not None:
                write_picture(self.folder / f"{name}.npy", Picture.from_array(values))


def write_extras(folder: Path, extras: Mapping[str, Tensor]) -> None:
    """Write NAME.npy, (h, w) or (h, w, c), and to look at NAME.png, dark or wide values scaled."""
    for name, value in extras.items():
        assert name not in ("page", "result", "first", "truth"), f"a run has a {name} of its own"
        values = value[0].permute(1, 2, 0).cpu().numpy()
        write_picture(
            folder / f"{name}.npy",
            Picture.from_array(values[..., 0] if values.shape[2] == 1 else values),
        )
        finite = np.isfinite(values)
        if finite.any():
            shown = range_of(values, finite)
            _write_png(folder / f"{name}.png", (values - shown.offset) / shown.scale, np.uint16)


def _write_png(path: Path, values: NDArray[Any], kind: type[np.unsignedinteger[Any]]) -> None:
    """Write (h, w, c) values of the unit range; of other than 1 or 3 channels, the first."""
    shown = values if values.shape[2] in (1, 3) else values[..., :1]
    # in float64, as `from_unit` rounds: the snapshot of the kept step is the result to the bit
    shown = np.nan_to_num(shown.astype(np.float64).clip(0, 1)) * np.iinfo(kind).max
    write_picture(path, Picture.from_array(np.rint(shown).astype(kind)))
