"""One problem to one result: network, objective, optimizer, fit."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor, nn

from untrained.averaging import SampleAverage
from untrained.errors import InputError
from untrained.fitting import (
    FixedSteps,
    HeldOut,
    History,
    Result,
    Start,
    StopReason,
    fit,
    freed_memory_kept,
    full_float32,
    stepping_together,
)
from untrained.networks import Members, for_image
from untrained.objectives import Objective, Problem
from untrained.operators import Identity
from untrained.recipes import Recipe, as_recipe, encode
from untrained.restoring.given import Execution, Weights
from untrained.restoring.intervals import measured_interval
from untrained.restoring.uncertainty import calibrated

__all__ = ["adapted", "assemble", "load_weights", "nothing_to_fit", "solve"]

_CORRELATED_STEPS = 120
_FINE = 1 / 128  # σ, about two steps of bfloat16 near white


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Parts:
    network: nn.Module
    objective: Objective


def adapted(recipe: Recipe, problem: Problem) -> Recipe:
    """Return the recipe as the noise of the problem needs it.

    Held-out pixels are no judge where neighbours share their noise: the fit stops by its steps.
    Where pixels are missing, they still judge the filling, which weighs more. Where there is no
    noise to take away, a bounded image is y itself, and one step will do. Where noise to be taken
    away is no coarser than the steps of bfloat16, the fit is in float32.
    """
    noise = problem.noise
    faint = noise is not None and recipe.bounded and 0 < noise.sigma < _FINE
    if faint and recipe.acceleration.precision == "auto":
        recipe = replace(recipe, acceleration=replace(recipe.acceleration, precision="float32"))
    if noise is None or problem.known is not None:
        return recipe
    if recipe.bounded and noise.sigma == 0:
        return replace(recipe, stopper=FixedSteps(), max_steps=1)
    if noise.correlation is None or not isinstance(recipe.stopper, HeldOut):
        return recipe
    return replace(recipe, stopper=FixedSteps(), max_steps=min(recipe.max_steps, _CORRELATED_STEPS))


def assemble(problem: Problem, recipe: Recipe, *, seed: int) -> _Parts:
    """Return the network and the objective of a recipe for a problem, on the problem's device."""
    held_out = _held_out(recipe)
    if held_out:
        split = Generator().manual_seed(seed)
        problem = problem.hold_out(held_out, generator=split)
    channels, height, width = problem.image_shape[1:]
    recipe = replace(recipe, network=for_image(recipe.network, height, width))
    size = recipe.network.input_size(height, width)
    try:
        objective = recipe.objective.build(problem, size, seed=seed, members=recipe.members)
    except InputError as error:
        if size == (height, width):
            raise
        raise InputError(
            f"{error}, {type(recipe.network).__name__} draws one from a code of "
            f"{size[0]}x{size[1]}; set objective=DataFit too, or another network"
        ) from None
    z = objective.z  # a guide's channels are known only now
    fed = recipe.objective.in_channels(channels) if z is None else z.shape[1]
    fed = fed if objective.fed_channels is None else objective.fed_channels
    fed += objective.guide_channels
    drawn = channels if objective.drawn_channels is None else objective.drawn_channels
    network = networks_of(recipe, fed, drawn, generator=Generator().manual_seed(seed))
    objective.watch(network)
    return _Parts(network=network, objective=objective)


def networks_of(recipe: Recipe, fed: int, channels: int, *, generator: Generator) -> nn.Module:
    """Return the network of a recipe with random weights, or its members as one module."""
    networks = [
        recipe.network.build(fed, channels, generator=generator) for _ in range(recipe.members)
    ]
    return Members(networks) if recipe.members > 1 else networks[0]


def solve(
    problem: Problem,
    recipe: str | Recipe,
    *,
    seed: int = 0,
    execution: Execution = Execution(),
) -> Result:
    """Fit a recipe's network to a problem, on the problem's device.

    Args:
        problem: y, A and what is known of the noise.
        recipe: all settings, or the name of a recipe, "TASK/NAME".
        seed: of every random number.
        execution: observers, a state or weights to go on from; the device is the problem's.

    Returns:
        the result: the image in the problem's own units, the weights, the objective's extras.

    Raises:
        InputError: an operator that does not fit the measurement, weights of another network, an
            objective that cannot work through the operator.
    """
    device = problem.observed.device
    with full_float32():
        problem.check_operator_fits()
    recipe = adapted(as_recipe(recipe), problem)
    parts = assemble(problem, recipe, seed=seed)
    parts.network.to(device)
    if execution.weights is not None:
        load_weights(parts.network, execution.weights)
    acceleration = recipe.acceleration.resolve(device)
    optimizer = recipe.optimizer.build(_fitted(parts, recipe), seed=seed + 2)
    with freed_memory_kept(), contextlib.ExitStack() as stack:
        fast = acceleration
        if execution.together:
            kind = (repr(recipe.network), recipe.fitted)
            company = stepping_together(acceleration, parts.network, optimizer, kind)
            fast = stack.enter_context(company)
        result = fit(
            parts.network,
            parts.objective,
            optimizer=optimizer,
            max_steps=recipe.max_steps,
            stopper=recipe.stopper,
            average=recipe.average,
            schedule=lambda step: recipe.optimizer.step_size.factor(step, recipe.max_steps),
            acceleration=fast,
            callbacks=execution.callbacks,
            check_every=recipe.check_every,
            cancelled=execution.cancelled,
            state=execution.state,
            z=execution.z,
            refine=None if recipe.refinement is None else recipe.refinement.refine,
        )
    if fast is not acceleration:  # its weights lay among those of others
        own = {name: value.detach() for name, value in parts.network.state_dict().items()}
        result = replace(result, last_weights=own)
    extras: dict[str, Tensor] = {}
    if not result.cut_short:
        with torch.no_grad(), full_float32():
            extras = parts.objective.extras(acceleration.prepare(parts.network, device))
            extras |= result.extras
    covered: float | None = None
    if result.unfinished is not None and not result.cut_short:
        # Pixels that are put back, held-out ones too, would show no error.
        plain = replace(parts.objective.problem, exact_known=False)
        with torch.no_grad(), full_float32():
            covered = _judge(plain, result.unfinished, extras)
    return replace(
        result,
        unfinished=None,
        extras=extras,
        recipe=encode(recipe),
        details={
            "sigma": parts.objective.problem.sigma,
            "refined": recipe.refinement is not None and not result.cut_short,
            "precision": acceleration.precision,
            "parameters": sum(p.numel() for p in parts.network.parameters()),
            "held_out_coverage": covered,
        },
    )


def _judge(problem: Problem, unfinished: Tensor, extras: dict[str, Tensor]) -> float | None:
    """Add the uncertainty to the extras; return how well held-out measurements are covered.

    That is the share inside of their 90 % intervals; None of a picture, or if none was held out.
    """
    measured_spread = extras.pop("measured_spread", None)
    image = problem.finish(unfinished)
    if "spread" in extras:
        sure = calibrated(image, extras["spread"], problem, measured_spread=measured_spread)
        extras |= {} if sure is None else {"uncertainty": sure}
    if isinstance(problem.operator, Identity):
        return None
    measured = problem.operator(image)
    if measured.shape != problem.observed.shape:
        return None
    interval = measured_interval(measured, problem, spread=measured_spread)
    return None if interval is None else interval.coverage


def nothing_to_fit(problem: Problem, execution: Execution) -> Result:
    """Return the result for a measurement of one value: the image of that value, and no fit."""
    y, shape = problem.observed, problem.image_shape
    there = y[0].flatten(1) if problem.known is None else y[0][:, problem.known[0, 0] > 0]
    value = there[:, :1] if there.numel() else y[0].flatten(1)[:, :1]
    estimate = (value if len(value) == shape[1] else value[:1].expand(shape[1], 1))[..., None]
    result = Result(
        estimate=estimate.expand(shape[1:])[None].contiguous(), kept="iterate", kept_step=0,
        stop_step=0, reason=StopReason.NOTHING, recoveries=0, seconds=0.0, history=History(),
        details={"sigma": 0.0, "refined": False, "precision": "float32", "parameters": 0},
    )  # fmt: skip
    start = Start(step=0, max_steps=0, observed=y, known=problem.known, peak=problem.peak)
    for callback in execution.callbacks:
        callback.on_start(start)
    for callback in execution.callbacks:
        callback.on_end(result)
    return result


def load_weights(network: nn.Module, weights: Weights) -> None:
    """Let a network go on from the weights of one like it. Raises InputError: of another."""
    try:
        network.load_state_dict(weights)
    except (RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"the weights are of another network ({reason[:160]}); "
            "wanted those of a fit with the same recipe and number of channels"
        ) from None


def _held_out(recipe: Recipe) -> float:
    """Return the share of the known pixels that the fit must not see."""
    if isinstance(recipe.stopper, HeldOut):
        return recipe.stopper.fraction
    return recipe.average.held_out if isinstance(recipe.average, SampleAverage) else 0.0


def _fitted(parts: _Parts, recipe: Recipe) -> list[nn.Parameter]:
    """Return what the optimizer moves; what it does not is frozen."""
    if recipe.fitted == "norms":
        for module in parts.network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                module.requires_grad_(False)
    weights = [p for p in parts.network.parameters() if p.requires_grad]
    return weights + parts.objective.parameters()
