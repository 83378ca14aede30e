"""A picture too large for one fit, in overlapping tiles.

Every tile is a problem of its own. The first is fitted from scratch, the next ones go on from the
weights of the one before, which know noise and edges already, and take a tenth of the steps. A tile
in which next to nothing is known is not fitted but filled smoothly. In the overlaps the tiles are
cross-faded. The state of such a fit is the finished tiles and the state of the running one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from untrained.errors import InputError
from untrained.fitting import Callback, Check, History, Result, Start, StopReason
from untrained.images import MIN_SIDE
from untrained.objectives import Problem
from untrained.objectives.filling import filled_from_afar
from untrained.operators import Identity, Resample
from untrained.recipes import Recipe
from untrained.restoring.given import Execution, Weights
from untrained.restoring.solve import adapted, solve

__all__ = ["TILE", "can_be_tiled", "crop", "for_later_tiles", "solve_tiled", "tile_places"]

TILE = 1024
"""Side of a tile in pixels of the observation."""

_OVERLAP = 64
_FEWEST = MIN_SIDE**2  # known pixels: of the smallest picture

Span = tuple[int, int]
"""First and one past the last pixel along one side of the observation."""

Place = tuple[Span, Span]
"""The rows and the columns of a tile."""


def tile_places(length: int, *, tile: int = TILE) -> list[Span]:
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
    execution: Execution = Execution(),
    tile: int = TILE,
) -> Result:
    """Return the result of a problem fitted tile by tile; the picture stays on the CPU.

    Observers that need the whole image hear only of the start and the end. A fit that is cut
    short leaves the tiles not yet reached as they were (enlarged, where the task is to enlarge).

    Args:
        problem, recipe, seed: as for `solve`.
        device: where the tiles are fitted.
        execution: as for `solve`. The state that observers are offered is of all tiles so far; of
            a fit that starts from weights no tile is the first, and all take the recipe's steps.
        tile: the longest side of a tile, in pixels of the observation.

    Raises:
        InputError: next to nothing is known in any tile.
    """
    recipe = adapted(recipe, problem)
    callbacks, weights = execution.callbacks, execution.weights
    following = for_later_tiles(recipe) if weights is None else recipe
    places, empty = _places(problem, tile)
    total = recipe.max_steps + (len(places) - 1) * following.max_steps
    done, running = _taken_up(execution.state, callbacks, weights)
    start = Start(
        step=done.steps + (running["step"] if running else 0), max_steps=total,
        observed=problem.observed, known=problem.known, peak=problem.peak,
    )  # fmt: skip
    for callback in callbacks:
        callback.on_start(start)
    for place in places[len(done.tiles) :]:
        result = solve(
            crop(problem, *place).to(device), following if done.tiles else recipe,
            seed=seed,
            execution=Execution(
                callbacks=[_Relay(callbacks, done=done, total=total)],
                cancelled=execution.cancelled, state=running, weights=done.weights,
            ),
        )  # fmt: skip
        done, running = done.with_tile(result), None
        if result.cut_short:
            break
    whole = done.as_one(_blended(problem, places, empty, done), filled=len(empty))
    for callback in callbacks:
        callback.on_end(whole)
    return whole


def for_later_tiles(recipe: Recipe) -> Recipe:
    """Return the recipe of a tile that starts from its neighbour's weights."""
    return replace(recipe, max_steps=max(recipe.check_every, recipe.max_steps // 10))


def crop(problem: Problem, rows: Span, columns: Span) -> Problem:
    """Return the problem of a rectangle of the observation; A must act alike everywhere."""
    here, enlarged = _window((rows, columns), 1), _window((rows, columns), _factor(problem))

    def cut(values: Tensor | None, window: tuple[slice, slice]) -> Tensor | None:
        return None if values is None else values[..., *window]

    return replace(
        problem, observed=problem.observed[..., *here], known=cut(problem.known, here),
        groups=cut(problem.groups, here), held_out=cut(problem.held_out, here),
        guide=cut(problem.guide, enlarged),
    )  # fmt: skip


def can_be_tiled(problem: Problem) -> bool:
    """Whether the operator acts alike everywhere, so that a part of the picture is a problem."""
    return isinstance(problem.operator, (Identity, Resample))


def _factor(problem: Problem) -> int:
    """Return how many pixels of the image, each way, one of the observation stands for."""
    return problem.operator.factor if isinstance(problem.operator, Resample) else 1


def _places(problem: Problem, tile: int) -> tuple[list[Place], list[Place]]:
    """Return the rows and columns of the tiles, there and back so that neighbours follow.

    First of those to be fitted, then of those with next to no known pixels.
    """
    height, width = problem.observed.shape[-2:]
    places: list[Place] = []
    for i, rows in enumerate(tile_places(height, tile=tile)):
        line = [(rows, columns) for columns in tile_places(width, tile=tile)]
        places += reversed(line) if i % 2 else line
    if problem.known is None:
        return places, []
    known = {place: float(problem.known[..., *_window(place, 1)].sum()) for place in places}
    fitted = [place for place in places if known[place] >= _FEWEST]
    if not fitted:
        raise InputError(
            f"no part of the picture has {_FEWEST} known pixels; wanted more to start from"
        )
    return fitted, [place for place in places if known[place] < _FEWEST]


def _window(place: Place, factor: int) -> tuple[slice, slice]:
    """Return where a tile is in an image with `factor` times the observation's pixels each way."""
    (top, bottom), (left, right) = place
    return slice(factor * top, factor * bottom), slice(factor * left, factor * right)


def _blended(
    problem: Problem, places: Sequence[Place], empty: Sequence[Place], done: _Done
) -> Tensor:
    """Return the tiles cross-faded, and the observation (enlarged) where there is none yet."""
    factor = _factor(problem)
    image = torch.zeros(problem.image_shape)
    weight = torch.zeros(1, 1, *image.shape[-2:])
    parts = list(zip(places, (tile.estimate for tile in done.tiles), strict=False))
    finished = len(parts) == len(places)
    if finished and empty:
        filled = _filled(problem)
        parts += [(place, filled[..., *_window(place, factor)]) for place in empty]
    for place, estimate in parts:
        window, (height, width) = _window(place, factor), estimate.shape[-2:]
        # The picture may end inside the last pixel of the observation.
        share = _share(place, problem)[:height, :width]
        image[..., *window] += share * estimate
        weight[..., *window] += share
    image /= weight.clamp_min(1e-6)
    if finished:
        return image
    untouched = F.interpolate(problem.observed, size=image.shape[-2:])
    return torch.where(weight > 0, image, untouched)


def _filled(problem: Problem) -> Tensor:
    """Return the smooth filling of the whole picture, (1, C, H, W), known pixels put back."""
    assert problem.known is not None
    filling = filled_from_afar(problem.observed, problem.known)
    filling = torch.where(problem.known > 0, problem.observed, filling)
    size = problem.image_shape[-2:]
    if filling.shape[-2:] != size:
        filling = F.interpolate(filling, size=size, mode="bilinear", align_corners=False)
    return filling


def _share(place: Place, problem: Problem) -> Tensor:
    """Return the weight of a tile's pixels, (h, w): the product of its ramps down and across."""
    down, across = (
        _ramp(span, length, _factor(problem))
        for span, length in zip(place, problem.observed.shape[-2:], strict=True)
    )
    return down[:, None] * across


def _ramp(span: Span, length: int, factor: int) -> Tensor:
    """Return the weight of a tile along one side: rising over the overlap, but not at the edges."""
    start, stop = span
    size = (stop - start) * factor
    rise = (torch.arange(size) + 0.5) / (_OVERLAP * factor)
    left = rise.clamp(max=1) if start > 0 else torch.ones(size)
    right = rise.flip(0).clamp(max=1) if stop < length else torch.ones(size)
    return left * right


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Done:
    """The results of the finished tiles, and the weights that the next one starts from."""

    tiles: tuple[Result, ...] = ()
    weights: Weights | None = None

    @property
    def steps(self) -> int:
        """The steps of all tiles."""
        return sum(tile.stop_step for tile in self.tiles)

    def with_tile(self, result: Result) -> _Done:
        """Return what is done after one more tile; its image is brought to the CPU."""
        tile = replace(
            result, estimate=result.estimate.cpu(), observed=None, z=None, weights={},
            last_weights={}, extras={},
        )  # fmt: skip
        return _Done(tiles=(*self.tiles, tile), weights=result.last_weights)

    def as_one(self, image: Tensor, *, filled: int) -> Result:
        """Return one result for all tiles: the first's, with the image and the sums of all."""
        first, last = self.tiles[0], self.tiles[-1]
        notes = [f"fitted in {len(self.tiles)} tiles; the steps are of all of them"]
        if filled:
            notes.append(f"tiles hardly known, filled smoothly and not fitted: {filled}")
        return replace(
            first,
            estimate=image,
            reason=last.reason if last.cut_short else first.reason,
            stop_step=self.steps,
            recoveries=sum(tile.recoveries for tile in self.tiles),
            seconds=sum(tile.seconds for tile in self.tiles),
            notes=tuple(notes),
            last_weights=self.weights or {},
            details={**first.details, "filled_tiles": filled},
        )

    def state(self) -> dict[str, Any]:
        """Return all this as plain values and tensors."""
        weights = None if self.weights is None else dict(self.weights)
        return {"tiles": [_as_data(tile) for tile in self.tiles], "weights": weights}


def _taken_up(
    state: dict[str, Any] | None, callbacks: Sequence[Callback], weights: Weights | None
) -> tuple[_Done, dict[str, Any] | None]:
    """Return what a state says is done, and the state of the tile that was interrupted."""
    if state is None:
        return _Done(weights=weights), None
    for callback, saved in zip(callbacks, state["callbacks"], strict=False):
        callback.load_state_dict(saved)
    tiles = tuple(_from_data(tile) for tile in state["tiles"])
    return _Done(tiles=tiles, weights=state["weights"]), state["running"]


_PLAIN_FIELDS = ("estimate", "kept", "kept_step", "stop_step", "recoveries", "seconds", "details")


def _as_data(tile: Result) -> dict[str, Any]:
    return {
        **{name: getattr(tile, name) for name in _PLAIN_FIELDS},
        "reason": tile.reason.value,
        "loss": tile.history.loss,
        "psnr_observed": tile.history.psnr_observed,
    }


def _from_data(data: dict[str, Any]) -> Result:
    return Result(
        **{name: data[name] for name in _PLAIN_FIELDS},
        reason=StopReason(data["reason"]),
        history=History(loss=data["loss"], psnr_observed=data["psnr_observed"]),
    )


class _Relay(Callback):
    """Tell the observers that do not need the whole image how far the tiles are."""

    def __init__(self, callbacks: Sequence[Callback], *, done: _Done, total: int) -> None:
        self.callbacks = callbacks
        self.done = done
        self.total = total

    def on_check(self, check: Check) -> None:
        """Pass on the check with the steps and the state of all tiles."""
        moved = replace(
            check, step=self.done.steps + check.step, max_steps=self.total,
            state=lambda: self._state(check),
        )  # fmt: skip
        for callback in self.callbacks:
            if not callback.needs_whole_image:
                callback.on_check(moved)

    def _state(self, check: Check) -> dict[str, Any]:
        return {
            **self.done.state(),
            "running": check.state(),
            "callbacks": [callback.state_dict() for callback in self.callbacks],
        }
