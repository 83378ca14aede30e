"""What the tasks of scans share: pages that are slices, files that are scans, truths.

A scan's picture only counts its pages: what was measured of each is made when it is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.fitting import Result
from untrained.images import Picture, check_writable, write_picture
from untrained.operators import LinearOperator
from untrained.reading import hash_of
from untrained.restoring import Given, Measured, MeasuredPages
from untrained.scans import (
    KSpace,
    Place,
    Scan,
    Sinogram,
    check_reconstruction,
    read_numbers,
    scan_format,
    write_reconstruction,
)
from untrained.scans.patient import cropped
from untrained.tasks.base import Asked, Options, Task
from untrained.tasks.formats import Formats

__all__ = [
    "Page",
    "ScanFormats",
    "ScanPicture",
    "ScanTask",
    "back_projected",
    "crop_of",
    "magnitude",
    "middle_of",
    "scan_picture",
    "seen_as",
    "shown_part",
]

_WRITTEN = {".npy", ".cfl", ".h5", ".tif", ".tiff", ".nii", ".nii.gz", ".dcm", ".png"}
_FLOOR = -6.0  # of the logarithm of a residual


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ScanPicture(Picture):
    """A scan, page by page; restored, its image: (P, H, W, c), of complex ones pairs of channels.

    Attributes:
        scan: what was read.
        clean: what the fits are scored with, (P, H, W, c), where the scan has it itself.
        facts: what a careful reader wants to know, by label.
    """

    scan: Scan
    clean: NDArray[np.float32] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def scan_picture(
    scan: Scan, shape: tuple[int, int, int, int], *, clean: NDArray[np.float32] | None = None,
    facts: Mapping[str, str], notes: tuple[str, ...] = (),
) -> ScanPicture:  # fmt: skip
    """Return a scan whose restored pages have this shape (P, H, W, c); pixels take no room."""
    return ScanPicture(
        pixels=np.broadcast_to(np.float32(0), shape), lead=shape[:1] if shape[0] > 1 else (),
        has_channel_axis=shape[3] > 1, scan=scan, clean=clean, facts=facts,
        notes=(*scan.notes, *notes),
    )  # fmt: skip


def magnitude(image: Tensor) -> Tensor:
    """Return √Σ_c x_c² (b, 1, H, W) of all channels: |x| of pairs, the root of the sum of squares.

    Of the pairs of several coils that is the usual picture of MRI.
    """
    return image.square().sum(1, keepdim=True).sqrt()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Page:
    """What was measured of a page, with the looks of it."""

    y: NDArray[np.float32]
    given: Given


def seen_as(
    measured: Measured, look: Callable[[Tensor], Tensor] | None, first: NDArray[Any]
) -> Page:
    """Return a measurement with what is looked at of the image, and a first look at it."""
    given = replace(measured.given, look=look, first=np.asarray(first, np.float32))
    return Page(y=measured.y, given=given)


def back_projected(
    measured: Measured, look: Callable[[Tensor], Tensor] | None = None, *, scaled: bool = False
) -> Page:
    """Return a measurement whose first look is A* y, what y says of the image without a fit.

    `scaled` = times the number α for which ‖A α A* y - y‖ is least.
    """
    operator, given = measured.given.operator, measured.given
    assert isinstance(operator, LinearOperator)
    y = torch.from_numpy(np.nan_to_num(measured.y)).permute(2, 0, 1)[None]
    where = torch.ones_like(y[:, :1])
    if given.mask is not None:
        where = torch.from_numpy(np.array(given.mask, np.float32))[None, None]
    with torch.no_grad():
        image = operator.adjoint(y * where)
        if scaled:
            again = operator(image) * where
            image = image * ((again * y).sum() / again.square().sum().clamp_min(1e-30))
        image = image if look is None else look(image)
    return seen_as(measured, look, image[0].permute(1, 2, 0).numpy())


def middle_of(image: Tensor, crop: tuple[slice, slice] | None) -> Tensor:
    """Return the part of (b, c, H, W) that the scanner shows."""
    return image if crop is None else image[:, :, crop[0], crop[1]]


class ScanFormats(Formats):
    """Scans in, images out: as `scans.write_reconstruction` does, and a look as PNG.

    Attributes:
        suffixes: of the files that are taken from a folder, lower case.
        usual: suffix of an output that is not named.
        is_complex: whether pairs of channels are complex numbers.
    """

    what = "scan"
    keeps_output = False

    def __init__(self, suffixes: frozenset[str], usual: str, *, is_complex: bool) -> None:
        self.suffixes = suffixes
        self.usual = usual
        self.is_complex = is_complex

    def takes(self, path: Path) -> bool:
        """Whether a file of this name is a scan; a .hdr comes with its .cfl."""
        return path.suffix.lower() in self.suffixes and not path.name.startswith(".")

    def kind(self, path: Path) -> str | None:
        """Return the format by the content; None = no scan."""
        try:
            return scan_format(path).lstrip(".")
        except InputError:
            return None

    def usual_suffix(self, kind: str) -> str:
        """Return the suffix of a format."""
        return f".{kind}"

    def check(self, path: Path) -> None:
        """Make sure that a file is a scan, by its beginning. Raises InputError: it is none."""
        scan_format(path)
        for more in self.companions(path):
            if not more.exists():
                raise InputError(f"{path}: {more.name} is not beside it; copy both files")

    def companions(self, path: Path) -> tuple[Path, ...]:
        """Return the .hdr of a .cfl."""
        return (path.with_suffix(".hdr"),) if path.suffix.lower() == ".cfl" else ()

    def digest(self, path: Path) -> str:
        """Return the sha256 of a file; of FILE.npz:NAME with the name."""
        if path.exists() or ".npz:" not in path.name:
            return hash_of(path)
        file, _, name = str(path).rpartition(":")
        return f"{hash_of(Path(file))}:{name}"

    def names_a_file(self, path: Path) -> bool:
        """Whether a name that does not exist is that of a file, and of no folder."""
        return path.suffix.lower() in self.suffixes or self.is_written(path.suffix)

    def suffix(self, path: Path) -> str:
        """Return the suffix of a name, which is its format: .nii.gz is one."""
        return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix

    def is_written(self, suffix: str) -> bool:
        """Whether images of this suffix are written."""
        return suffix.lower() in _WRITTEN

    def output_suffix(self, path: Path) -> str:
        """Return the suffix of an image whose name is not given."""
        return self.usual

    def kept_suffix(self, target: Path) -> str:
        """Return .npy: a run keeps the image with all its channels."""
        return ".npy"

    def check_writable(self, path: Path, outcome: Picture) -> None:
        """Make sure that an image can be written there. Raises InputError: it cannot."""
        if path.suffix.lower() == ".png":
            check_writable(path, self._as_png(outcome))
        else:
            check_reconstruction(path)

    def write(self, path: Path, outcome: Picture) -> None:
        """Write an image in the format of the suffix. Raises InputError: it cannot be."""
        if path.suffix.lower() == ".png":
            write_picture(path, self._as_png(outcome))
            return
        values = self.numbers(outcome)
        if values.ndim == 4:  # of coils: only .npy holds as many axes
            if path.suffix.lower() == ".npy":
                write_atomically(path, lambda file: np.save(file, values))
                return
            values = self.magnitudes(outcome)[..., 0]
        write_reconstruction(path, values, _place_of(outcome))

    def keep(self, path: Path, restored: Picture) -> None:
        """Write (P, H, W, c) as it is. Raises InputError: it cannot be written."""
        write_atomically(path, lambda file: np.save(file, restored.pixels))

    def read_kept(self, path: Path, like: Picture, *, max_pixels: int) -> Picture:
        """Return what `keep` has written. Raises InputError: it is damaged."""
        pixels = read_numbers(path, "result")
        if pixels.ndim != 4 or pixels.dtype != np.float32:
            raise InputError(f"{path}: is no result of a run; restore the scan again")
        return replace(like, pixels=pixels)

    def numbers(self, outcome: Picture) -> NDArray[Any]:
        """Return (H, W), of pages or coils (n, H, W), of both (P, coils, H, W); complex or real."""
        values = shown_part(outcome)
        if self.is_complex:
            values = np.ascontiguousarray(values, np.float32).view(np.complex64)
        values = np.moveaxis(values, -1, 1)
        return values.reshape(tuple(n for n in values.shape[:2] if n > 1) + values.shape[2:])

    def magnitudes(self, outcome: Picture) -> NDArray[np.float32]:
        """Return what is looked at, (P, H, W, 1)."""
        values = shown_part(outcome)
        if self.is_complex:
            values = np.sqrt(np.square(values).sum(axis=-1, keepdims=True))
        return values

    def _as_png(self, outcome: Picture) -> Picture:
        """Return what is looked at in 16 bits, white = the largest value."""
        values = self.magnitudes(outcome)
        most = float(values.max(initial=0)) or 1.0
        shown = np.rint(65535 * np.clip(values / most, 0, 1)).astype(np.uint16)
        lead = (len(shown),) if len(shown) > 1 else ()
        return Picture(pixels=shown, lead=lead, has_channel_axis=False)


def shown_part(outcome: Picture) -> NDArray[np.float32]:
    """Return the pixels that the scanner shows: without those of oversampling, the middle."""
    pixels: NDArray[np.float32] = outcome.pixels
    crop = crop_of(outcome)
    return pixels if crop is None else pixels[:, crop[0], crop[1]]


def crop_of(picture: Picture) -> tuple[slice, slice] | None:
    """Return the rows and columns that the scanner shows; None = all."""
    scan = picture.scan if isinstance(picture, ScanPicture) else None
    if not isinstance(scan, KSpace) or scan.crop is None:
        return None
    size = picture.pixels.shape[1:3]
    starts = [n // 2 - part // 2 for n, part in zip(size, scan.crop, strict=True)]
    if min(starts) < 0 or size == tuple(scan.crop):
        return None
    rows, columns = (slice(a, a + n) for a, n in zip(starts, scan.crop, strict=True))
    return rows, columns


def _place_of(outcome: Picture) -> Place:
    """Return where the pixels of an outcome lie."""
    scan = outcome.scan if isinstance(outcome, ScanPicture) else None
    if isinstance(scan, KSpace):
        affine, size = scan.affine, outcome.pixels.shape[1:3]
        if affine is not None and scan.crop is not None and crop_of(outcome) is not None:
            affine = cropped(affine, size, scan.crop)
        return Place(
            spacing=scan.spacing, thickness=scan.thickness, affine=affine, axis=scan.axis,
            units=scan.units, source=scan.source,
        )  # fmt: skip
    if isinstance(scan, Sinogram):
        return Place(spacing=spacing_of(scan), thickness=scan.thickness, source=scan.source)
    return Place()


def spacing_of(scan: Scan | None) -> tuple[float, float] | None:
    """Return height and width of a pixel in mm, where the scan says them."""
    if isinstance(scan, KSpace):
        return scan.spacing
    if isinstance(scan, Sinogram) and scan.pixel is not None and scan.geometry == "parallel":
        return scan.pixel, scan.pixel
    return None


class ScanTask(Task):
    """A reconstruction of scans. A subclass reads, and says what was measured of each page."""

    def measured(self, asked: Asked) -> MeasuredPages:
        """Return what was measured of every page. Raises InputError: as `given`."""
        raise NotImplementedError

    def spacing(self, picture: Picture) -> tuple[float, float] | None:
        """Return height and width of a pixel in mm, where the scan says them."""
        return spacing_of(_as_scan(picture).scan)

    def facts(self, picture: Picture) -> Mapping[str, str]:
        """Return what was read, by label."""
        return _as_scan(picture).facts

    def is_outcome(self, page: NDArray[Any], picture: Picture, options: Options) -> bool:
        """Whether this can be the image of a page; of how many coils, the fit decides."""
        size = picture.pixels.shape[1:3]
        return page.ndim == 3 and page.shape[:2] == size and page.dtype == np.float32

    def truth(
        self, asked: Asked, given: Given | MeasuredPages, path: Path | None
    ) -> tuple[Picture | None, Given | MeasuredPages]:
        """Return the truth in a file, or that which the scan has itself.

        A file has numbers in the units of the image: magnitudes, or complex.

        Raises:
            InputError: another size.
        """
        picture = _as_scan(asked.picture)
        clean = picture.clean
        if path is not None:
            clean = self.read_truth(path)
            wanted = (len(picture.pixels), *shown_part(picture).shape[1:3])
            if clean.shape[:3] != wanted:
                got, want = ("x".join(map(str, s)) for s in (clean.shape[:3], wanted))
                raise InputError(f"truth is {got} (pages x height x width); wanted {want}")
        return None if clean is None else replace(picture, pixels=clean), given

    def read_truth(self, path: Path) -> NDArray[np.float32]:
        """Return the truth in a file as it is looked at, (P, H, W, 1)."""
        values = read_numbers(path, "truth")
        if not 2 <= values.ndim <= 3:
            raise InputError(f"{path}: has shape {values.shape}; wanted (H, W) or (pages, H, W)")
        values = np.abs(values) if np.iscomplexobj(values) else values
        return values.astype(np.float32).reshape(-1, *values.shape[-2:])[..., None]

    def found(self, measured: Measured, result: Result) -> Mapping[str, Tensor]:
        """Return log₁₀ |A x - y| / max |y| of all coils together, where y was measured."""
        given = measured.given
        if given.operator is None or result.observed is None:
            return {}
        with torch.no_grad():
            y = result.observed.cpu()
            residual = magnitude(given.operator(result.estimate.cpu()) - y)
            largest = magnitude(y).max().clamp_min(1e-30)
            found = (residual / largest).log10().clamp(_FLOOR, 0)
            if given.mask is not None:
                mask = torch.from_numpy(np.array(given.mask, bool))
                found = torch.where(mask, found, torch.nan)
        return {"residual": found}


def _as_scan(picture: Picture) -> ScanPicture:
    assert isinstance(picture, ScanPicture)
    return picture
