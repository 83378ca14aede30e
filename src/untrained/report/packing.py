"""Pictures inside of a page: without loss, each held once, as many as a size allows.

A picture is held as lossless WebP, and its bytes as text of 7 bits a character (`as_text`): 17 %
more than the bytes, where the usual base64 is 33 % more.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from untrained.report.pictures import Pixels, Shown, as_png

__all__ = ["Held", "Kept", "Sources", "as_text", "choose", "reduced"]

_WEBP_SIDE = 16383
_UNSAFE = (0, 13, 60)  # NUL, CR and "<": HTML would change the first two and read the third
_WORTH = 8  # snapshots of a run; so many smaller ones are worth more than fewer large ones


def as_text(data: bytes) -> str:
    """Return bytes as text for a `<script type="text/plain">`: 7 bits a character, first bit first.

    The few characters that HTML would not leave alone are moved up by 256, so that
    `charCode & 127` is the value of every one.
    """
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    groups = np.pad(bits, (0, -len(bits) % 7)).reshape(-1, 7)
    values: NDArray[np.int64] = groups.astype(np.int64) @ (1 << np.arange(6, -1, -1))
    values = np.where(np.isin(values, _UNSAFE), values + 256, values)
    return values.astype("<u2").tobytes().decode("utf-16-le")


def reduced(pixels: Pixels, factor: int) -> Pixels:
    """Return the picture `factor` times smaller, each pixel the mean of a square."""
    from PIL import Image

    return pixels if factor == 1 else np.asarray(Image.fromarray(pixels).reduce(factor))


@dataclass(slots=True)
class Sources:
    """The pictures of a page; one that is there already is not held twice."""

    texts: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    cost: int = 0
    encoded: dict[str, str] = field(default_factory=dict)

    def add(self, pixels: Pixels, profile: bytes | None = None) -> str:
        """Hold a picture, with the ICC profile of its colours; return its address, "@0" first."""
        key = _key(pixels, profile)
        if key not in self.places:
            if key not in self.encoded:
                self.encoded[key] = as_text(_encoded(pixels, profile))
            text = self.encoded[key]
            self.places[key] = len(self.texts)
            self.texts.append(text)
            self.cost += len(text.encode())
        return f"@{self.places[key]}"

    def holds(self, pixels: Pixels, profile: bytes | None = None) -> bool:
        """Whether it is there already."""
        return _key(pixels, profile) in self.places

    def copy(self) -> Sources:
        """Return a copy, to try what more would cost; what is encoded is encoded for both."""
        return Sources(list(self.texts), dict(self.places), self.cost, self.encoded)


class Held(NamedTuple):
    """A snapshot that is held: which of its run, where, and its size."""

    which: int
    address: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """The snapshots that are held, run by run, and how many times smaller."""

    runs: tuple[tuple[Held, ...], ...]
    factor: int
    sources: Sources


def choose(sources: Sources, runs: Sequence[Sequence[Shown]], limit: float) -> Kept:
    """Return the snapshots to hold beside `sources` within `limit` bytes.

    All of them as they are if that fits; otherwise thinned, then at half, then at quarter size. A
    snapshot that is the estimate itself costs nothing and stays whole.
    """
    for factor, share in _ways(max(map(len, runs), default=0)):
        kept = _try(sources, runs, factor, share, limit)
        if kept is not None:
            return kept
    return Kept(runs=((),) * len(runs), factor=1, sources=sources)


def _ways(most: int) -> Iterator[tuple[int, float]]:
    """Yield (times smaller, share of the snapshots), the most wanted first."""
    shares = [share for share in (1, 3 / 4, 1 / 2) if share == 1 or most * share >= _WORTH]
    yield from ((factor, share) for factor in (1, 2, 4) for share in shares)
    smallest = shares[-1] * most
    yield from ((4, count / most) for count in range(math.ceil(smallest) - 1, 0, -1))


def _spread(count: int, share: float) -> tuple[int, ...]:
    """Return indices of so large a share, evenly spread, the last among them."""
    wanted = min(count, max(1, round(count * share)))
    last = count - 1
    return tuple(last - round(i * last / max(1, wanted - 1)) for i in reversed(range(wanted)))


def _try(
    sources: Sources, runs: Sequence[Sequence[Shown]], factor: int, share: float, limit: float
) -> Kept | None:
    """Return the choice if it fits; gives up as soon as it does not."""
    trial = sources.copy()
    kept = []
    for snapshots in runs:
        held = []
        for index in _spread(len(snapshots), share):
            shown = snapshots[index]
            pixels, icc = shown.pixels(), shown.profile
            pixels = pixels if sources.holds(pixels, icc) else reduced(pixels, factor)
            height, width = pixels.shape[:2]
            held.append(Held(index, trial.add(pixels, icc), width, height))
            if trial.cost > limit:
                return None
        kept.append(tuple(held))
    return Kept(runs=tuple(kept), factor=factor, sources=trial)


def _encoded(pixels: Pixels, profile: bytes | None) -> bytes:
    """Return the picture as lossless WebP, PNG if it is too large for that."""
    from PIL import Image

    if max(pixels.shape[:2]) > _WEBP_SIDE:
        return as_png(pixels, profile)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(
        buffer, "webp", lossless=True, quality=75, method=5, exact=True, icc_profile=profile or b""
    )
    return buffer.getvalue()


def _key(pixels: Pixels, profile: bytes | None) -> str:
    head = f"{pixels.shape} ".encode() + (profile or b"")
    return hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).hexdigest()
