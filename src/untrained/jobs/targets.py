"""Where the restored pictures go: the input and output file of every job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from untrained.errors import InputError
from untrained.images import is_image_path

__all__ = ["plan_targets"]


def plan_targets(
    task: str, sources: Sequence[Path], output: Path | None
) -> list[tuple[Path, Path]]:
    """Return the input and output file of every job.

    Folders stand for the pictures in them. One picture goes to the file `output`, or into it if it
    is a folder: one that exists, or a name without suffix. Several go into the folder `output`;
    without one, beside the input as NAME-TASK.

    Raises:
        InputError: no picture, a file as the output of many, two inputs of one name.
    """
    pictures: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(p for p in source.iterdir() if p.is_file() and is_image_path(p))
            if not inside:
                raise InputError(f"{source}: holds no picture; wanted a folder with some")
            pictures += inside
        else:
            pictures.append(source)
    if not pictures:
        raise InputError("no input; give one or more picture files or folders")
    many = len(pictures) > 1 or sources[0].is_dir()
    if output is None:
        pairs = [(p, p.with_name(f"{p.stem}-{task}{p.suffix}")) for p in pictures]
    elif many or output.is_dir() or not (output.suffix or output.exists()):
        if output.exists() and not output.is_dir():
            raise InputError(
                f"{output}: is a file, the output of {len(pictures)} pictures must be a folder"
            )
        pairs = [(p, output / p.name) for p in pictures]
    else:
        pairs = [(pictures[0], output)]
    targets = [target for _, target in pairs]
    for target in targets:
        if targets.count(target) > 1:
            raise InputError(f"{target}: two inputs would go there; give them different names")
    return pairs
