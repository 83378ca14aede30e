"""The pictures of a workspace: taken in once, never changed, shown as PNG without loss."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np

from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.images import (
    READABLE,
    Marks,
    Picture,
    Place,
    as_stored,
    orientation_of,
    read_marks,
    read_picture,
    upright,
    upright_size,
    with_orientation,
    with_pixels,
    write_picture,
)
from untrained.jobs import Job
from untrained.studio.queue import Queue
from untrained.studio.scans import SCANS, is_scan, scan_facts
from untrained.studio.screen import SIDES, screen_page, screen_values, small, smaller_file
from untrained.studio.workspace import Workspace, new_id
from untrained.tasks import find_task

__all__ = ["Pictures", "plain_name", "without_paths"]


class Pictures:
    """Take pictures in and show them. One is decoded at a time, so that memory stays bounded."""

    def __init__(self, workspace: Workspace, queue: Queue, *, max_pixels: int) -> None:
        self.workspace = workspace
        self.queue = queue
        self.max_pixels = max_pixels
        self.decoding = threading.Lock()
        self.latest: tuple[tuple[Path, bool], Picture] | None = None

    def add(
        self, name: str, file: IO[bytes], *, kind: str = "picture", over: str | None = None,
        header: IO[bytes] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Take in a file; `kind` is picture, scan, or kernel, which may be as small as it likes.

        A file that can only be a scan is one. `over` is the picture that it was painted over, as
        that is shown: upright. `header` is the .hdr of a .cfl.

        Raises:
            InputError: it cannot be read; nothing of it is kept.
        """
        name = plain_name(name)
        suffix = Path(name).suffix.lower()
        if suffix not in READABLE and suffix not in SCANS:
            known = ", ".join(dict.fromkeys((*READABLE, *SCANS)))
            raise InputError(f"{name}: unknown file type; wanted {known}")
        if suffix == ".cfl" and header is None:
            raise InputError(f"{name}: comes with a .hdr of the same name; choose both files")
        id_ = new_id()
        folder = self.workspace.picture(id_)
        folder.mkdir()
        path = folder / f"picture{suffix}"
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
            if header is not None:
                with path.with_suffix(".hdr").open("wb") as copy:
                    shutil.copyfileobj(header, copy, 1 << 20)
            if over is not None:
                self._lay(path, self.file(over))
            kind = "scan" if is_scan(path) else kind
            facts_of = {"kernel": self._kernel_facts, "scan": self._scan_facts}
            with self.decoding:
                facts = facts_of.get(kind, self._facts)(path)
            facts |= {"id": id_, "name": name, "kind": kind, "bytes": path.stat().st_size}
            self.queue.add_picture(id_, facts)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, InputError):
                raise InputError(str(error).replace(str(path), name)) from None
            if isinstance(error, OSError):
                raise InputError(f"{name}: cannot be stored ({error.strerror})") from None
            raise
        return facts

    def read_mask(self, id_: str, name: str, file: IO[bytes]) -> Marks:
        """Return what a mask file says over a picture as that is shown: upright.

        Raises:
            InputError: as `read_marks`; nothing is kept either way.
        """
        with tempfile.TemporaryDirectory(prefix="untrained-") as folder:
            path = Path(folder) / "mask"
            try:
                with path.open("wb") as copy:
                    shutil.copyfileobj(file, copy, 1 << 20)
                with self.decoding:
                    picture = read_picture(self.file(id_), max_pixels=self.max_pixels)
                    marks = read_marks(path, Place.of(picture), max_pixels=self.max_pixels)
                return replace(marks, white=upright(marks.white, orientation_of(picture)))
            except InputError as error:
                raise InputError(str(error).replace(str(path), plain_name(name))) from None

    def file(self, id_: str) -> Path:
        """Return the path of a picture. Raises InputError if it has been deleted."""
        path = next(iter(sorted(self.workspace.picture(id_).glob("picture.*"))), None)
        if path is None:
            raise InputError(f"no picture {id_}; it may have been deleted")
        return path

    def kept(self, job: Job) -> Picture:
        """Return what a job reads; the last picture is kept, since a form asks often.

        Raises:
            InputError: as `Job.read_source`.
        """
        key = job.source, find_task(job.task).mosaic
        with self.decoding:
            if self.latest is not None and self.latest[0] == key:
                return self.latest[1]
            self.latest = None
            picture = job.read_source()
            if picture.pixels.nbytes <= _KEPT_BYTES:
                self.latest = key, picture
            return picture

    def page(self, id_: str, page: int) -> Path:
        """Return a page, from 1, as PNG for the screen; made when it is first asked for."""
        path = self.workspace.picture(id_) / f"page-{page}.png"
        facts = self.queue.picture(id_)
        if facts is not None and facts["kind"] == "scan":
            return path.with_name("page-1.png")  # of the middle slice
        with self.decoding:
            if not path.exists():
                picture = read_picture(self.file(id_), max_pixels=self.max_pixels)
                _write(path, screen_page(picture, page - 1))
        return path

    def look(self, id_: str, look: str) -> Path:
        """Return a smaller look at the first page as WebP: "preview" or "thumbnail"."""
        path = self.workspace.picture(id_) / f"{look}.webp"
        if not path.exists():  # of an older workspace, a kernel, or a scan
            page = self.page(id_, 1)
            with self.decoding:
                _write(path, smaller_file(page, look))
        return path

    def sweep(self) -> None:
        """Remove the pictures that no job has used for a day."""
        before = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="seconds")
        for id_ in self.queue.unused_pictures(before=before):
            self.delete(id_)

    def delete(self, id_: str) -> bool:
        """Remove a picture, if no job uses it; whether it was removed."""
        with self.decoding:
            self.latest = None
        if not self.queue.delete_picture(id_):
            return False
        shutil.rmtree(self.workspace.picture(id_), ignore_errors=True)
        return True

    def _lay(self, path: Path, over: Path) -> None:
        """Turn a file that is painted over a picture as that is stored, and let it say so."""
        with self.decoding:
            orientation = orientation_of(read_picture(over, max_pixels=self.max_pixels))
            if orientation != 1:
                painted = read_picture(path, max_pixels=self.max_pixels)
                turned = with_pixels(
                    painted, as_stored(painted.pixels, orientation, rows=1),
                    None if painted.alpha is None
                    else as_stored(painted.alpha, orientation, rows=1),
                )  # fmt: skip
                write_picture(path, with_orientation(turned, orientation))

    def _facts(self, path: Path) -> dict[str, Any]:
        picture = read_picture(path, max_pixels=self.max_pixels)
        pages, _, _, channels = picture.pixels.shape
        orientation = orientation_of(picture)
        height, width = upright_size(picture.pixels.shape[1:3], orientation)
        shown = screen_values(picture, 0)
        for look in SIDES:  # the whole page is made when it is first asked for
            _write(path.with_name(f"{look}.webp"), small(shown, look, profile=picture.metadata.icc))
        return {
            "width": width, "height": height, "pages": pages,
            "channels": channels + (picture.alpha is not None),
            "depth": picture.pixels.dtype.name, "orientation": orientation,
        }  # fmt: skip

    def _scan_facts(self, path: Path) -> dict[str, Any]:
        facts, look = scan_facts(path, max_pixels=self.max_pixels)
        _write(path.with_name("page-1.png"), screen_page(look, 0))
        return facts

    def _kernel_facts(self, path: Path) -> dict[str, Any]:
        from untrained.images import read_kernel

        if path.stat().st_size > _KERNEL_BYTES:
            raise InputError(f"{path}: is larger than a kernel; wanted at most 16 MiB")
        kernel = read_kernel(path)
        values = (kernel / max(float(kernel.max()), 1e-12)).clip(0, 1)
        shown = Picture.from_array(np.rint(255 * values).astype(np.uint8))
        _write(path.with_name("page-1.png"), screen_page(shown, 0))
        return {
            "width": kernel.shape[1], "height": kernel.shape[0], "pages": 1, "channels": 1,
            "depth": kernel.dtype.name,
        }  # fmt: skip


_KERNEL_BYTES = 16 << 20
_KEPT_BYTES = 256 << 20  # of the picture that is kept decoded


def plain_name(name: str) -> str:
    """Return a name to show and to download by: no folders, no control characters, not too long."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(c for c in name if c.isprintable()).strip(". ").lstrip("-") or "picture"
    stem, suffix = Path(name).stem, Path(name).suffix
    return stem[: 100 - len(suffix)] + suffix[:20]


def without_paths(text: str, names: dict[Path, str]) -> str:
    """Return an error with the names that the user knows instead of the workspace's paths."""
    for path, name in names.items():
        text = text.replace(str(path), name)
    return text


def _write(path: Path, data: bytes) -> None:
    write_atomically(path, lambda file: file.write(data))
