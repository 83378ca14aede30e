"""Where the restored pictures go: the input and output file of every job."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from untrained.errors import InputError
from untrained.jobs.inputs import Input, LeftOut, find_inputs
from untrained.tasks import Formats, find_task

__all__ = ["Plan", "plan_targets"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The input and output file of every job, and what is left out."""

    pairs: list[tuple[Path, Path]]
    left_out: list[LeftOut]


def plan_targets(
    task: str, sources: Sequence[Path], output: Path | None = None, *, recursive: bool = False,
    run_dir: Path | None = None, suffix: str | None = None,
    beside: Mapping[str, Path] | None = None,
) -> Plan:  # fmt: skip
    """Return what is to be made of what.

    One picture goes to the file `output`, or into it if it is a folder: one that exists, or a name
    without suffix. Several go into the folder `output`, those of a folder by their places in it.
    Without one, a named file's goes beside it as NAME-TASK, those of FOLDER into FOLDER-denoised,
    by the task. A format that is read and not written becomes PNG.

    Args:
        task, sources, recursive, run_dir, beside: as for `find_inputs`.
        output: a file or a folder.
        suffix: of the outputs that are not named; None = of their inputs.

    Raises:
        InputError: no source, a file as the output of many, a folder as the output of itself, two
            inputs of one name, an output that is an input.
    """
    formats = find_task(task).formats
    if not sources:
        raise InputError(f"no input; give one or more {formats.what} files or folders")
    folders = [source for source in sources if source.is_dir()]
    many = len(sources) > 1 or bool(folders)
    into = None
    if output is not None and (many or output.is_dir() or not (output.suffix or output.exists())):
        _check_folder(output, folders, len(sources), formats)
        into = output
    inputs, left_out = find_inputs(
        task, sources, recursive=recursive, output=into, run_dir=run_dir, beside=beside
    )
    if output is not None and into is None:
        if suffix is not None:
            raise InputError(f"--format goes with outputs without a name; {output} has one")
        return Plan(pairs=[(one.path, output) for one in inputs], left_out=left_out)
    pairs = []
    for one, target in _targets(task, inputs, into, suffix):
        known = formats.is_written(formats.suffix(target))
        kind = None if known else formats.kind(one.path)
        if kind is None:
            pairs.append((one.path, target))
            continue
        reason = (
            f"a {kind.upper()} by its content, with the unknown suffix {target.suffix or '(none)'}"
            f"; rename it to {formats.usual_suffix(kind)}, or name the output with -o FILE"
        )
        left_out.append(LeftOut(path=one.path, reason=reason, bad=True))
    return _without_outputs(pairs, left_out, named=into is not None)


def _check_folder(output: Path, folders: Sequence[Path], count: int, formats: Formats) -> None:
    """Refuse what cannot be the folder of the outputs."""
    whose = "a folder" if folders else f"{count} {formats.what}s"
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file, the output of {whose} must be a folder")
    if not output.exists() and formats.names_a_file(output):
        raise InputError(
            f"{output}: is the name of a {formats.what}, the output of {whose} must be a folder"
        )
    for folder in folders:
        if output.exists() and output.samefile(folder):
            raise InputError(
                f"{output}: is the folder of the {formats.what}s itself; give another one with -o, "
                "or leave it out"
            )


def _targets(
    task: str, inputs: Sequence[Input], into: Path | None, suffix: str | None
) -> list[tuple[Input, Path]]:
    """Return the output of every input; of those that would share one, where the suffix changes."""

    def target(one: Input, stem: str) -> Path:
        name = stem + (suffix or find_task(task).formats.output_suffix(one.path))
        if into is None and one.root is None:
            return one.path.with_name(name)
        folder = into or _folder_beside(one.root, find_task(task).participle)
        return folder / one.path.relative_to(one.root or one.path.parent).with_name(name)

    end = {one.path: f"-{task}" if into is None and one.root is None else "" for one in inputs}
    pairs = [(one, target(one, one.path.stem + end[one.path])) for one in inputs]
    shared = Counter(name for _, name in pairs)
    return [
        (one, name)
        if shared[name] == 1 or name.suffix == one.path.suffix
        else (one, target(one, one.path.name + end[one.path]))
        for one, name in pairs
    ]


def _folder_beside(root: Path | None, participle: str) -> Path:
    """Return FOLDER-denoised for FOLDER."""
    assert root is not None
    named = root if root.name not in ("", "..") else root.resolve()
    if not named.name:
        raise InputError(f"{root}: nothing can be beside this folder; give the output with -o")
    return named.with_name(f"{named.name}-{participle}")


def _without_outputs(
    pairs: list[tuple[Path, Path]], left_out: list[LeftOut], *, named: bool
) -> Plan:
    """Return the plan, without inputs that are to be written; `named` = the user said where."""
    sources: dict[Path, Path] = {}
    for source, target in pairs:
        other = sources.setdefault(target, source)
        if other != source:
            raise InputError(
                f"{target}: two inputs would go there, {other} and {source}; "
                "give them different names"
            )
    written = {os.path.realpath(target): source for source, target in pairs}
    kept = []
    for source, target in pairs:
        maker = written.get(os.path.realpath(source))
        if maker is None or maker == source:  # itself is refused later, and alone
            kept.append((source, target))
        elif named:
            raise InputError(
                f"{source}: is an input, and the output of {maker} would be written there; "
                "give another folder with -o"
            )
        else:
            left_out.append(
                LeftOut(path=source, reason="where another output of this command goes")
            )
    return Plan(pairs=kept, left_out=left_out)
