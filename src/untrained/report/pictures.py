"""The pictures of a run for the screen: 8 bits, all of a run by one map from values to shades.

That map is the fit's own (`arrays.shown_range`): black is 0 of the unit range, white is 1. Pictures
of 8 bits are shown as they are. All are shown upright, as the picture's EXIF says; the fit and the
files that it writes have the pixels as they are stored.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError
from untrained.images import (
    Picture,
    Place,
    UnitRange,
    aligned,
    natural_range,
    orientation_of,
    read_marks,
    read_picture,
    screen_profile,
    shown_range,
    upright,
    upright_size,
)
from untrained.jobs import RunFolder
from untrained.tasks import find_task

__all__ = ["Map", "Pixels", "RunPictures", "Shown", "as_png"]

Pixels = NDArray[np.uint8]
"""(H, W) gray or (H, W, 3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A picture of a run.

    Attributes:
        name: observed, estimate, truth, snapshots/STEP or overlays/NAME: also its address in the
            studio.
        width, height: in pixels.
        pixels: returns them; called only where they are wanted.
        note: what a careful reader should know of it.
        profile: the ICC profile that its colours have; None = sRGB, or none that is known.
    """

    name: str
    width: int
    height: int
    pixels: Callable[[], Pixels]
    note: str = ""
    profile: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Map:
    """A map over the picture: black is `low`, white is `high`, in `unit`.

    One that only `marks` says yes (white) and no (black), nothing between.
    """

    shown: Shown
    label: str
    low: float
    high: float
    unit: str
    marks: bool = False


class RunPictures:
    """The pictures of one page of a run. Nothing is read before it is asked for.

    Attributes:
        observed_label: what the observed picture is called.
    """

    observed_label: str = "original"

    def __init__(self, folder: Path, *, page: int = 1) -> None:
        """`page` counts from 1.

        Raises:
            InputError: no run, or it has no such page.
        """
        self.folder = folder
        self.notes: list[str] = []
        run = RunFolder(folder, notes=self.notes)
        run.check()
        self.record = run.read_record()
        self.page = page
        parts = sorted((folder / "pages").glob("[0-9]*"))
        self.pages = max(1, len(parts), *self.record.get("size", [1])[:1])
        if not 1 <= page <= self.pages:
            raise InputError(f"{folder}: has {self.pages} page(s), there is no page {page}")
        self.part = self.part_of(page)

    def part_of(self, page: int) -> Path:
        """Return the folder of a page, from 1: the run's own, if there is one page."""
        pages = self.folder / "pages"
        return pages / f"{page:04d}" if pages.is_dir() else self.folder

    @functools.cached_property
    def observed(self) -> Shown | None:
        """The file that was restored, if it is still what it was."""
        page = None if self._source is None else self._page_of(self._source)
        return None if page is None else self._shown("observed", page)

    @functools.cached_property
    def estimate(self) -> Shown | None:
        """The result as it was written; while there is none, the latest image of the fit."""
        page = self._result
        if page is not None:
            return self._shown("estimate", self._as_asked(page))
        latest = self.folder / "latest.png"
        if latest.exists():
            return self._file("estimate", latest, "the fit is not over")
        snapshots = self.snapshots
        if not snapshots:
            return None
        newest = max(snapshots)
        note = f"the image of step {newest}; the fit is not over"
        return self._file("estimate", self._snapshot_files()[newest], note)

    @functools.cached_property
    def truth(self) -> Shown | None:
        """The clean picture, if one was given to score with and can still be read."""
        path = self.record["job"]["truth"]
        picture = None if path is None else self._read(Path(path), "the truth")
        if picture is None:
            return None
        orientation = orientation_of(picture)
        if self._source is not None:
            place = Place.of(self._source)
            if self._result is not None:
                place = replace(place, size=(self._result.shape[0], self._result.shape[1]))
            with suppress(InputError):  # while there is no result of another size
                picture, _ = aligned("truth", picture, place)
                orientation = self._orientation
        page = self._page_of(picture)
        if page is None:
            return None
        return self._shown("truth", page, orientation, icc=picture.metadata.icc)

    @functools.cached_property
    def snapshots(self) -> dict[int, Shown]:
        """The image at each step where it was saved."""
        found = {}
        for step, path in self._snapshot_files().items():
            try:
                found[step] = self._file(f"snapshots/{step}", path)
            except Exception:  # Pillow raises what it likes
                self.notes.append(f"The image of step {step} is damaged, and is not shown.")
        return found

    @functools.cached_property
    def overlays(self) -> dict[str, Map]:
        """What was found beside the image, and where pixels were missing."""
        found = [self._extra(path) for path in sorted(self.part.glob("*.npy"))]
        maps = {m.shown.name.partition("/")[2]: m for m in found if m is not None}
        missing = self._missing()
        return maps if missing is None else {**maps, "missing": missing}

    @property
    def millimetres(self) -> tuple[float, float] | None:
        """Height and width of a pixel of the estimate, if they are known."""
        return None

    def find(self, name: str) -> Shown | None:
        """Return a picture by its name; None if the run has none of that name."""
        kind, _, which = name.partition("/")
        if name in ("observed", "estimate", "truth"):
            found: Shown | None = getattr(self, name)
            return found
        if kind == "snapshots" and which.isdecimal():
            return self.snapshots.get(int(which))
        entry = self.overlays.get(which) if kind == "overlays" else None
        return None if entry is None else entry.shown

    @functools.cached_property
    def range(self) -> UnitRange | None:
        """The map from the file's values to the unit range; None = 8 bits, shown as they are."""
        picture = self._source
        page = None if picture is None else self._page_of(picture)
        page = self._result if page is None else page
        return None if page is None or page.dtype == np.uint8 else shown_range(page)

    @functools.cached_property
    def _source(self) -> Picture | None:
        path = Path(self.record["job"]["source"])
        try:
            if path.exists() and not path.is_file():  # reading it might never end
                raise OSError
            same = _sha256(path, path.stat().st_mtime_ns) == self.record.get("source_sha256")
        except OSError:
            self.notes.append(f"The original is not shown: {path.name} is gone.")
            return None
        if not same:
            self.notes.append(
                f"The original is not shown: {path.name} is no longer the file that was restored."
            )
            return None
        mosaic = find_task(self.record["job"]["task"]).mosaic
        return self._read(path, "the observed picture", mosaic=mosaic)

    @functools.cached_property
    def _result(self) -> NDArray[Any] | None:
        page = RunFolder(self.part, notes=self.notes).load_page()
        if page is not None and page.ndim == 3:
            return page
        return None if self._written is None else self._page_of(self._written)

    def _as_asked(self, page: NDArray[Any]) -> NDArray[Any]:
        """Return a page of the result with the strengths that the record asks for."""
        job = self.record["job"]
        task, source = find_task(job["task"]), self._source
        if source is None or not any(job["options"].get(name) is not None
                                     for name in task.afterwards):  # fmt: skip
            return page
        before = self._page_of(source)
        if before is None or before.shape != page.shape:
            return page
        first, second = Picture(pixels=before[None]), Picture(pixels=page[None])
        asked: NDArray[Any] = task.finished(first, second, job["options"]).pixels[0]
        return asked

    @functools.cached_property
    def _icc(self) -> bytes | None:
        picture = self._source or self._written
        return None if picture is None else picture.metadata.icc

    @functools.cached_property
    def _written(self) -> Picture | None:
        path = next(iter(sorted(self.folder.glob("result.*"))), None)
        return None if path is None else self._read(path, "the result")

    @functools.cached_property
    def _orientation(self) -> int:
        picture = self._source or self._written
        return 1 if picture is None else orientation_of(picture)

    def _read(self, path: Path, what: str, *, mosaic: bool = False) -> Picture | None:
        most = self.record["job"]["max_pixels"]
        try:
            return read_picture(path, max_pixels=most, mosaic=mosaic)
        except InputError as error:
            self.notes.append(f"{what.capitalize()} is not shown: {error}.")
            return None

    def _page_of(self, picture: Picture) -> NDArray[Any] | None:
        return picture.pixels[self.page - 1] if self.page <= len(picture.pixels) else None

    def _shown(
        self, name: str, page: NDArray[Any], orientation: int | None = None, *,
        icc: bytes | None = None,
    ) -> Shown:  # fmt: skip
        page = upright(page, orientation or self._orientation)
        height, width = page.shape[:2]
        return Shown(
            name=name, width=width, height=height, pixels=lambda: self._pixels(page),
            profile=screen_profile(icc or self._icc, page.shape[2]),
        )  # fmt: skip

    def _pixels(self, page: NDArray[Any]) -> Pixels:
        page = page if page.shape[2] in (1, 3) else page[..., :1]
        if page.dtype != np.uint8:
            # a truth of 8 bits beside a float picture does not occur: one scale is asked for
            chosen = self.range or shown_range(page) or natural_range(page.dtype)
            page = _eight_bits((page.astype(np.float64) - chosen.offset) / chosen.scale)
        return page[..., 0] if page.shape[2] == 1 else page

    def _snapshot_files(self) -> dict[int, Path]:
        named = (
            (re.fullmatch(r"step-(\d+)\.png", p.name), p)
            for p in (self.part / "snapshots").glob("*.png")
        )
        return dict(sorted((int(match[1]), path) for match, path in named if match))

    def _file(self, name: str, path: Path, note: str = "") -> Shown:
        """Return a PNG of the unit range that the fit wrote."""
        from PIL import Image

        with Image.open(path) as picture:
            width, height = picture.size
            channels = len(picture.getbands())
        height, width = upright_size((height, width), self._orientation)
        return Shown(
            name=name, width=width, height=height, note=note,
            pixels=lambda: upright(_read_unit(path), self._orientation),
            profile=screen_profile(self._icc, channels),
        )  # fmt: skip

    def _extra(self, path: Path) -> Map | None:
        """Return a NAME.npy that stands beside a NAME.png, (h, w) or (h, w, c)."""
        if path.stem in _NO_MAPS or not path.with_suffix(".png").exists():
            return None
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError, SyntaxError):
            self.notes.append(f"{path.name} is damaged, and is not shown.")
            return None
        if values.ndim not in (2, 3) or values.dtype.kind not in "biuf":
            return None
        values = upright(values, self._orientation)
        finite = np.isfinite(values)
        if not finite.any():
            return None
        low, high, unit = float(values[finite].min()), float(values[finite].max()), ""
        if path.stem in ("spread", "uncertainty"):
            # 0 up, so that the shades of two runs mean the like
            low, (scale, unit) = 0.0, self._spread_unit()
            high *= scale
        else:
            scale, unit = 1.0, _UNITS.get(path.stem, "")
        height, width = values.shape[:2]
        return Map(
            shown=Shown(
                name=f"overlays/{path.stem}", width=width, height=height,
                pixels=lambda: _scaled(values * scale, low, high),
                note="the mean of its channels" if values.ndim == 3 else "",
            ),
            label=path.stem.replace("_", " "), low=low, high=high, unit=unit,
            marks=values.shape[2:] in ((), (1,))
            and bool((~finite | np.isin(values * scale, (low, high))).all()),
        )  # fmt: skip

    def _spread_unit(self) -> tuple[float, str]:
        """Return what a standard deviation of 1 in the unit range is, and in what: as is known."""
        return 255.0, "standard deviation, 0-255 scale"

    def _missing(self) -> Map | None:
        """Return where the fit was told nothing: the mask's holes, transparent and NaN pixels."""
        picture = self._source
        page = None if picture is None else self._page_of(picture)
        if picture is None or page is None:
            return None
        known = np.isfinite(page).all(axis=-1)
        if picture.alpha is not None:
            known &= picture.alpha[self.page - 1] > 0
        mask = self.record["job"]["files"].get("mask")
        if mask is not None:
            try:
                white = read_marks(Path(mask), Place.of(picture)).white
            except InputError as error:
                self.notes.append(f"The mask is not shown: {error}.")
            else:
                known &= ~white if self.record["job"]["options"].get("mask_invert") else white
        if known.all():
            return None
        known = upright(known, self._orientation)
        height, width = known.shape
        return Map(
            shown=Shown(
                name="overlays/missing", width=width, height=height,
                pixels=lambda: np.where(known, 0, 255).astype(np.uint8),
            ),
            label="missing pixels", low=0, high=1, unit="", marks=True,
        )  # fmt: skip


_NO_MAPS = {"page", "result", "first", "truth"}
_UNITS = {"residual": "log10 of |A x - y| / max |y|"}


def as_png(pixels: Pixels, profile: bytes | None = None) -> bytes:
    """Return the pixels as a PNG, with the ICC profile of their colours if they have one."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", compress_level=3, icc_profile=profile)
    return buffer.getvalue()


def _read_unit(path: Path) -> Pixels:
    pixels = read_picture(path).pixels[0]
    if pixels.dtype != np.uint8:
        pixels = _eight_bits(pixels / float(np.iinfo(pixels.dtype).max))
    shown: Pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    return shown


def _scaled(values: NDArray[Any], low: float, high: float) -> Pixels:
    gray = values.mean(axis=-1) if values.ndim == 3 else values
    return _eight_bits((gray - low) / ((high - low) or 1.0))


def _eight_bits(unit: NDArray[Any]) -> Pixels:
    shown: Pixels = np.rint(255 * np.nan_to_num(unit).clip(0, 1)).astype(np.uint8)
    return shown


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, changed: int) -> str:
    """Return the hash of a file; `changed` keeps it from being read again and again."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
