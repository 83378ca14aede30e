"""Which files are taken of what the user named, and why the others are not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from untrained.errors import InputError
from untrained.jobs.records import read_json
from untrained.tasks import Formats, find_task

__all__ = ["Input", "LeftOut", "find_inputs"]

RUNS = "untrained-runs"
"""The folder beside the outputs that holds the runs' folders."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """A file to restore; `root` is the named folder in which it was found, None = itself named."""

    path: Path
    root: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A file or folder that is not taken, and why.

    Attributes:
        bad: whether it was to be taken, so that the command has not done all it was asked for.
    """

    path: Path
    reason: str
    bad: bool = False


def find_inputs(
    task: str, sources: Sequence[Path], *, recursive: bool = False,
    output: Path | None = None, run_dir: Path | None = None,
    beside: Mapping[str, Path] | None = None,
) -> tuple[list[Input], list[LeftOut]]:  # fmt: skip
    """Return the files to restore, and what is left out.

    A file that is named is taken, a folder stands for the pictures in it. What a run of ours wrote
    is left out, as its record tells: where the picture that it was made of is there too, or lies
    beside it and the task is the same. One that is named alone is taken.

    Args:
        task: a name of `TASKS`.
        sources: files and folders.
        recursive: whether folders stand for those in their subfolders as well. Links to folders are
            not followed.
        output: the folder of the outputs, which is no input.
        run_dir: where the runs are; None = beside the outputs.
        beside: files that are no inputs, since they are given as what their names say: mask ….
    """
    formats = find_task(task).formats
    inputs: list[Input] = []
    left_out: list[LeftOut] = []
    seen: set[Path] = set()
    for source in sources:
        found: Iterator[Input | LeftOut] = iter([Input(path=source)])
        if source.is_dir():
            own = _own_folder(source, None)
            found = (
                iter([LeftOut(path=source, reason=own)]) if own
                else _files_in(source, source, formats, recursive=recursive, output=output)
            )  # fmt: skip
        for one in found:
            if isinstance(one, LeftOut):
                left_out.append(one)
            elif (place := one.path.parent.resolve() / one.path.name) in seen:
                left_out.append(LeftOut(path=one.path, reason="given twice"))
            else:
                seen.add(place)
                inputs.append(one)
    if len(sources) == 1 and not sources[0].is_dir():
        return inputs, left_out
    names = {os.path.realpath(path): name for name, path in (beside or {}).items()}
    outputs = _Outputs(run_dir)
    there = {(one.root, os.path.realpath(one.path)) for one in inputs}
    taken = []
    for one in inputs:
        made = outputs.of(one.path)
        if name := names.get(os.path.realpath(one.path)):
            left_out.append(LeftOut(path=one.path, reason=f"given as the {name}"))
        elif any(
            (one.root, os.path.realpath(source)) in there
            or (task == by and source.parent == one.path.parent)
            for by, source in made
        ):
            reason = "made by an earlier run; name one alone to take it"
            left_out.append(LeftOut(path=one.path, reason=reason))
        else:
            taken.append(one)
    return taken, left_out


def _files_in(
    folder: Path, root: Path, formats: Formats, *, recursive: bool, output: Path | None
) -> Iterator[Input | LeftOut]:
    """Yield what is in a folder, in the order of the names."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            yield LeftOut(path=path, reason="hidden")
        elif not path.is_dir():
            yield _checked(path, root, formats)
        elif own := _own_folder(path, output):
            yield LeftOut(path=path, reason=own)
        elif path.is_symlink():
            yield LeftOut(path=path, reason="a link to a folder")
        elif not recursive:
            reason = f"a subfolder; --recursive takes their {formats.what}s too"
            yield LeftOut(path=path, reason=reason)
        elif not os.access(path, os.R_OK | os.X_OK):
            yield LeftOut(path=path, reason="cannot be read; check the permissions", bad=True)
        else:
            yield from _files_in(path, root, formats, recursive=True, output=output)


def _checked(path: Path, root: Path, formats: Formats) -> Input | LeftOut:
    """Return a file of a folder as an input, or why it is none."""
    if not formats.takes(path):
        if path.is_file() and (kind := formats.kind(path)):
            return LeftOut(path=path, reason=f"unknown suffix, though a {kind.upper()} by content")
        return LeftOut(path=path, reason="unknown type")
    if not path.exists():
        return LeftOut(path=path, reason="a link to nothing, or to itself", bad=True)
    if not path.is_file():
        return LeftOut(path=path, reason="a pipe or device")
    if not os.access(path, os.R_OK):
        return LeftOut(path=path, reason="cannot be read; check the permissions", bad=True)
    if path.stat().st_size == 0:
        return LeftOut(path=path, reason="empty", bad=True)
    return Input(path=path, root=root)


def _own_folder(folder: Path, output: Path | None) -> str:
    """Return what a folder is to us, "" if nothing."""
    if output is not None and output.is_dir() and folder.samefile(output):
        return "the folder of the outputs"
    if folder.name == RUNS or (folder / "run.json").exists():
        return "a folder of runs"
    return ""


class _Outputs:
    """What the runs have written, by the records that lie beside it."""

    def __init__(self, run_dir: Path | None) -> None:
        self.run_dir = run_dir
        self.known: dict[Path, list[tuple[str, Path, Path]]] = {}

    def of(self, path: Path) -> list[tuple[str, Path]]:
        """Return the tasks that have written a file, each with the picture that it was made of."""
        folder = path.parent
        found = []
        for by, source, target in self._in(folder / RUNS):
            if target.name == path.name:
                # A folder that was moved has taken its runs with it.
                moved = source.parent == target.parent
                found.append((by, folder / source.name if moved else source))
        for by, source, target in self._in(self.run_dir) if self.run_dir else ():
            if os.path.realpath(target) == os.path.realpath(path):
                found.append((by, source))
        return found

    def _in(self, runs: Path) -> list[tuple[str, Path, Path]]:
        if runs not in self.known:
            self.known[runs] = list(_read_records(runs))
        return self.known[runs]


def _read_records(runs: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield the task, the source and the target of all runs in a folder."""
    for record in sorted(runs.glob("*/run.json")) if os.access(runs, os.R_OK) else ():
        if not record.is_file():
            continue
        try:
            job = read_json(record)["job"]
            yield str(job["task"]), Path(job["source"]), Path(job["target"])
        except (InputError, KeyError, TypeError):
            continue  # what is damaged tells nothing
