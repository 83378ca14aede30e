"""The pictures of a run whose source is a scan: all of them are in its folder, in its own units.

The screen shows |x| / scale: white is the fit's scale, about the largest value without outliers.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained.images import Picture, UnitRange
from untrained.jobs import RunFolder
from untrained.report.pictures import RunPictures, Shown
from untrained.tasks import find_task

__all__ = ["ScanPictures", "open_run"]


def open_run(folder: Path, *, page: int = 1) -> RunPictures:
    """Return the pictures of one page of a run, from 1.

    Raises:
        InputError: no run, or it has no such page.
    """
    pictures = RunPictures(folder, page=page)
    measured = "scales" in pictures.record
    return ScanPictures(folder, page=page) if measured else pictures


class ScanPictures(RunPictures):
    """The pictures of one page of a scan's run."""

    observed_label = "first look"

    def __init__(self, folder: Path, *, page: int = 1) -> None:
        super().__init__(folder, page=page)
        told = (f"{note[:1].upper()}{note[1:]}." for note in self.record.get("notes", ()))
        self.notes += [note for note in told if note not in self.notes]

    @functools.cached_property
    def observed(self) -> Shown | None:
        """The image by a simple method: zero-filled, back-projected."""
        page = self._saved("first")
        return None if page is None else self._shown("observed", page)

    @functools.cached_property
    def truth(self) -> Shown | None:
        """The image that the fit was scored with."""
        page = self._saved("truth")
        return None if page is None else self._shown("truth", page)

    @functools.cached_property
    def range(self) -> UnitRange | None:
        """The map from the scan's units to the unit range."""
        scale = float(self.record["scales"].get(str(self.page), 1.0))
        return UnitRange(offset=0.0, scale=scale, peak=1.0, dtype=np.dtype(np.float32))

    @property
    def millimetres(self) -> tuple[float, float] | None:
        """Height and width of a pixel, if the scan says them."""
        found = self.record.get("spacing_mm")
        return None if found is None else (float(found[0]), float(found[1]))

    @functools.cached_property
    def _source(self) -> Picture | None:
        return None  # k-space is no picture

    @functools.cached_property
    def _orientation(self) -> int:
        return 1

    @functools.cached_property
    def _result(self) -> NDArray[Any] | None:
        page = RunFolder(self.part, notes=self.notes).load_page()
        if page is None:
            pages = self._load(self.folder / "result.npy")
            page = None if pages is None or len(pages) < self.page else pages[self.page - 1]
        if page is None or page.ndim != 3:
            return None
        job = self.record["job"]
        image = torch.from_numpy(np.ascontiguousarray(page)).permute(2, 0, 1)[None]
        looked_at = find_task(job["task"]).look(image, job["options"])
        found: NDArray[Any] = looked_at[0].permute(1, 2, 0).numpy()
        return found

    def _spread_unit(self) -> tuple[float, str]:
        assert self.range is not None
        return self.range.typical_scale, "standard deviation, in the units of the image"

    def _saved(self, name: str) -> NDArray[Any] | None:
        """Return what the run has saved beside the result, (H, W, 1): of a series its middle."""
        values = self._load(self.part / f"{name}.npy")
        if values is None or values.ndim not in (2, 3):
            return None
        if values.ndim == 2:
            return values[..., None]
        middle = values.shape[2] // 2
        return values[..., middle : middle + 1]

    def _load(self, path: Path) -> NDArray[Any] | None:
        if not path.is_file():
            return None
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError, SyntaxError):
            self.notes.append(f"{path.name} is damaged, and is not shown.")
            return None
        return values if values.dtype.kind == "f" else None
