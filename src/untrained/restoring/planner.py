"""What a fit will cost, before it starts: steps, time, memory, tiles."""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable

import torch

from untrained.errors import NoRoomError
from untrained.fitting import Plan, seated
from untrained.memory import free_memory
from untrained.networks import Custom, NetworkSettings, NetworkSummary, summarize
from untrained.objectives import Problem
from untrained.recipes import Recipe
from untrained.restoring.paces import is_measured, pace_of
from untrained.restoring.solve import adapted
from untrained.restoring.tiles import TILE, can_be_tiled, crop, for_later_tiles, tile_places

__all__ = [
    "available_memory",
    "make_plan",
    "memory_in_parts",
    "pays_together",
    "predict_memory",
    "summarize_recipe",
]

_TILED_FROM = 4 * TILE**2  # pixels of the observation
_WHOLE = 44  # bytes a value of a picture in tiles, measured: input, sums, result, file
_SMALL = 8 * 2**20  # bytes of a network's maps at which calls, not sums, take the time of a CPU
_ROOM = 1.3  # allocator, autocast copies and the interpreter on top of what is counted


def make_plan(
    recipe: Recipe, problem: Problem, device: torch.device, *, warm: bool = False
) -> Plan:
    """Return what a fit will cost at most; `warm` = it starts from the weights of another.

    Pictures from four megapixels of the observation up are cut into tiles, smaller ones if they do
    not fit into memory, but none that the objective explains as a whole. The time goes by
    earlier fits of the kind, or crops that are timed, once (`paces`).

    Raises:
        NoRoomError: more memory is needed than is free; says how much and what to do.
    """
    recipe = adapted(recipe, problem)
    free = available_memory(device)
    memory, tiles, part = memory_in_parts(recipe, problem, free)
    if free is not None and memory > free:
        _, _, height, width = problem.image_shape
        raise NoRoomError(
            f"fitting {height}x{width} with recipe {recipe.name!r} needs about "
            f"{memory / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free on {device}; "
            "use a smaller picture, a smaller network (--set network.widths=…) or another device"
        )
    later = recipe if warm else for_later_tiles(recipe)
    steps = recipe.max_steps + (tiles - 1) * later.max_steps
    rows, columns = part.observed.shape[-2:]
    pace = pace_of(recipe, part, device)
    taken = pace.seconds(rows * columns, steps)
    channels, height, width = problem.image_shape[1:]
    return Plan(
        size=(height, width, channels),
        max_steps=steps,
        seconds=None if taken is None else taken[0],
        between=None if taken is None else taken[1:],
        memory_bytes=memory,
        tiles=tiles,
        pixels=rows * columns,
        device=str(device),
        precision=recipe.acceleration.resolve(device).precision,
        share=pace.share,
    )


def pays_together(
    recipe: Recipe, problem: Problem, device: torch.device, memory_bytes: int
) -> bool:
    """Whether a fit's steps are faster with those of the other seats, and all have room.

    On a CPU that is where the maps are small (docs/measurements.md), on a GPU wherever there is
    room. Without a seat (`fitting.Together`) it is never.
    """
    seat = seated()
    if seat is None or recipe.members > 1:
        return False
    _, channels, height, width = problem.image_shape
    maps = summarize_recipe(recipe, height, width, channels).activation_bytes
    free = available_memory(device)
    fits = free is None or seat.together.seats * memory_bytes <= free
    return fits and (device.type != "cpu" or maps <= _SMALL)


def summarize_recipe(recipe: Recipe, height: int, width: int, channels: int) -> NetworkSummary:
    """Return the summary of a recipe's network for an image of this size."""
    fed = recipe.objective.in_channels(channels)
    if isinstance(recipe.network, Custom) or not isinstance(recipe.network, Hashable):
        return _summarized.__wrapped__(recipe.network, fed, channels, height, width)
    return _summarized(recipe.network, fed, channels, height, width)


@functools.lru_cache(maxsize=64)  # a form asks for the same again and again
def _summarized(
    network: NetworkSettings, fed: int, channels: int, height: int, width: int
) -> NetworkSummary:
    return summarize(network, in_channels=fed, out_channels=channels, height=height, width=width)


def memory_in_parts(recipe: Recipe, problem: Problem, free: int | None) -> tuple[int, int, Problem]:
    """Return the bytes that a fit needs, the number of its tiles, and the problem of one of them.

    Args:
        recipe: adapted to the problem.
        problem: the whole.
        free: bytes; a picture that needs more is cut if it can be. None = cannot be told.
    """
    whole = predict_memory(recipe, problem)
    _, _, rows, columns = problem.observed.shape
    large = rows * columns >= _TILED_FROM or (free is not None and whole > free)
    cut = can_be_tiled(problem) and not getattr(recipe.objective, "in_one_piece", False)
    if not (large and cut and max(rows, columns) > TILE):
        return whole, 1, problem
    down, across = tile_places(rows), tile_places(columns)
    part = crop(problem, down[0], across[0])
    memory = predict_memory(recipe, part) + _WHOLE * math.prod(problem.image_shape)
    return memory, len(down) * len(across), part


def predict_memory(recipe: Recipe, problem: Problem) -> int:
    """Return the bytes that a fit needs: the network's (`summarize`) and two dozen images.

    Of an operator that is no picture's also its matrices and maps, twice (with those of another
    device), and two dozen measurements: k-space has many coils.
    """
    _, channels, height, width = problem.image_shape
    summary = summarize_recipe(recipe, height, width, channels)
    values = channels * height * width
    held = 0
    if is_measured(problem):
        values = max(values, problem.observed.numel())
        held = 2 * _bytes_of(problem.operator)
    again = getattr(recipe.objective, "unrolls", 1) - 1  # one step applies the network so often
    network = summary.memory_bytes + again * summary.activation_bytes
    counted = recipe.members * network + 24 * 4 * values
    return int(_ROOM * counted) + held


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
