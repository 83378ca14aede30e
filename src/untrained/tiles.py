"""A picture too large for one fit, in overlapping tiles.

Every tile is a problem of its own. The first is fitted from scratch, the next ones go on from the
weights of the one before, which know noise and edges already, and take a tenth of the steps. In
the overlaps the tiles are cross-faded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from untrained.callbacks import Callback, Check, Start
from untrained.objectives import Problem
from untrained.operators import Identity, Resample
from untrained.recipes import Recipe
from untrained.result import Result
from untrained.solve import adapted, solve

__all__ = ["TILE", "can_be_tiled", "crop", "for_later_tiles", "solve_tiled", "tile_places"]

TILE = 1024
"""Side of a tile in pixels of the observation."""

_OVERLAP = 64


def tile_places(length: int, *, tile: int = TILE) -> list[tuple[int, int]]:
    """Return (start, stop) of the tiles along one side: of equal length, overlapping by 64 or more.

    Equal tiles keep every fit at one size, and the last from being a sliver.
    """
    if length <= tile:
        return [(0, length)]
    count = -(-(length - _OVERLAP) // (tile - _OVERLAP))
    side = -(-(length + (count - 1) * _OVERLAP) // count)
    last = length - side
    return [(round(i * last / (count - 1)), round(i * last / (count - 1)) + side)
            for i in range(count)]  # fmt: skip


def solve_tiled(
    problem: Problem,
    recipe: Recipe,
    *,
    device: torch.device,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    cancelled: Callable[[], bool] = lambda: False,
    tile: int = TILE,
) -> Result:
    """Return the result of a problem fitted tile by tile; the picture stays on the CPU.

    Observers that need the whole image hear only of the start and the end. A fit that is cut
    short leaves the tiles not yet reached as they were (enlarged, where the task is to enlarge).
    """
    factor = problem.operator.factor if isinstance(problem.operator, Resample) else 1
    places = _places(problem, tile)
    recipe = adapted(recipe, problem)
    following = for_later_tiles(recipe)
    total = recipe.max_steps + (len(places) - 1) * following.max_steps
    start = Start(
        step=0, max_steps=total,
        observed=problem.observed, known=problem.known, peak=problem.peak,
    )  # fmt: skip
    for callback in callbacks:
        callback.on_start(start)
    image = torch.zeros(problem.image_shape)
    weight = torch.zeros(1, 1, *image.shape[-2:])
    results: list[Result] = []
    for i, (rows, columns) in enumerate(places):
        part = crop(problem, rows, columns).to(device)
        relay = _Relay(callbacks, done=sum(r.stop_step for r in results), total=total)
        result = solve(
            part, following if i else recipe,
            seed=seed, callbacks=[relay], cancelled=cancelled,
            weights=results[-1].weights if results else None,
        )  # fmt: skip
        results.append(replace(result, estimate=torch.empty(0), extras={}))
        ramp = _ramp(rows, problem.observed.shape[-2], factor)[:, None]
        ramp = ramp * _ramp(columns, problem.observed.shape[-1], factor)
        down, across = (slice(factor * first, factor * last) for first, last in (rows, columns))
        fits = image[..., down, across].shape[
            -2:
        ]  # the picture may end inside the last low-resolution pixel
        ramp = ramp[: fits[0], : fits[1]]
        image[..., down, across] += ramp * result.estimate.cpu()
        weight[..., down, across] += ramp
        if result.cut_short:
            break
    image /= weight.clamp_min(1e-6)
    if len(results) < len(places):
        untouched = torch.nn.functional.interpolate(problem.observed, size=image.shape[-2:])
        image = torch.where(weight > 0, image, untouched)
    whole = _together(results, image)
    for callback in callbacks:
        callback.on_end(whole)
    return whole


def for_later_tiles(recipe: Recipe) -> Recipe:
    """Return the recipe of a tile that starts from its neighbour's weights."""
    return replace(recipe, max_steps=max(recipe.check_every, recipe.max_steps // 10))


def crop(problem: Problem, rows: tuple[int, int], columns: tuple[int, int]) -> Problem:
    """Return the problem of a rectangle of the observation; A must act alike everywhere."""

    factor = problem.operator.factor if isinstance(problem.operator, Resample) else 1

    def cut(values: Tensor | None, scale: int = 1) -> Tensor | None:
        down, across = (slice(scale * first, scale * last) for first, last in (rows, columns))
        return None if values is None else values[..., down, across]

    observed = cut(problem.observed)
    assert observed is not None
    return replace(
        problem, observed=observed, known=cut(problem.known), held_out=cut(problem.held_out),
        guide=cut(problem.guide, factor),
    )  # fmt: skip


def can_be_tiled(problem: Problem) -> bool:
    """Whether the operator acts alike everywhere, so that a part of the picture is a problem."""
    return isinstance(problem.operator, (Identity, Resample))


def _places(problem: Problem, tile: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the rows and columns of the tiles, there and back so that neighbours follow."""
    height, width = problem.observed.shape[-2:]
    result: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for i, rows in enumerate(tile_places(height, tile=tile)):
        line = [(rows, columns) for columns in tile_places(width, tile=tile)]
        result += reversed(line) if i % 2 else line
    return result


def _ramp(place: tuple[int, int], length: int, factor: int) -> Tensor:
    """Return the weight of a tile along one side: rising over the overlap, but not at the edges."""
    start, stop = place
    size = (stop - start) * factor
    rise = (torch.arange(size) + 0.5) / (_OVERLAP * factor)
    left = rise.clamp(max=1) if start > 0 else torch.ones(size)
    right = rise.flip(0).clamp(max=1) if stop < length else torch.ones(size)
    return left * right


def _together(results: list[Result], image: Tensor) -> Result:
    """Return one result for all tiles: the first's, with the image and the sums of all."""
    first, last = results[0], results[-1]
    return replace(
        first,
        estimate=image,
        reason=last.reason if last.cut_short else first.reason,
        stop_step=sum(r.stop_step for r in results),
        recoveries=sum(r.recoveries for r in results),
        seconds=sum(r.seconds for r in results),
        notes=(f"fitted in {len(results)} tiles; the steps are of all of them",),
        weights=last.weights,
    )


class _Relay(Callback):
    """Tell the observers that do not need the whole image how far the tiles are."""

    def __init__(self, callbacks: Sequence[Callback], *, done: int, total: int) -> None:
        self.callbacks = [c for c in callbacks if not c.needs_whole_image]
        self.done = done
        self.total = total

    def on_check(self, check: Check) -> None:
        """Pass on the check with the steps of all tiles."""
        moved = replace(check, step=self.done + check.step, max_steps=self.total)
        for callback in self.callbacks:
            callback.on_check(moved)
