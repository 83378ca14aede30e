"""Files that lie elsewhere: s3://, gs://, https:// …, by fsspec (extra `cloud`).

A request that fails with an error of the server or a timeout is made again, a few times. A file is
there as a whole or not at all: object stores have no half objects, elsewhere it is renamed.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlparse

from untrained.errors import FailedError, InputError
from untrained.writers import this_writer

__all__ = [
    "fetch",
    "is_remote",
    "join",
    "local",
    "names_in",
    "put",
    "read_bytes",
    "stamp_of",
    "write_bytes",
]

T = TypeVar("T")

_TRIES = 6
_WAIT = 0.3  # seconds before the second try; doubled before each further one
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss"}
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


def is_remote(place: str) -> bool:
    """Whether this is an address of another machine, and no file of this one."""
    return re.match(r"[a-z][a-z0-9+]+://", place) is not None and not place.startswith("file://")


def local(place: str) -> Path:
    """Return the file of this machine; `file://` is one, too."""
    return Path(unquote(urlparse(place).path) if place.startswith("file://") else place)


def join(folder: str, name: str) -> str:
    """Return the place of a file in a folder; a place that says all is itself."""
    if is_remote(name) or name.startswith("file://"):
        return name
    if is_remote(folder):
        return f"{folder.rstrip('/')}/{name}"
    return str(_folder(os.getcwd(), folder) / name)  # noqa: PTH109 - a text is quicker


@functools.lru_cache(maxsize=64)  # a manifest asks for the same with every row
def _folder(here: str, folder: str) -> Path:
    return Path(here) / local(folder)


def stamp_of(place: str) -> str | None:
    """Return what changes when a file is written: its size and time, or tag; None = no file.

    Raises:
        FailedError: it cannot be told, try as we may.
    """
    if not is_remote(place):
        try:
            found = local(place).stat()
        except (OSError, ValueError):
            return None
        return f"{found.st_size}-{found.st_mtime_ns}"
    try:
        facts = _tried("looked at", place, lambda: _fresh(place)[0].info(_fresh(place)[1]))
    except InputError:
        return None
    tag = facts.get("ETag") or facts.get("etag") or facts.get("LastModified") or facts.get("mtime")
    return f"{facts.get('size')}-{tag}"


def fetch(place: str, path: Path) -> None:
    """Copy a file here.

    Raises:
        InputError: there is none, or no permission.
        FailedError: the server goes on failing.
    """
    system, name = _fresh(place)
    _tried("fetched", place, lambda: system.get_file(name, str(path)))


def put(path: Path, place: str) -> None:
    """Copy a file there, under its name only when all of it is there.

    Raises:
        InputError, FailedError: as `fetch`.
    """
    write_bytes(place, path.read_bytes())


def write_bytes(place: str, data: bytes) -> None:
    """Write a file there, and look whether it has come; raises as `put`."""
    system, name = _fresh(place)
    protocol = place.partition("://")[0]

    def write() -> None:
        if protocol in _OBJECT_STORES:
            system.pipe_file(name, data)
        else:
            folder, _, last = name.rpartition("/")
            aside = f"{folder}/.{last}.{this_writer()}.tmp"
            if folder:
                system.makedirs(folder, exist_ok=True)
            system.pipe_file(aside, data)
            system.mv(aside, name)
        system.invalidate_cache()
        facts = system.info(name)
        if facts.get("size") not in (None, len(data)):
            raise OSError(f"{facts['size']} of {len(data)} bytes have come")
        tag = _MD5.fullmatch(str(facts.get("ETag", "")))
        encrypted = facts.get("ServerSideEncryption") or facts.get("SSEKMSKeyId")
        if tag and not encrypted and tag[1] != hashlib.md5(data, usedforsecurity=False).hexdigest():
            raise OSError("other bytes have come")

    _tried("written", place, write)


def read_bytes(place: str) -> bytes:
    """Return what a file there holds; raises as `fetch`."""
    system, name = _fresh(place)
    data: bytes = _tried("read", place, lambda: system.cat_file(name))
    return data


def names_in(place: str) -> Iterator[str]:
    """Yield the addresses of all files below a folder, or of those that a pattern (*) names.

    Raises:
        InputError, FailedError: as `fetch`.
    """
    system, name = _fresh(place)
    pattern = any(sign in name for sign in "*?[")
    list_ = system.glob if pattern else system.find
    try:
        found = _tried("listed", place, lambda: list_(name))
    except InputError:
        return
    for one in found:
        yield str(system.unstrip_protocol(one))


def _fresh(place: str) -> tuple[Any, str]:
    """Return the file system of an address, and the name there."""
    try:
        import fsspec
    except ImportError:
        raise InputError(
            f"{place}: addresses need the extra `cloud`: pip install 'untrained[cloud]'"
        ) from None
    try:
        system, name = fsspec.core.url_to_fs(place, use_listings_cache=False)
    except TypeError:
        system, name = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise InputError(f"{place}: cannot be reached ({error})") from None
    return system, name


def _tried(done: str, place: str, do: Callable[[], T]) -> T:
    """Do it, again if need be.

    Raises:
        InputError: there is no such file, or no permission.
        FailedError: every try failed.
    """
    last: Exception | None = None
    for number in range(_TRIES):
        if number:
            time.sleep(_WAIT * 2 ** (number - 1))
        try:
            return do()
        except InputError:
            raise
        except FileNotFoundError:
            raise InputError(f"{place}: no such file; check the address") from None
        except PermissionError as error:
            raise InputError(f"{place}: no permission ({error}); check the credentials") from None
        except Exception as error:  # every library has its own
            last = error
    text = " ".join(f"{type(last).__name__}: {last}".split())[:300]
    raise FailedError(f"{place}: could not be {done} in {_TRIES} tries ({text})")
