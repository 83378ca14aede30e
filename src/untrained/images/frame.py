"""One picture of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["Frame"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """One picture of a clip; `name` is that of its file in a folder, `time` (ticks) in a video."""

    pixels: NDArray[Any]
    name: str
    time: int | None = None
