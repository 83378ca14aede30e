"""The registry of the sets, and the files fetched by it."""

from __future__ import annotations

import difflib
import hashlib
import os
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from untrained.errors import InputError

__all__ = ["REGISTRY", "Source", "fetch", "load", "names_in"]

_HOST = "https://raw.githubusercontent.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a file is from and how it is known.

    Attributes:
        kind: "file": the source's own bytes; "pixels": a PNG of the source's BMP; "local": made
            from the source by a conversion that is not repeated here, so never downloaded.
        sha256: of the file.
        pixels: sha256 of the shape and the pixels, where kind is "pixels".
        repository, path: on GitHub.
    """

    kind: Literal["file", "pixels", "local"]
    sha256: str
    pixels: str
    repository: str
    path: str

    @property
    def url(self) -> str:
        """The address of the source."""
        return f"{_HOST}/{self.repository}/HEAD/{self.path}"


def _read_registry() -> dict[str, Source]:
    text = (files("untrained.data") / "registry.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    return {
        name: Source(kind=kind, sha256=sha256, pixels=pixels, repository=repository, path=path)  # type: ignore[arg-type]
        for name, kind, sha256, pixels, repository, path in rows
    }


REGISTRY: dict[str, Source] = _read_registry()
"""Every file by SET/NAME."""


def names_in(group: str) -> list[str]:
    """Return the files of a set, SET/NAME, in the registry's order.

    Raises:
        InputError: no such set; names the sets.
    """
    found = [name for name in REGISTRY if name.partition("/")[0] == group]
    if not found:
        groups = dict.fromkeys(name.partition("/")[0] for name in REGISTRY)
        raise InputError(f"no set {group!r}; wanted one of {', '.join(groups)}")
    return found


def fetch(name: str) -> Path:
    """Return the path of a file, SET/NAME: the local copy, or one downloaded now or before.

    Raises:
        InputError: an unknown name, no network, or a file that is not the one measured.
    """
    if name not in REGISTRY:
        close = difflib.get_close_matches(name, REGISTRY, n=1, cutoff=0.5)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise InputError(f"no file {name!r} among the standard sets{hint}")
    source = REGISTRY[name]
    folder = os.environ.get("UNTRAINED_DATA")
    places = [Path(folder) / name] if folder else []
    places.append(_cache() / name)
    for place in places:
        if place.is_file():
            _check(place, source)
            return place
    if source.kind == "local":
        raise InputError(
            f"{name} is converted from {source.repository}: {source.path}, and cannot be "
            "downloaded as it is; point UNTRAINED_DATA at a folder that has it"
        )
    _download(source, places[-1])
    return places[-1]


@cache
def _load(path: Path) -> NDArray[np.float64]:
    from untrained.images import read_picture

    pixels = read_picture(path).pixels[0]
    image: NDArray[np.float64] = pixels / float(np.iinfo(pixels.dtype).max)
    return image


def load(name: str) -> NDArray[np.float64]:
    """Return a picture (H, W, C) in [0, 1]: SET/NAME, skimage/NAME, or the path of a file.

    Raises:
        InputError: as `fetch`; scikit-image has no such picture.
    """
    if name.startswith("skimage/"):
        return _of_skimage(name.partition("/")[2])
    return _load(Path(name) if Path(name).is_file() else fetch(name)).copy()


def _of_skimage(name: str) -> NDArray[np.float64]:
    import skimage.data

    # download_all makes no picture, it fetches them all
    make = None if name == "download_all" else getattr(skimage.data, name, None)
    try:
        values = make() if callable(make) else None
    except (OSError, ImportError, TypeError) as error:  # not there yet, and no way to fetch it
        reason = " ".join(str(error).split())
        raise InputError(f"skimage/{name} cannot be had ({reason}); take another") from None
    if not isinstance(values, np.ndarray) or values.dtype != np.uint8 or values.ndim not in (2, 3):
        raise InputError(
            f"scikit-image has no picture {name!r} of 8 bits; wanted one like skimage/camera"
        )
    image: NDArray[np.float64] = values / 255.0
    return image if image.ndim == 3 else image[:, :, None]


def _cache() -> Path:
    folder = os.environ.get("UNTRAINED_CACHE")
    return (Path(folder) if folder else Path.home() / ".cache" / "untrained") / "data"


def _check(path: Path, source: Source) -> None:
    if _sha256(path) == source.sha256:
        return
    if source.kind == "pixels" and _pixel_hash(path) == source.pixels:
        return  # other software has written the same PNG in other bytes
    raise InputError(f"{path} is not the file of {source.repository} (sha256 differs); remove it")


def _download(source: Source, target: Path) -> None:
    try:
        import pooch
    except ImportError:
        raise InputError(
            f"{target.name} must be downloaded; pip install 'untrained[data]', or point "
            "UNTRAINED_DATA at a folder that has it"
        ) from None
    pooch.get_logger().setLevel("ERROR")
    wanted = f"sha256:{source.sha256}" if source.kind == "file" else None
    name = target.name if source.kind == "file" else f"{target.name}.source"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        got = Path(pooch.retrieve(source.url, wanted, fname=name, path=target.parent))
    except ValueError:  # pooch's word for another hash
        raise InputError(
            f"{source.url} is no longer the file that was measured (sha256 differs)"
        ) from None
    except OSError as error:  # requests' errors are OSErrors, too
        raise InputError(
            f"{source.url} cannot be fetched ({type(error).__name__}); check the network, or point "
            "UNTRAINED_DATA at a folder that has it"
        ) from None
    if source.kind == "pixels":
        _as_png(got, target)
        got.unlink()
        _check(target, source)


def _as_png(bitmap: Path, target: Path) -> None:
    from PIL import Image

    from untrained.atomic import write_atomically

    with Image.open(bitmap) as picture:
        write_atomically(target, lambda file: picture.save(file, "PNG"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _pixel_hash(path: Path) -> str:
    from PIL import Image

    with Image.open(path) as picture:
        pixels = np.asarray(picture)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
