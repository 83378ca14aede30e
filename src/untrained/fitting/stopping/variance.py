"""Stop where the iterates vary least: ES-WMV and ES-EMV (Wang et al., arXiv 2112.06074)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from untrained.errors import InputError
from untrained.fitting.result import StopReason
from untrained.fitting.stopping.base import Look, Stopper, Verdict, check_positive, scaled

__all__ = ["ExponentialVariance", "WindowedVariance"]


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
        check_positive("window", self.window, 2)
        check_positive("patience", self.patience, 1)

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state."""
        return _WindowedVariance(scaled(self, max_steps, "window", "patience"), generator)


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
        check_positive("patience", self.patience, 1)
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha is {self.alpha}; wanted a number between 0 and 1")

    def start(self, *, max_steps: int, sigma: float | None, generator: Generator) -> Stopper:
        """Return the rule's state."""
        return _ExponentialVariance(scaled(self, max_steps, "burn_in", "patience"), generator)


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
