"""What a fit will cost, before it starts: steps, time, memory, tiles."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

import torch

from untrained.atomic import write_atomically
from untrained.errors import InputError
from untrained.fitting import FixedSteps, Plan
from untrained.memory import free_memory
from untrained.networks import NetworkSummary, summarize
from untrained.objectives import Problem
from untrained.operators import Resample
from untrained.recipes import Recipe, encode
from untrained.restoring.solve import adapted, solve
from untrained.restoring.tiles import TILE, can_be_tiled, crop, for_later_tiles, tile_places

__all__ = [
    "available_memory",
    "make_plan",
    "predict_memory",
    "summarize_recipe",
    "without_timing",
]

_TILED_FROM = 4 * TILE**2  # pixels of the observation
_SIDES = (128, 256)  # of the crops that are timed
_WORTH_TIMING = 100  # steps, of which timing takes four
_WHOLE = 44  # bytes a value of a picture in tiles, measured: input, sums, result, file
_ROOM = 1.3  # allocator, autocast copies and the interpreter on top of what is counted

_timing: ContextVar[bool] = ContextVar("timing", default=True)


def make_plan(
    recipe: Recipe, problem: Problem, device: torch.device, *, warm: bool = False
) -> Plan:
    """Return what a fit will cost at most; `warm` = it starts from the weights of another.

    Pictures from four megapixels of the observation up are cut into tiles, smaller ones if they do
    not fit into memory, but none that the objective explains as a whole. The time is measured on
    two crops, once for a recipe and a device.

    Raises:
        InputError: more memory is needed than is free; says how much and what to do.
    """
    recipe = adapted(recipe, problem)
    whole, free = predict_memory(recipe, problem), available_memory(device)
    _, _, rows, columns = problem.observed.shape
    large = rows * columns >= _TILED_FROM or (free is not None and whole > free)
    tiles, memory, part = 1, whole, problem
    cut = can_be_tiled(problem) and not getattr(recipe.objective, "in_one_piece", False)
    if large and cut and max(rows, columns) > TILE:
        down, across = tile_places(rows), tile_places(columns)
        tiles = len(down) * len(across)
        part = crop(problem, down[0], across[0])
        memory = predict_memory(recipe, part) + _WHOLE * math.prod(problem.image_shape)
    if free is not None and memory > free:
        _, _, height, width = problem.image_shape
        raise InputError(
            f"fitting {height}x{width} with recipe {recipe.name!r} needs about "
            f"{memory / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free on {device}; "
            "use a smaller picture, a smaller network (--set network.widths=…) or another device"
        )
    later = recipe if warm else for_later_tiles(recipe)
    steps = recipe.max_steps + (tiles - 1) * later.max_steps
    pace = _seconds_per_step(recipe, part, device)
    channels, height, width = problem.image_shape[1:]
    return Plan(
        size=(height, width, channels),
        max_steps=steps,
        seconds=None if pace is None else steps * pace,
        memory_bytes=memory,
        tiles=tiles,
        device=str(device),
        precision=recipe.acceleration.resolve(device).precision,
    )


@contextmanager
def without_timing() -> Iterator[None]:
    """Plan with the paces that are known: one measured on a busy machine would be kept for good."""
    token = _timing.set(False)
    try:
        yield
    finally:
        _timing.reset(token)


def summarize_recipe(recipe: Recipe, height: int, width: int, channels: int) -> NetworkSummary:
    """Return the summary of a recipe's network for an image of this size."""
    return summarize(
        recipe.network,
        in_channels=recipe.objective.in_channels(channels),
        out_channels=channels,
        height=height,
        width=width,
    )


def predict_memory(recipe: Recipe, problem: Problem) -> int:
    """Return the bytes that a fit needs: the network's (`summarize`) and two dozen images.

    Of an operator that is no picture's also its matrices and maps, twice (with those of another
    device), and two dozen measurements: k-space has many coils.
    """
    _, channels, height, width = problem.image_shape
    summary = summarize_recipe(recipe, height, width, channels)
    values = channels * height * width
    held = 0
    if _is_measured(problem):
        values = max(values, problem.observed.numel())
        held = 2 * _bytes_of(problem.operator)
    again = getattr(recipe.objective, "unrolls", 1) - 1  # one step applies the network so often
    network = summary.memory_bytes + again * summary.activation_bytes
    counted = recipe.members * network + 24 * 4 * values
    return int(_ROOM * counted) + held


def _is_measured(problem: Problem) -> bool:
    """Whether y is no picture, but k-space, a sinogram …"""
    return not getattr(problem.operator, "keeps_constants", False)


def _bytes_of(operator: object) -> int:
    """Return what an operator holds: sparse matrices, coil maps."""
    if not isinstance(operator, torch.nn.Module):
        return 0
    return sum(_storage(x) for x in (*operator.buffers(), *operator.parameters()))


def _storage(values: torch.Tensor) -> int:
    if values.layout == torch.sparse_csr:
        parts = (values.values(), values.col_indices(), values.crow_indices())
        return sum(x.numel() * x.element_size() for x in parts)
    return values.numel() * values.element_size()


def available_memory(device: torch.device) -> int | None:
    """Return the free memory of a device in bytes; None if it cannot be told.

    What torch keeps of earlier fits for the next one is free, though the driver calls it used.
    """
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    return free_memory()


def _seconds_per_step(recipe: Recipe, problem: Problem, device: torch.device) -> float | None:
    """Return the time of a step, from a line through two crops; None if there is no room for them.

    What is measured as a whole (k-space, a sinogram) is timed as a whole, if that takes a small
    part of the fit. Kept in a cache, since the measurement takes seconds with the large networks.
    """
    if _is_measured(problem):
        return _pace_of_whole(recipe, problem, device)
    factor = problem.operator.factor if isinstance(problem.operator, Resample) else 1
    sides = [side // factor for side in _SIDES]
    if min(problem.observed.shape[-2:]) < sides[-1] or not can_be_tiled(problem):
        return None
    key = _key(recipe, problem, device, factor)
    cache = _read_cache()
    if key not in cache:
        if not _timing.get():
            return None
        cache[key] = [_time_step(recipe, problem, device, side) for side in sides]
        _write_cache(cache)
    small, large = cache[key]
    a, b = (s * s for s in sides)
    pixels = problem.observed.shape[-2] * problem.observed.shape[-1]
    return max(small, small + (large - small) * (pixels - a) / (b - a))


def _pace_of_whole(recipe: Recipe, problem: Problem, device: torch.device) -> float | None:
    """Return the time of a step of a problem that cannot be cut; None if it is not worth it."""
    key = _key(recipe, problem, device, 1, problem.observed.shape, problem.image_shape,
               _bytes_of(problem.operator))  # fmt: skip
    cache = _read_cache()
    if key not in cache:
        if not _timing.get() or recipe.max_steps < _WORTH_TIMING:
            return None
        cache[key] = [_time_whole(recipe, problem.to(device))]
        _write_cache(cache)
    return cache[key][0]


def _time_whole(recipe: Recipe, problem: Problem) -> float:
    """Return the seconds of a step: the difference of two short fits."""
    seconds = []
    for steps in (1, 3):
        short = replace(
            recipe, max_steps=steps, check_every=steps, stopper=FixedSteps(), refinement=None
        )
        began = time.perf_counter()
        solve(problem, short)
        seconds.append(time.perf_counter() - began)
    return max(1e-5, (seconds[1] - seconds[0]) / 2)


def _time_step(recipe: Recipe, problem: Problem, device: torch.device, side: int) -> float:
    """Return the seconds of a step on a crop: the difference of two short fits, warmed up."""
    part = crop(problem, (0, side), (0, side))
    known = None if part.known is None else torch.ones_like(part.known)
    part = replace(part, known=known, held_out=None).to(device)
    seconds = []
    for steps in (2, 2, 10):
        short = replace(
            recipe, max_steps=steps, check_every=steps, stopper=FixedSteps(), refinement=None
        )
        began = time.perf_counter()
        solve(part, short)
        seconds.append(time.perf_counter() - began)
    return max(1e-5, (seconds[2] - seconds[1]) / 8)


def _key(recipe: Recipe, problem: Problem, device: torch.device, factor: int, *more: object) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    parts = [encode(getattr(recipe, n)) for n in ("network", "objective", "optimizer", "members",
             "acceleration")]  # fmt: skip
    parts += [problem.observed.shape[1], factor, name, torch.get_num_threads(), torch.__version__]
    parts += more
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _cache_file() -> Path:
    folder = os.environ.get("UNTRAINED_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(folder) if folder else Path(base) / "untrained") / "seconds-per-step.json"


def _read_cache() -> dict[str, list[float]]:
    try:
        data = json.loads(_cache_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _write_cache(cache: dict[str, list[float]]) -> None:
    try:
        _cache_file().parent.mkdir(parents=True, exist_ok=True)
        write_atomically(_cache_file(), lambda file: file.write(json.dumps(cache).encode()))
    except (OSError, InputError):
        pass  # a read-only home costs a second at every start, nothing more
