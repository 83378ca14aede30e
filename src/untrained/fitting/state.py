"""Where a fit is: all that changes while it runs, captured and restored as one."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from untrained.averaging import RunningAverage
from untrained.fitting.result import History, StopReason
from untrained.fitting.stopping import Stopper
from untrained.objectives import Objective

__all__ = ["FitState", "state_on"]


@dataclass(kw_only=True, slots=True)
class FitState:
    """Everything that changes during a fit, so that it can be captured and restored as one."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    objective: Objective
    rule: Stopper
    average: RunningAverage | None
    base_lrs: list[float]
    step: int = 0
    best: Tensor | None = None
    unfinished: Tensor | None = None  # the same before `Objective.finish`
    best_weights: dict[str, Tensor] | None = None
    best_z: Tensor | None = None  # where z is fitted
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
        self.best = self.objective.finish(image).clone()
        self.best_step = self.step
        if isinstance(self.objective.z, nn.Parameter):
            self.best_z = self.objective.z.detach().clone()

    def kept_weights(self) -> dict[str, Tensor]:
        """Return the weights of the step of the best image."""
        if self.best_weights is None or self.best_step == self.step:
            return {
                name: value.detach().clone() for name, value in self.network.state_dict().items()
            }
        return self.best_weights

    def capture(self) -> dict[str, Any]:
        """Return a copy of the whole state."""
        weights = {name: value.clone() for name, value in self.network.state_dict().items()}
        if self.best is not None and self.best_step == self.step:
            self.best_weights = weights  # never changed in place
        return {
            "network": weights,
            "best_weights": self.best_weights,
            "best_z": self.best_z,
            "optimizer": _copied(self.optimizer.state_dict()),
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
        self.best_weights = state_on(device, state.get("best_weights"))
        self.best_z = state_on(device, state.get("best_z"))
        self.stopped = StopReason(state["stopped"]) if state.get("stopped") else None
        self.history = History(loss=list(state["loss"]), psnr_observed=list(state["psnr_observed"]))
        for name in _PLAIN_FIELDS:
            setattr(self, name, state[name])


_PLAIN_FIELDS = ("step", "best_step", "residual", "lr_factor", "recoveries", "seconds")


def _copied(state: Any) -> Any:
    """Return a copy of an optimizer's state, for which `copy.deepcopy` takes four times as long."""
    if isinstance(state, Tensor):
        return state.clone()
    if isinstance(state, dict):
        return {name: _copied(value) for name, value in state.items()}
    if isinstance(state, list):
        return [_copied(value) for value in state]
    return copy.deepcopy(state)


def state_on(device: torch.device, state: Any) -> Any:
    """Return a state with its tensors on the device, those of generators (bytes) as they are."""
    if isinstance(state, dict):
        return {name: state_on(device, value) for name, value in state.items()}
    if isinstance(state, list):
        return [state_on(device, value) for value in state]
    movable = isinstance(state, Tensor) and state.dtype != torch.uint8
    return state.to(device) if movable else state
