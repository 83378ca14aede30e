"""What tasks say whose pictures cannot be cut into tiles."""

from __future__ import annotations

from untrained.errors import InputError
from untrained.tasks.base import Asked

__all__ = ["check_whole"]

_LARGEST = 4_000_000  # pixels; larger pictures are fitted in tiles (`planner`)


def check_whole(asked: Asked) -> None:
    """Refuse a picture that would be cut into tiles, each of which would be explained differently.

    Raises:
        InputError: more than four million pixels.
    """
    height, width = asked.picture.pixels.shape[1:3]
    if height * width > _LARGEST:
        raise InputError(
            f"{asked.source}: is {height}x{width}; this task needs the picture in one piece, "
            f"wanted at most {_LARGEST:,} pixels; shrink it first"
        )
