"""The entries of a batch, found while it runs, never all at once."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from untrained.batches.addresses import is_remote, local, names_in
from untrained.batches.entries import STATE, Entry, Settings, target_of
from untrained.batches.manifest import entries_of_manifest, is_manifest, rows_of_manifest
from untrained.errors import InputError
from untrained.tasks import find_task

__all__ = ["count_entries", "entries_in"]

_OWN = (STATE, "untrained-runs")


def entries_in(inputs: Sequence[str], settings: Settings) -> Iterator[Entry]:
    """Yield the entries of files, folders, patterns, addresses and manifests (.csv, .parquet).

    Raises:
        InputError: an input that is not there; a manifest that cannot be read.
    """
    for place in inputs:
        if is_manifest(place):
            yield from entries_of_manifest(place, settings)
        elif is_remote(place):
            yield from _remote(place, settings)
        else:
            yield from _local(place, settings)


def count_entries(inputs: Sequence[str], settings: Settings) -> int:
    """Return how many entries there are, without making those of manifests; raises likewise."""
    return sum(
        rows_of_manifest(place)
        if is_manifest(place)
        else sum(1 for _ in entries_in([place], settings))
        for place in inputs
    )


def _remote(place: str, settings: Settings) -> Iterator[Entry]:
    several = place.endswith("/") or any(sign in place for sign in "*?[")
    if not several:
        yield _entry(place, place.rpartition("/")[2], settings)
        return
    formats = find_task(settings.task).formats
    root = place.rpartition("/")[0] + "/"
    found = False
    for name in names_in(place):
        found = True
        if f"/{STATE}/" not in name and formats.takes(Path(name)):
            inside = name.removeprefix(root) if "*" not in root else name.rpartition("/")[2]
            yield _entry(name, inside, settings)
    if not found:
        raise InputError(f"{place}: there are no files there; check the address")


def _local(place: str, settings: Settings) -> Iterator[Entry]:
    path = Path.cwd() / local(place)
    if path.is_dir():
        yield from _in_folder(path, path, settings)
    elif os.path.lexists(path):
        yield _entry(str(path), path.name, settings)
    elif any(sign in place for sign in "*?["):
        found = False
        for name in sorted(glob.glob(str(path), recursive=True)):  # noqa: PTH207 - of any root
            if Path(name).is_file():
                found = True
                yield _entry(name, Path(name).name, settings)
        if not found:
            raise InputError(f"{place}: this pattern names no file; check it, and quote it")
    else:
        raise InputError(f"{place}: no such file or folder; check the name")


def _in_folder(folder: Path, root: Path, settings: Settings) -> Iterator[Entry]:
    """Yield the pictures of a folder in the order of their names, of which only those are held."""
    formats = find_task(settings.task).formats
    output = None if is_remote(settings.output) else os.path.realpath(local(settings.output))
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        path = folder / name
        if name.startswith(".") or name in _OWN:
            continue
        if path.is_dir():
            ours = output is not None and os.path.realpath(path) == output
            if settings.recursive and not path.is_symlink() and not ours:
                yield from _in_folder(path, root, settings)
        elif path.is_file() and formats.takes(path):
            yield _entry(str(path), str(path.relative_to(root)), settings)


def _entry(source: str, name: str, settings: Settings) -> Entry:
    return Entry(source=source, target=target_of(name, settings.task, settings), task=settings.task)
