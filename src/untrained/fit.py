"""The only loop. It knows steps; it knows no network, operator or task by name.

repeat: one step of the optimizer on the objective, update the average, show the stop rule
        the iterate
every `check_every` steps: read the losses, roll back if they diverged, ask the stop rule,
        keep the best image, tell the callbacks
"""

from __future__ import annotations

import copy
import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor, nn

from untrained.acceleration import PLAIN, Acceleration, full_float32
from untrained.averaging import Averaging, RunningAverage
from untrained.callbacks.base import Callback, Check, Start
from untrained.metrics import mse_to_psnr, squared_errors
from untrained.objectives import Objective
from untrained.result import History, Result, StopReason
from untrained.stopping import FixedSteps, Look, Stopper, StopRule, Verdict

__all__ = ["fit", "state_on"]

# The published code rolls back when PSNR to the observation falls by 5 dB between looks.
_DIVERGED = 10 ** (5 / 10)
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

    Returns:
        The result. Ctrl-C, `cancelled` and hopeless divergence end the fit with the best
        estimate so far, and say so in `Result.reason`.
    """
    device = objective.problem.observed.device
    run_network = acceleration.prepare(network, device)
    rules = Generator().manual_seed(objective.generator.initial_seed())
    rule = (stopper or FixedSteps()).start(
        max_steps=max_steps, sigma=objective.problem.sigma, generator=rules
    )
    now = _Progress(
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
        image=lambda: problem.finish(objective.estimate(run_network)),
    )  # fmt: skip
    for callback in callbacks:
        callback.on_start(start)

    good = now.capture()  # the last state known to be sound
    reason = now.stopped
    began = time.monotonic() - now.seconds
    try:
        while now.step < max_steps and reason is None:
            losses, residuals, estimate = _steps(
                now, run_network, min(check_every, max_steps - now.step), schedule
            )
            if _diverged(losses, residuals, now.residual):
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
                image=objective.problem.finish(image),
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
    )
    for callback in callbacks:
        callback.on_end(result)
    return result


@dataclass(kw_only=True, slots=True)
class _Progress:
    """Everything that changes during a fit, so that it can be captured and restored as one."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    objective: Objective
    rule: Stopper
    average: RunningAverage | None
    base_lrs: list[float]
    step: int = 0
    best: Tensor | None = None
    unfinished: Tensor | None = None  # the same before `Problem.finish`
    best_step: int = 0
    residual: float | None = None
    stopped: StopReason | None = None  # by the rule; a fit killed after its last look has ended
    lr_factor: float = 1.0
    recoveries: int = 0
    seconds: float = 0.0
    history: History = field(default_factory=History)

    def keep(self, image: Tensor) -> None:
        """Take this image for the best so far."""
        image = image.detach()
        self.unfinished = image.clone()
        self.best = self.objective.problem.finish(image).clone()
        self.best_step = self.step

    def capture(self) -> dict[str, Any]:
        """Return a copy of the whole state."""
        return {
            "network": {k: v.clone() for k, v in self.network.state_dict().items()},
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "objective": self.objective.state_dict(),
            "rule": self.rule.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "best": self.best,  # never changed in place
            "unfinished": self.unfinished,
            "stopped": self.stopped and self.stopped.value,
            "loss": list(self.history.loss),
            "psnr_observed": list(self.history.psnr_observed),
            "callbacks": [],
            **{name: getattr(self, name) for name in _PLAIN_FIELDS},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a captured state, or on from a saved one, which may be on another device."""
        device = self.objective.problem.observed.device
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.objective.load_state_dict(state_on(device, state["objective"]))
        self.rule.load_state_dict(state_on(device, state["rule"]))
        if self.average is not None:
            self.average.load_state_dict(state_on(device, state["average"]))
        self.best = state_on(device, state["best"])
        self.unfinished = state_on(device, state.get("unfinished", state["best"]))
        self.stopped = StopReason(state["stopped"]) if state.get("stopped") else None
        self.history = History(loss=list(state["loss"]), psnr_observed=list(state["psnr_observed"]))
        for name in _PLAIN_FIELDS:
            setattr(self, name, state[name])


_PLAIN_FIELDS = ("step", "best_step", "residual", "lr_factor", "recoveries", "seconds")


def _steps(
    now: _Progress,
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


def state_on(device: torch.device, state: Any) -> Any:
    """Return a state with its tensors on the device, those of generators (bytes) as they are."""
    if isinstance(state, dict):
        return {name: state_on(device, value) for name, value in state.items()}
    if isinstance(state, list):
        return [state_on(device, value) for value in state]
    movable = isinstance(state, Tensor) and state.dtype != torch.uint8
    return state.to(device) if movable else state


def _with_callbacks(state: dict[str, Any], callbacks: Sequence[Callback]) -> dict[str, Any]:
    return {**state, "callbacks": [callback.state_dict() for callback in callbacks]}


def _diverged(losses: list[float], residuals: list[float], before: float | None) -> bool:
    if not all(math.isfinite(value) for value in (*losses, *residuals)):
        return True
    return before is not None and residuals[-1] > _DIVERGED * before


def _ask(now: _Progress, losses: list[float], image: Tensor) -> Verdict:
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
