"""When to stop. A rule sees measurements and iterates, never the truth.

A rule is frozen settings; `start` makes its state for one fit. At every step the state may
`observe` an iterate without reading anything back from the device; every few steps the loop
asks it to `check`, and obeys.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.result import StopReason

__all__ = [
    "Discrepancy",
    "ExponentialVariance",
    "FixedSteps",
    "HeldOut",
    "Look",
    "LowestLoss",
    "StopRule",
    "Stopper",
    "Verdict",
    "WindowedVariance",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a rule may look at when it is asked.

    Attributes:
        step: steps taken so far.
        losses: of the steps since the last check.
        residual: Σ known (A x̂ - y)² / Σ known of the latest iterate.
        kept_residual: the same, for the image that would be kept (the average, if there is one).
        held_out: its squared errors on the pixels held out of the fit, flat; None = none are.
    """

    step: int
    losses: tuple[float, ...]
    residual: float
    kept_residual: float
    held_out: Tensor | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a rule says.

    Attributes:
        improved: the image that would be kept now is the best so far: keep it.
        stop: stop for this reason; None = go on.
        value: the number that the rule watches, for the record.
    """

    improved: bool = False
    stop: StopReason | None = None
    value: float | None = None


class Stopper:
    """The state of a rule during one fit. This one never stops: the steps run out."""

    def observe(self, estimate: Tensor) -> None:
        """Take note of one iterate, on the device; called at every step."""

    def check(self, look: Look) -> Verdict:
        """Return the verdict; called every few steps."""
        return Verdict()

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of everything that a later `check` depends on."""
        return {
            name: value.clone() if isinstance(value, Tensor) else _copied(value)
            for name, value in vars(self).items()
            if name != "rule"
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        for name, value in state.items():
            setattr(self, name, value.clone() if isinstance(value, Tensor) else _copied(value))


def _copied(value: Any) -> Any:
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value.clone() if isinstance(value, Tensor) else value


class StopRule(Protocol):
    """Settings of a rule."""

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state for a fit of at most `max_steps`; `sigma` in the unit range."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedSteps:
    """Take all steps, keep the last image: the published practice of tuned step counts."""

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return a stopper that never stops early."""
        return Stopper()


@dataclass(frozen=True, kw_only=True, slots=True)
class LowestLoss:
    """Take all steps, keep the image of the lowest loss (Heckel & Hand, arXiv 1810.03982)."""

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return a stopper that tracks the lowest loss."""
        return _LowestLoss()


class _LowestLoss(Stopper):
    def __init__(self) -> None:
        self.lowest = math.inf

    def check(self, look: Look) -> Verdict:
        loss = look.losses[-1]
        improved = loss < self.lowest
        self.lowest = min(loss, self.lowest)
        return Verdict(improved=improved, value=loss)


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowedVariance:
    """ES-WMV: stop when the moving variance of the iterates has not fallen for `patience` steps.

    var_t = (1/W) Σ_{w<W} ‖x_{t-w} - mean‖² / n; keep the image at its minimum.
    Wang et al., "Early Stopping for Deep Image Prior", arXiv 2112.06074, algorithm 1.

    Attributes:
        window: W, in steps.
        patience: in steps.
        scale_to: 0 = use the numbers as they are; otherwise they are meant for a fit of so many
            steps, and shrink in proportion for a shorter one.
        sketch: how many values of the image are watched, drawn once; 0 = all of them. The
            variance is a mean over pixels, so a few thousand tell it as well and keep W small.
    """

    window: int = 100
    patience: int = 1000
    scale_to: int = 0
    sketch: int = 16384

    def __post_init__(self) -> None:
        _check_positive("window", self.window, 2)
        _check_positive("patience", self.patience, 1)

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state."""
        return _WindowedVariance(_scaled(self, max_steps, "window", "patience"), generator)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExponentialVariance:
    """ES-EMV: as ES-WMV with exponential weights, emv ← (1 - α)(emv + α ‖x - m‖² / n).

    m ← m + α (x - m). Wang et al., arXiv 2112.06074, algorithm 2.

    Attributes:
        alpha: weight of the newest iterate.
        patience: in steps.
        burn_in: steps before the variance counts: it starts at zero.
        scale_to, sketch: as for WindowedVariance.
    """

    alpha: float = 0.1
    patience: int = 1000
    burn_in: int = 100
    scale_to: int = 0
    sketch: int = 16384

    def __post_init__(self) -> None:
        _check_positive("patience", self.patience, 1)
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; wanted a number between 0 and 1")

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state."""
        return _ExponentialVariance(_scaled(self, max_steps, "burn_in", "patience"), generator)


class _MinimumOfVariance(Stopper):
    """Track the minimum of a number that is computed on the device at every step."""

    def __init__(self, patience: int, sketch: int, generator: Generator) -> None:
        self.patience = patience
        self.sketch = sketch
        self.seed = int(torch.randint(2**31, (1,), generator=generator))
        self.pixels: Tensor | None = None
        self.pending: list[Tensor] = []
        self.seen = 0
        self.minimum = math.inf
        self.minimum_step = 0

    def variance(self, x: Tensor) -> Tensor | None:
        """Take in the watched values (n,); return the variance, None while it does not count."""
        raise NotImplementedError

    def observe(self, estimate: Tensor) -> None:
        values = estimate.detach().float().flatten()
        if 0 < self.sketch < values.numel():
            if self.pixels is None:
                drawn = Generator().manual_seed(self.seed)
                chosen = torch.randint(values.numel(), (self.sketch,), generator=drawn)
                self.pixels = chosen.to(values.device)
            values = values[self.pixels]
        self.seen += 1
        variance = self.variance(values)
        if variance is not None:
            self.pending.append(variance)

    def check(self, look: Look) -> Verdict:
        if not self.pending:
            return Verdict()
        improved = False
        values = torch.stack(self.pending).tolist()
        self.pending = []
        for step, value in enumerate(values, start=self.seen - len(values) + 1):
            if value < self.minimum:
                self.minimum, self.minimum_step, improved = value, step, True
        out_of_patience = self.seen - self.minimum_step >= self.patience
        return Verdict(
            improved=improved,
            stop=StopReason.VARIANCE if out_of_patience else None,
            value=values[-1],
        )


class _WindowedVariance(_MinimumOfVariance):
    def __init__(self, rule: WindowedVariance, generator: Generator) -> None:
        super().__init__(rule.patience, rule.sketch, generator)
        self.window = rule.window
        self.recent: Tensor | None = None

    def variance(self, x: Tensor) -> Tensor | None:
        if self.recent is None:
            self.recent = x.new_zeros(self.window, x.numel())
        self.recent[self.seen % self.window] = x
        if self.seen < self.window:
            return None
        return self.recent.var(dim=0, correction=0).mean()


class _ExponentialVariance(_MinimumOfVariance):
    def __init__(self, rule: ExponentialVariance, generator: Generator) -> None:
        super().__init__(rule.patience, rule.sketch, generator)
        self.alpha, self.burn_in = rule.alpha, rule.burn_in
        self.mean: Tensor | None = None
        self.emv: Tensor | None = None

    def variance(self, x: Tensor) -> Tensor | None:
        if self.mean is None or self.emv is None:
            self.mean, self.emv = x.clone(), x.new_zeros(())
            return None
        change = x - self.mean
        self.emv = (1 - self.alpha) * (self.emv + self.alpha * change.square().mean())
        self.mean += self.alpha * change
        return self.emv if self.seen > self.burn_in else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Discrepancy:
    """Morozov's principle: stop when the residual (1/n) ‖A x̂ - y‖² reaches tau · σ².

    Attributes:
        tau: how much of the noise must be left in the residual.
        sigma: noise level in the unit range; None = the problem's, known or estimated.
    """

    tau: float = 1.0
    sigma: float | None = None

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state. Raises InputError if no noise level is known."""
        level = self.sigma if self.sigma is not None else sigma
        if level is None:
            raise InputError("the discrepancy rule needs a noise level; give sigma")
        return _Discrepancy(self.tau * level**2)


class _Discrepancy(Stopper):
    def __init__(self, target: float) -> None:
        self.target = target

    def check(self, look: Look) -> Verdict:
        reached = look.kept_residual <= self.target
        return Verdict(
            improved=reached,
            stop=StopReason.DISCREPANCY if reached else None,
            value=look.kept_residual,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """Stop when the error on pixels that the fit never sees has not fallen for `patience` steps.

    The held-out residual of the kept image estimates its true error plus the noise power, without
    bias for independent noise. (Cross-validation as in Yaman et al., arXiv 2102.07737.)

    A few pixels that nothing predicts (a scan's border, a speck) can outweigh all others among so
    few. `trim` leaves out the largest errors, which costs nothing where the noise has no tails.

    Attributes:
        fraction: of the known pixels that are held out.
        trim: the share of the held-out pixels, those with the largest errors, that do not count.
        patience: in steps.
        min_gain: relative fall of the residual that counts as one.
        scale_to: as for WindowedVariance.
    """

    fraction: float = 0.02
    trim: float = 0.0
    patience: int = 300
    min_gain: float = 0.0
    scale_to: int = 0

    def __post_init__(self) -> None:
        _check_positive("patience", self.patience, 1)
        if not 0 < self.fraction < 1:
            raise InputError(f"fraction is {self.fraction}; wanted a number between 0 and 1")
        if not 0 <= self.trim < 1:
            raise InputError(f"trim is {self.trim}; wanted 0 up to but not including 1")

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state."""
        return _HeldOut(_scaled(self, max_steps, "patience"))


class _HeldOut(Stopper):
    def __init__(self, rule: HeldOut) -> None:
        self.rule = rule
        self.lowest = math.inf
        self.reference = math.inf
        self.reference_step = 0

    def check(self, look: Look) -> Verdict:
        if look.held_out is None:
            raise InputError("the held-out rule needs held-out pixels; set Problem.held_out")
        count = max(1, round((1 - self.rule.trim) * look.held_out.numel()))
        value = float(look.held_out.sort().values[:count].mean())
        improved = value < self.lowest
        self.lowest = min(value, self.lowest)
        if value < self.reference * (1 - self.rule.min_gain):
            self.reference, self.reference_step = value, look.step
        waited = look.step - self.reference_step
        stop = StopReason.HELD_OUT if waited >= self.rule.patience else None
        return Verdict(improved=improved, stop=stop, value=value)


def _scaled(rule: Any, max_steps: int, *names: str) -> Any:
    if not rule.scale_to or max_steps >= rule.scale_to:
        return rule
    ratio = max_steps / rule.scale_to
    return replace(rule, **{n: max(2, round(getattr(rule, n) * ratio)) for n in names})


def _check_positive(name: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(f"{name} is {value}; wanted a whole number from {least} up")
