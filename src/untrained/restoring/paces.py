"""How long a fit takes on this machine: timed on crops once, corrected by what fits took.

A pace is kept in a file, by everything that it depends on but the size: recipe, channels, device,
threads. Between two sizes that were timed it goes by a line, beyond the largest in proportion to
the pixels, never by less. Once a fit of the kind has ended, its own pace counts; from its size to
another it goes by a + b pixels, since a step on a small picture is mostly the calls that it makes.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.fitting import FixedSteps, Plan
from untrained.objectives import Problem
from untrained.operators import Resample
from untrained.recipes import Recipe, encode
from untrained.restoring.solve import adapted, solve
from untrained.restoring.tiles import can_be_tiled, crop

__all__ = ["Pace", "is_measured", "learn_pace", "pace_of", "step_ratio", "timed_from"]

_SIDES = (128, 256, 512)  # of the crops that are timed …
_AREA = 8  # … in pictures of so many times their pixels, the two smallest in all
_WORTH_TIMING = 100  # steps, of which timing takes four
_LEAST_STEPS = 30  # of a fit whose time is learnt
_RUNS = 8  # the latest that are kept
_OVERHEAD = 20_000  # pixels that take as long as the calls of a step, a / b (docs/measurements.md)
_MOST_OVERHEAD = 40_000  # that is read off fits, whose times other programs have changed
_FAR = 1.6  # times the pixels: from there on crops are timed in spite of fits that are known

# What is told holds the truth nine times of ten (docs/measurements.md): a fit may stop early, and
# other programs come and go.
_FEWEST = 0.5
_LEARNT = (0.7, 1.5)
_TIMED = (0.6, 2.0)

_timed_from: ContextVar[float] = ContextVar("timed_from", default=256)


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of one kind of fit.

    Attributes:
        crops: pixels and seconds of a step, timed.
        after: seconds a pixel of what follows the steps.
        runs: pixels, seconds a step with what follows it, and the share of the steps that were
            taken, of the latest fits.
    """

    crops: tuple[tuple[int, float], ...] = ()
    after: float = 0.0
    runs: tuple[tuple[int, float, float], ...] = field(default=())

    def seconds(self, pixels: int, steps: int) -> tuple[float, float, float] | None:
        """Return the seconds of all steps of a fit of so many pixels: expected, least, most.

        None = nothing is known.
        """
        if self.runs:
            near = min(self.runs, key=lambda run: abs(math.log(run[0] / pixels)))
            expected = steps * near[1] * self._ratio(pixels, near[0], steps)
            low, high = _LEARNT
            shares = sorted(share for _, _, share in self.runs)
            least = min(_FEWEST, shares[0]) if len(shares) < 4 else shares[0]
        elif self.crops:
            expected = steps * self._of_a_step(pixels) + self.after * pixels
            (low, high), least = _TIMED, _FEWEST
        else:
            return None
        return expected, expected * low * least, expected * high * _business()

    @property
    def share(self) -> float:
        """How much of the most steps fits of this kind took, on average; 1 = none has ended."""
        return sum(share for _, _, share in self.runs) / len(self.runs) if self.runs else 1.0

    def _ratio(self, pixels: int, known: int, steps: int) -> float:
        """Return how much longer a step on one size takes than on another, by a + b pixels.

        a / b is that of the crops, else of the fits, by least squares of the relative errors, if
        they are of several sizes; not of both, which were timed in other ways.
        """
        crops = [(p, seconds + self.after * p / steps) for p, seconds in self.crops]
        for points in (crops, [(p, seconds) for p, seconds, _ in self.runs]):
            sizes = [p for p, _ in points]
            if sizes and max(sizes) >= _FAR * min(sizes):
                return step_ratio(pixels, known, min(_overhead(points), _MOST_OVERHEAD))
        return step_ratio(pixels, known)

    def is_like(self, pixels: int) -> bool:
        """Whether a fit of about this size is known."""
        return any(max(p / pixels, pixels / p) < _FAR for p, _, _ in self.runs)

    def _of_a_step(self, pixels: int) -> float:
        """Return the seconds of a step: on the line between crops, in proportion beyond them."""
        crops = sorted(self.crops)
        largest, seconds = crops[-1]
        if pixels >= largest:
            overhead = _OVERHEAD if largest < _SIDES[1] ** 2 else 0
            return seconds * (pixels + overhead) / (largest + overhead)
        for (a, first), (b, second) in pairwise(crops):
            if a <= pixels <= b:
                return first + (second - first) * (pixels - a) / (b - a)
        return crops[0][1]  # the overhead of a step does not shrink with the picture


def _overhead(points: Sequence[tuple[int, float]]) -> float:
    """Return a / b of s = a + b p, from pixels p and seconds s, both 0 or more.

    Least squares of the relative errors: (1 / s, p / s) (a, b) = 1.
    """
    ones, slopes = [1 / s for _, s in points], [p / s for p, s in points]
    aa, ab, bb = (
        sum(x * y for x, y in zip(u, v, strict=True))
        for u, v in ((ones, ones), (ones, slopes), (slopes, slopes))
    )
    a, b = sum(ones) * bb - sum(slopes) * ab, sum(slopes) * aa - sum(ones) * ab
    return math.inf if b <= 0 else max(0.0, a / b)


def step_ratio(pixels: int, known: int, overhead: float = _OVERHEAD) -> float:
    """Return how much longer a step on one size takes than on another, if nothing else is known.

    `overhead` is that of the calls of a step, in pixels.
    """
    return (pixels + overhead) / (known + overhead)


def pace_of(recipe: Recipe, problem: Problem, device: torch.device) -> Pace:
    """Return the pace of a kind of fit; timed on crops of the problem where nothing is known."""
    key = _key(recipe, problem, device)
    pace = _read().get(key, Pace())
    if is_measured(problem):
        return _of_whole(recipe, problem, device, pace)
    height, width = problem.observed.shape[-2:]
    factor = _factor(problem)
    known = bool(pace.runs) and (_timed_from.get() > 0 or pace.is_like(height * width))
    if known or min(height, width) * factor < _timed_from.get() or not can_be_tiled(problem):
        return pace
    sides = [
        side // factor
        for side in _SIDES
        if side // factor <= min(height, width)
        and (side <= _SIDES[1] or height * width >= _AREA * side * side)
    ] or [min(height, width)]
    timed = dict(pace.crops)
    missing = [side for side in sides if side * side not in timed]
    if not missing:
        return pace
    timed |= {side * side: _time_step(recipe, problem, device, side) for side in missing}
    middle = sides[min(1, len(sides) - 1)]
    after = pace.after if pace.crops else _time_after(recipe, problem, middle)
    pace = replace(pace, crops=tuple(sorted(timed.items())), after=after)
    _write(key, pace)
    return pace


def is_measured(problem: Problem) -> bool:
    """Whether y is no picture, but k-space, a sinogram …: it is timed as a whole or not at all."""
    return not getattr(problem.operator, "keeps_constants", False)


def _of_whole(recipe: Recipe, problem: Problem, device: torch.device, pace: Pace) -> Pace:
    """Return the pace of what cannot be cut; timed where that is a small part of the fit."""
    quiet = _timed_from.get() == math.inf or getattr(recipe.objective, "prepares", False)
    pixels = _pixels(problem)
    if pace.runs or quiet or pixels in dict(pace.crops) or recipe.max_steps < _WORTH_TIMING:
        return pace
    known = {**dict(pace.crops), pixels: _time_few_steps(recipe, problem.to(device))}
    pace = replace(pace, crops=tuple(sorted(known.items())))
    _write(_key(recipe, problem, device), pace)
    return pace


def _time_few_steps(recipe: Recipe, problem: Problem) -> float:
    """Return the seconds of a step: the difference of two short fits."""
    taken = []
    for steps in (1, 3):
        short = replace(
            recipe, max_steps=steps, check_every=steps, stopper=FixedSteps(), refinement=None
        )
        began = time.perf_counter()
        solve(problem, short)
        taken.append(time.perf_counter() - began)
    return max(1e-5, (taken[1] - taken[0]) / 2)


def learn_pace(
    recipe: Recipe, problem: Problem, device: torch.device, *,
    plan: Plan, steps: int, seconds: float,
) -> None:  # fmt: skip
    """Keep what a fit took, all in all, of which so much was planned."""
    if steps < _LEAST_STEPS:
        return
    key = _key(recipe, problem, device)
    pace = _read().get(key, Pace())
    run = (plan.pixels, seconds / steps, min(1.0, steps / plan.max_steps))
    _write(key, replace(pace, runs=(*pace.runs[1 - _RUNS :], run)))


@contextmanager
def timed_from(side: float) -> Iterator[None]:
    """Time crops of pictures of at least this side; infinity = go by the paces that are known.

    A fit of a small picture is over before its timing is worth the while, unless one asks for it.
    """
    token = _timed_from.set(side)
    try:
        yield
    finally:
        _timed_from.reset(token)


def _time_step(recipe: Recipe, problem: Problem, device: torch.device, side: int) -> float:
    """Return the seconds of a step on a crop: the difference of two short fits, warmed up.

    On a busy processor that is less than what passed: what the threads were given.
    """
    part = crop(problem, (0, side), (0, side))
    known = None if part.known is None else torch.ones_like(part.known)
    part = replace(part, known=known, held_out=None).to(device)
    taken = []
    for steps in (2, 2, 8):
        short = replace(
            recipe, max_steps=steps, check_every=steps, stopper=FixedSteps(), refinement=None
        )
        began, used = time.perf_counter(), time.process_time()
        solve(part, short)
        passed, used = time.perf_counter() - began, time.process_time() - used
        given = used / torch.get_num_threads()
        taken.append(passed if device.type != "cpu" else min(passed, max(given, passed / 4)))
    return max(1e-5, (taken[2] - taken[1]) / 6)


def _time_after(recipe: Recipe, problem: Problem, side: int) -> float:
    """Return the seconds a pixel of the recipe's refinement."""
    if recipe.refinement is None:
        return 0.0
    part = replace(crop(problem, (0, side), (0, side)), known=None, held_out=None)
    began = time.perf_counter()
    recipe.refinement.refine(part, part.observed)
    return (time.perf_counter() - began) / _pixels(part)


def _business() -> float:
    """Return by how much other programs slow a fit down now: 1 = not at all."""
    try:
        waiting = os.getloadavg()[0]
    except (OSError, AttributeError):  # Windows has none
        return 1.0
    return max(1.0, (waiting + 1) / (os.cpu_count() or 1))


def _pixels(problem: Problem) -> int:
    return problem.observed.shape[-2] * problem.observed.shape[-1]


def _factor(problem: Problem) -> int:
    return problem.operator.factor if isinstance(problem.operator, Resample) else 1


def _key(recipe: Recipe, problem: Problem, device: torch.device) -> str:
    recipe = adapted(recipe, problem)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    parts = [encode(getattr(recipe, n)) for n in ("network", "objective", "optimizer", "members",
             "acceleration", "refinement")]  # fmt: skip
    parts += [
        problem.observed.shape[1], type(problem.operator).__name__, _factor(problem), name,
        torch.get_num_threads(), torch.__version__,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _cache_file() -> Path:
    folder = os.environ.get("UNTRAINED_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(folder) if folder else Path(base) / "untrained") / "paces.json"


def _read() -> dict[str, Pace]:
    """Return what is kept; nothing of a file that is damaged."""
    try:
        data: dict[str, Any] = json.loads(_cache_file().read_text(encoding="utf-8"))
        return {
            key: Pace(
                tuple((int(p), float(s)) for p, s in kept["crops"]),
                float(kept["after"]),
                tuple((int(p), float(s), float(share)) for p, s, share in kept["runs"]),
            )
            for key, kept in data.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write(key: str, pace: Pace) -> None:
    kept = {**_read(), key: pace}
    data = {k: {"crops": p.crops, "after": p.after, "runs": p.runs} for k, p in kept.items()}
    try:
        _cache_file().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(_cache_file(), lambda file: file.write(json.dumps(data).encode()))
    except (OSError, InputError):
        pass  # a read-only home costs a few seconds at every start, nothing more
