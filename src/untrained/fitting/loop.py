"""The only loop. It knows steps; it knows no network, operator or task by name.

repeat: one step of the optimizer on the objective, update the average, show the stop rule
        the iterate
every `check_every` steps: read the losses, roll back if they diverged, ask the stop rule,
        keep the best image, tell the callbacks
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from untrained.averaging import Averaging
from untrained.fitting.acceleration import PLAIN, Acceleration, full_float32
from untrained.fitting.callbacks.base import Callback, Check, Start
from untrained.fitting.divergence import full_scale, has_diverged, has_learned_nothing
from untrained.fitting.result import Result, StopReason
from untrained.fitting.state import FitState
from untrained.fitting.stopping import FixedSteps, Look, StopRule, Verdict
from untrained.metrics import mse_to_psnr, squared_errors
from untrained.objectives import Objective, Problem

__all__ = ["fit"]

_MAX_RECOVERIES = 20

Schedule = Callable[[int], float]


@full_float32()
def fit(
    network: nn.Module,
    objective: Objective,
    *,
    optimizer: torch.optim.Optimizer,
    max_steps: int,
    stopper: StopRule | None = None,
    average: Averaging | None = None,
    schedule: Schedule | None = None,
    acceleration: Acceleration = PLAIN,
    callbacks: Sequence[Callback] = (),
    check_every: int = 10,
    cancelled: Callable[[], bool] = lambda: False,
    state: dict[str, Any] | None = None,
    z: Tensor | None = None,
    refine: Callable[[Problem, Tensor], Tensor] | None = None,
) -> Result:
    """Minimise the objective over the network's weights; return the image that is worth keeping.

    The kept image is the average if there is one, else f_θ(z) at the clean z; taken where the
    stop rule says that it was best, or at the last step for rules that do not judge images.

    Args:
        network: z -> image; moved to the objective's device.
        objective: network -> estimate and loss.
        optimizer: over the network's weights; its lr is the base step size.
        max_steps: the most steps to take.
        stopper: when to stop; None = after max_steps.
        average: how iterates are combined; None = not.
        schedule: step -> factor on the base step size; None = constant.
        acceleration: precision and memory format.
        callbacks: observers.
        check_every: steps between two looks at the device; the only times the loop waits for it.
        cancelled: polled at every look.
        state: the state of an earlier fit (`Check.state`) to go on from, on a CPU bit for bit.
        z: the code to feed the network in place of the one that the objective has drawn.
        refine: makes a better image of the one that is worth keeping, once, at the end; not of a
            fit that was cut short.

    Returns:
        The result. Ctrl-C, `cancelled` and hopeless divergence end the fit with the best
        estimate so far, and say so in `Result.reason`.
    """
    device = objective.problem.observed.device
    if z is not None:
        objective.feed(z)
    run_network = acceleration.prepare(network, device)
    rules = Generator().manual_seed(objective.generator.initial_seed())
    rule = (stopper or FixedSteps()).start(
        max_steps=max_steps, sigma=objective.problem.sigma, generator=rules
    )
    now = FitState(
        network=network,
        optimizer=optimizer,
        objective=objective,
        rule=rule,
        average=average.start() if average else None,
        base_lrs=[group["lr"] for group in optimizer.param_groups],
    )
    if state is not None:
        now.restore(state)
        for callback, saved in zip(callbacks, state["callbacks"], strict=False):
            callback.load_state_dict(saved)
    problem = objective.problem
    start = Start(
        step=now.step, max_steps=max_steps,
        observed=problem.observed, known=problem.known, peak=problem.peak,
        image=lambda: objective.finish(objective.estimate(run_network)),
    )  # fmt: skip
    for callback in callbacks:
        callback.on_start(start)

    scale = full_scale(problem)
    good = now.capture()  # the last state known to be sound
    reason = now.stopped
    began = time.monotonic() - now.seconds
    try:
        while now.step < max_steps and reason is None:
            losses, residuals, estimate = _steps(
                now, run_network, min(check_every, max_steps - now.step), schedule
            )
            if has_diverged(losses, residuals, now.residual, scale):
                recoveries = now.recoveries + 1
                now.restore(good)
                now.recoveries, now.lr_factor = recoveries, now.lr_factor / 2
                good = now.capture()
                reason = StopReason.DIVERGED if recoveries >= _MAX_RECOVERIES else None
                continue
            now.residual = residuals[-1]
            now.seconds = time.monotonic() - began
            psnrs = [mse_to_psnr(r, problem.peak) for r in residuals]
            now.history.loss += losses
            now.history.psnr_observed += psnrs
            image = estimate if now.average is None else now.average.value
            assert image is not None
            verdict = _ask(now, losses, image)
            if verdict.improved:
                now.keep(image if now.average else objective.estimate(run_network))
            now.stopped = verdict.stop
            reason = verdict.stop or (StopReason.CANCELLED if cancelled() else None)
            good = now.capture()
            check = Check(
                step=now.step, max_steps=max_steps, losses=tuple(losses),
                psnr_observed=tuple(psnrs), estimate=estimate,
                image=objective.finish(image),
                value=verdict.value, improved=verdict.improved,
                lr=optimizer.param_groups[0]["lr"], recoveries=now.recoveries,
                seconds=now.seconds,
                state=functools.partial(_with_callbacks, good, callbacks),
            )  # fmt: skip
            for callback in callbacks:
                callback.on_check(check)
    except KeyboardInterrupt:
        reason = StopReason.INTERRUPTED
        now.restore(good)

    # None also of an average that has seen nothing: ended before the first look.
    averaged = None if now.average is None else now.average.value
    if now.best is None:  # no rule judged the images: the last one is the result
        now.keep(objective.estimate(run_network) if averaged is None else averaged)
    assert now.best is not None
    assert now.unfinished is not None
    cut_short = reason in (StopReason.INTERRUPTED, StopReason.CANCELLED)
    if not cut_short and has_learned_nothing(now, problem, scale):
        reason = StopReason.DIVERGED
    if refine is not None and not cut_short and reason is not StopReason.DIVERGED:
        try:
            now.best = objective.finish(refine(objective.problem, now.unfinished))
        except KeyboardInterrupt:  # the network's own image is kept, and the fit can go on
            reason = StopReason.INTERRUPTED
    result = Result(
        estimate=now.best,
        unfinished=now.unfinished,
        kept="iterate" if averaged is None else "average",
        kept_step=now.best_step,
        stop_step=now.step,
        reason=reason or StopReason.MAX_STEPS,
        recoveries=now.recoveries,
        seconds=now.seconds,
        history=now.history,
        extras={} if now.average is None else now.average.extras(),
        observed=problem.observed,
        weights=now.kept_weights(),
        last_weights={name: value.detach() for name, value in network.state_dict().items()},
        z=_fed(objective) if now.best_z is None else now.best_z,
    )
    for callback in callbacks:
        callback.on_end(result)
    return result


def _steps(
    now: FitState,
    run_network: Callable[[Tensor], Tensor],
    count: int,
    schedule: Schedule | None,
) -> tuple[list[float], list[float], Tensor]:
    """Take `count` steps; return the loss and mean squared residual of each, and the last x̂."""
    losses, residuals = [], []
    known = now.objective.problem.known
    for _ in range(count):
        factor = now.lr_factor * (1.0 if schedule is None else schedule(now.step))
        for group, base_lr in zip(now.optimizer.param_groups, now.base_lrs, strict=True):
            group["lr"] = base_lr * factor
        now.optimizer.zero_grad(set_to_none=True)
        iterate = now.objective(run_network)
        iterate.loss.backward()  # type: ignore[no-untyped-call]
        now.optimizer.step()
        now.step += 1
        estimate = iterate.estimate.detach()
        if now.average is not None:
            now.average.update(estimate)
        now.rule.observe(estimate)
        # Keep these on the device: .item() would wait at every step.
        losses.append(iterate.loss.detach())
        residuals.append(now.objective.residual(iterate.measured.detach(), known))
    values = torch.stack([torch.stack(losses), torch.stack(residuals)]).tolist()
    return values[0], values[1], estimate


class _SeenError(Exception):
    """Ends an evaluation of which only the network's input is wanted."""


def _fed(objective: Objective) -> Tensor | None:
    """Return what an objective feeds the network for its image, which is not drawn."""
    seen: list[Tensor] = []

    def record(fed: Tensor) -> Tensor:
        seen.append(fed.detach())
        raise _SeenError

    before = objective.state_dict()
    with contextlib.suppress(_SeenError):
        objective.estimate(record)
    objective.load_state_dict(before)
    return seen[0] if seen else None


def _with_callbacks(state: dict[str, Any], callbacks: Sequence[Callback]) -> dict[str, Any]:
    return {**state, "callbacks": [callback.state_dict() for callback in callbacks]}


def _ask(now: FitState, losses: list[float], image: Tensor) -> Verdict:
    """Show the stop rule where the fit is and return its verdict."""
    problem = now.objective.problem
    with torch.no_grad():
        measured = problem.operator(image)
        kept = now.objective.residual(measured, problem.known)
        held_out = None
        if problem.held_out is not None:
            held_out = squared_errors(measured, problem.observed, problem.held_out)
    assert now.residual is not None
    return now.rule.check(
        Look(
            step=now.step,
            losses=tuple(losses),
            residual=now.residual,
            kept_residual=float(kept),
            held_out=held_out,
        )
    )
