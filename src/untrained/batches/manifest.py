"""A manifest: a table of pictures (CSV, or Parquet with pyarrow), read row by row.

Columns: `path`, and if need be `task`, `truth`, `output`, `options` (JSON), the files of the task
(`mask`, `guide` …), and options by their names (`sigma`, `factor` …). An empty cell says nothing.
Names are relative to the manifest's folder.
"""

from __future__ import annotations

import contextlib
import csv
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from untrained.batches.addresses import fetch, is_remote, join, local
from untrained.batches.entries import Entry, Settings, target_of
from untrained.batches.options import OPTIONAL, OPTIONS
from untrained.errors import InputError, did_you_mean
from untrained.tasks import TASKS, find_task

__all__ = ["entries_of_manifest", "is_manifest", "rows_of_manifest"]

_OWN = ("path", "task", "truth", "output", "options")
_ROWS = 1024  # of a Parquet file that are read at once


def is_manifest(place: str) -> bool:
    """Whether a name is that of a manifest."""
    return place.lower().endswith((".csv", ".parquet"))


def entries_of_manifest(place: str, settings: Settings) -> Iterator[Entry]:
    """Yield the entries of a manifest; of a row that is wrong one that says so.

    Raises:
        InputError: no manifest, no column `path`, an unknown column.
    """
    with _here(place) as (path, folder):
        for number, row in _rows(path):
            try:
                yield _entry(row, folder, settings)
            except InputError as error:
                source = str(row.get("path") or f"row {number}")
                yield Entry(
                    source=source, target="", task=settings.task,
                    bad=f"{path} row {number}: {error}",
                )  # fmt: skip


def rows_of_manifest(place: str) -> int:
    """Return how many rows a manifest has; raises as `entries_of_manifest`."""
    with _here(place) as (path, _):
        return sum(1 for _ in _rows(path))


@contextlib.contextmanager
def _here(place: str) -> Iterator[tuple[Path, str]]:
    """Give a manifest as a file of this machine, and the folder that it is of."""
    if not is_remote(place):
        yield local(place), str(local(place).parent)
        return
    with tempfile.TemporaryDirectory(prefix="untrained-") as folder:
        path = Path(folder) / place.rpartition("/")[2]
        fetch(place, path)
        yield path, place.rpartition("/")[0]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    return _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path)


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="more")
            _check_columns(path, reader.fieldnames or ())
            for number, row in enumerate(reader, 2):
                yield number, {name: value for name, value in row.items() if value}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is no CSV in UTF-8 ({error})") from None


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            f"{path}: a Parquet manifest needs the extra `cluster`: "
            "pip install 'untrained[cluster]'; or save it as CSV"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {k: v for k, v in row.items() if v not in (None, "")}
    except (OSError, pyarrow.ArrowException) as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read as Parquet ({text})") from None


def _check_columns(path: Path, names: Any) -> None:
    if "path" not in names:
        has = f"has the columns {', '.join(names)}" if names else "is empty"
        raise InputError(f"{path}: {has}; wanted a table with a column named path")
    known = {*_OWN}
    for task in TASKS:
        known |= {*find_task(task).files, *OPTIONS.get(task, ()), *OPTIONAL.get(task, ())}
    for name in names:
        if name not in known:
            raise InputError(
                f"{path}: unknown column {name!r}; {did_you_mean(name, known)}wanted "
                f"{', '.join(_OWN)}, or files and options of the task by name"
            )


def _entry(row: Mapping[str, Any], folder: str, settings: Settings) -> Entry:
    if "more" in row:
        raise InputError("has more cells than the first row has names")
    if "path" not in row:
        raise InputError("names no path")
    name, task = str(row["path"]), str(row.get("task", settings.task))
    found = find_task(task)
    options = _options(row.get("options", {}))
    files: dict[str, str] = {}
    for column, value in row.items():
        if column in _OWN:
            continue
        if column in found.files and isinstance(value, str):
            files[column] = join(folder, value)
        else:
            options[column] = _value(value)
    truth = row.get("truth")
    inside = name
    if is_remote(name) or Path(name).is_absolute() or ".." in Path(name).parts:
        inside = name.rpartition("/")[2]
    output = row.get("output")
    target = join(settings.output, output) if output else target_of(inside, task, settings)
    entry = Entry(
        source=join(folder, name), target=target, task=task, options=options, files=files,
        truth=None if truth is None else join(folder, str(truth)),
    )  # fmt: skip
    settings.options_of(entry)
    return entry


def _options(cell: Any) -> dict[str, Any]:
    options = cell
    if isinstance(cell, str):
        try:
            options = json.loads(cell)
        except ValueError as error:
            raise InputError(f"options is {cell!r}; wanted JSON ({error})") from None
    if not isinstance(options, Mapping):
        raise InputError(f'options is {cell!r}; wanted an object, {{"sigma": 25}}')
    return {k: v for k, v in options.items() if v is not None}


def _value(cell: Any) -> Any:
    """Return what a cell says: a number, true, false, or a text."""
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell.lower() if cell.lower() in ("true", "false") else cell)
    except ValueError:
        return cell
