"""Files that lie elsewhere: s3://, gs://, https:// …, by fsspec (extra `cloud`).

A request that fails with an error of the server or a timeout is made again, a few times; none takes
longer than its file may at a slow line, so that a server that stalls, or sends a byte now and then,
holds nobody up. A file is there as a whole or not at all: object stores have no half objects,
elsewhere it is renamed.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlparse

from untrained.errors import FailedError, InputError
from untrained.reading import hash_of
from untrained.writers import this_writer

__all__ = [
    "fetch",
    "hash_at",
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
_PATIENCE = 30.0  # seconds that a request may take; UNTRAINED_STORAGE_TIMEOUT sets it
_SLOWEST = 256 * 1024  # bytes a second of a file that are waited for besides
_NO_CREDENTIALS = {
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound",
    "TokenRetrievalError", "DefaultCredentialsError", "UnauthorizedSSOTokenError",
}  # fmt: skip
_LISTING = 256 * 2**20  # bytes; a listing has many pages
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
        facts = _facts_of(place)
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
    size = _facts_of(place).get("size")

    def get() -> None:
        _asked(system, "get_file", name, str(path), size=size or 0)
        found = path.stat().st_size
        if size not in (None, found):
            raise OSError(f"{found} of {size} bytes have come")

    _tried("fetched", place, get)


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
            _asked(system, "pipe_file", name, data, size=len(data))
        else:
            folder, _, last = name.rpartition("/")
            aside = f"{folder}/.{last}.{this_writer()}.tmp"
            if folder:
                _asked(system, "makedirs", folder, True)
            _asked(system, "pipe_file", aside, data, size=len(data))
            _asked(system, "mv", aside, name, size=len(data))
        system.invalidate_cache()
        facts = _asked(system, "info", name)
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
    size = _facts_of(place).get("size") or 0
    data: bytes = _tried("read", place, lambda: _asked(system, "cat_file", name, size=size))
    return data


def hash_at(place: str) -> str:
    """Return the sha256 of a file, here or there; raises as `fetch`."""
    if not is_remote(place):
        return hash_of(local(place))
    return hashlib.sha256(read_bytes(place)).hexdigest()


def names_in(place: str) -> Iterator[str]:
    """Yield the addresses of all files below a folder, or of those that a pattern (*) names.

    Raises:
        InputError: no permission.
        FailedError: as `fetch`.
    """
    system, name = _fresh(place)
    pattern = any(sign in name for sign in "*?[")

    def listed() -> list[str]:
        try:
            return list(_asked(system, "glob" if pattern else "find", name, size=_LISTING))
        except FileNotFoundError:
            return []

    for one in _tried("listed", place, listed):
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


def _facts_of(place: str) -> dict[str, Any]:
    """Return what a file system says of a file; raises as `fetch`.

    S3 tells the tag of every object: an answer without one is of a server that stumbled.
    """
    system, name = _fresh(place)

    def ask() -> dict[str, Any]:
        found: dict[str, Any] = _asked(system, "info", name)
        if place.startswith("s3://") and found.get("type") == "file" and not found.get("ETag"):
            raise OSError("the answer has no tag")
        return found

    facts: dict[str, Any] = _tried("looked at", place, ask)
    return facts


def _asked(system: Any, method: str, *values: Any, size: int = 0) -> Any:
    """Return what a method of a file system returns; TimeoutError if it takes too long.

    The libraries' own timeouts are between two bytes, and some have none.

    Args:
        system: of fsspec.
        method: its name.
        *values: for it.
        size: bytes that come or go.
    """
    seconds = _patience() + size / _SLOWEST
    ask = getattr(system, f"_{method}", None)
    if getattr(system, "async_impl", False) and inspect.iscoroutinefunction(ask):
        from fsspec.asyn import sync

        return sync(system.loop, ask, *values, timeout=seconds)  # which ends the request
    answers: list[Any] = []
    errors: list[BaseException] = []

    def serve() -> None:
        try:
            answers.append(getattr(system, method)(*values))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=serve, daemon=True)  # left alone if it never comes back
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer in {seconds:.0f} s")
    return answers[0]


def _patience() -> float:
    """Return the seconds that a request may take. Raises InputError: the setting is no number."""
    text = os.environ.get("UNTRAINED_STORAGE_TIMEOUT") or str(_PATIENCE)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise InputError(f"UNTRAINED_STORAGE_TIMEOUT is {text!r}; wanted seconds, more than 0")
    return seconds


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
            if type(error).__name__ in _NO_CREDENTIALS:
                raise InputError(f"{place}: no credentials ({error}); set them") from None
            last = error
    text = " ".join(f"{type(last).__name__}: {last}".split())[:300]
    raise FailedError(f"{place}: could not be {done} in {_TRIES} tries ({text})")
