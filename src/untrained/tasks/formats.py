"""How the files of a task are read and written: as pictures, unless it has other formats."""

from __future__ import annotations

from pathlib import Path

from untrained.errors import InputError
from untrained.images import (
    READABLE,
    WRITABLE,
    Picture,
    check_is_picture,
    check_writable,
    is_image_path,
    output_suffix,
    picture_kind,
    read_picture,
    usual_suffix,
    write_picture,
)
from untrained.reading import hash_of

__all__ = ["Formats"]

_SCANS = {".h5", ".hdf5", ".cfl", ".hdr", ".npz", ".dcm"}


class Formats:
    """Picture files.

    Attributes:
        what: such a file is, in a word.
        keeps_output: whether the result that a run keeps is the output itself.
    """

    what: str = "picture"
    keeps_output: bool = True

    def suffix(self, path: Path) -> str:
        """Return the suffix of a name, which is its format."""
        return path.suffix

    def takes(self, path: Path) -> bool:
        """Whether a file of this name is one, so that a folder stands for it."""
        return is_image_path(path)

    def kind(self, path: Path) -> str | None:
        """Return the format by the content; None = none of these."""
        return picture_kind(path)

    def usual_suffix(self, kind: str) -> str:
        """Return the suffix that files of a format have."""
        return usual_suffix(kind)

    def check(self, path: Path) -> None:
        """Make sure that a file is one, by its beginning.

        Raises:
            InputError: it is none.
        """
        if path.suffix.lower() in _SCANS and path.is_file():
            raise InputError(
                f"{path}: is a scan by its name; wanted a picture: `untrained mri`, series, ct and "
                "sensing take scans"
            )
        check_is_picture(path)

    def companions(self, path: Path) -> tuple[Path, ...]:
        """Return the files without which this one is not whole."""
        return ()

    def digest(self, path: Path) -> str:
        """Return what tells a file beside the source from others: its sha256."""
        return hash_of(path)

    def names_a_file(self, path: Path) -> bool:
        """Whether a name that does not exist is that of a file, and of no folder."""
        return path.suffix.lower() in READABLE

    def is_written(self, suffix: str) -> bool:
        """Whether files of this suffix are written."""
        return suffix.lower() in WRITABLE

    def output_suffix(self, path: Path) -> str:
        """Return the suffix of what is made of a file."""
        return output_suffix(path)

    def kept_suffix(self, target: Path) -> str:
        """Return the suffix of the result that a run keeps, for a target."""
        return target.suffix

    def check_writable(self, path: Path, outcome: Picture) -> None:
        """Make sure, before a long computation, that an outcome can be written there.

        Raises:
            InputError: as `images.check_writable`.
        """
        check_writable(path, outcome)

    def write(self, path: Path, outcome: Picture) -> None:
        """Write an outcome. Raises InputError: as `images.write_picture`."""
        write_picture(path, outcome)

    def keep(self, path: Path, restored: Picture) -> None:
        """Write what came of the fits, as a run keeps it. Raises InputError: as `write`."""
        write_picture(path, restored)

    def read_kept(self, path: Path, like: Picture, *, max_pixels: int) -> Picture:
        """Return what `keep` has written of a source. Raises InputError: as `read_picture`."""
        return read_picture(path, max_pixels=max_pixels)
