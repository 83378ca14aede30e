"""What a fit gives back: the estimate, why it stopped, and what happened on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

__all__ = ["History", "Result", "Score", "StopReason"]


class StopReason(StrEnum):
    """Why a fit stopped; `advice` says what that means for the picture."""

    MAX_STEPS = "max_steps"
    VARIANCE = "variance"
    DISCREPANCY = "discrepancy"
    HELD_OUT = "held_out"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    DIVERGED = "diverged"

    @property
    def advice(self) -> str:
        """One sentence for the person who looks at the result."""
        return _ADVICE[self]


_ADVICE = {
    StopReason.MAX_STEPS: "all planned steps were taken",
    StopReason.VARIANCE: "the iterates' moving variance passed its minimum",
    StopReason.DISCREPANCY: "the residual reached the noise level",
    StopReason.HELD_OUT: "the error on held-out pixels stopped falling",
    StopReason.INTERRUPTED: "interrupted; the best estimate so far is kept",
    StopReason.CANCELLED: "cancelled; the best estimate so far is kept",
    StopReason.DIVERGED: "the fit kept diverging; the best estimate so far is kept, "
    "try a smaller lr",
}


@dataclass(slots=True)
class History:
    """One number a step: `loss`, and `psnr_observed` = PSNR of A x̂ against y in dB."""

    loss: list[float] = field(default_factory=list)
    psnr_observed: list[float] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """The fit against a truth, at the steps where it was looked at.

    Attributes:
        steps: where the curves were read.
        psnr_truth: PSNR to the truth in dB of the image that would have been kept
            (`Check.image`).
        psnr_truth_iterate: PSNR to the truth in dB of the latest iterate.
        psnr_observed: PSNR of the latest iterate's measurement to the observation, in dB.
        psnr_kept, ssim_kept: of the image that was kept.
        psnr_degraded: of the observation itself; None where sizes differ.
        kept_step: the step of the kept image.
    """

    steps: tuple[int, ...]
    psnr_truth: tuple[float, ...]
    psnr_truth_iterate: tuple[float, ...]
    psnr_observed: tuple[float, ...]
    psnr_kept: float
    ssim_kept: float
    psnr_degraded: float | None
    kept_step: int

    @property
    def peak_step(self) -> int:
        """The step with the highest PSNR to the truth; known only because the truth is."""
        return self.steps[self.psnr_truth.index(max(self.psnr_truth))]

    @property
    def peak_psnr(self) -> float:
        """The highest PSNR to the truth, in dB."""
        return max(self.psnr_truth)

    @property
    def gap(self) -> float:
        """How much the kept image lies below the peak, in dB; of an iterate it can be negative."""
        return self.peak_psnr - self.psnr_kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The outcome of a fit.

    Attributes:
        estimate: the kept image x̂, (1, C, H, W) in the unit range.
        kept: "average" or "iterate".
        kept_step: the step after which it was taken.
        stop_step: the number of steps taken.
        reason: why the fit stopped.
        recoveries: how often a diverging step was rolled back.
        seconds: wall-clock time of the loop, earlier parts of a resumed run included.
        history: one number a step.
        score: against the truth, where one was given.
        image: the estimate in the caller's range, dtype and layout; set by `restore`.
        unfinished: the estimate before `Problem.finish`, of `fit` only: `solve` drops it.
        weights: the network's last weights, on its device; another fit can start from them.
        extras: what was found beside the image, by name, each (1, c, h, w): of the last step, and
            none of a fit that was cut short or in tiles.
        notes: what was done that the caller may not expect, one sentence each.
        details: estimated noise level, device, precision and the like, for the run record.
    """

    estimate: Tensor
    kept: str
    kept_step: int
    stop_step: int
    reason: StopReason
    recoveries: int
    seconds: float
    history: History
    score: Score | None = None
    image: NDArray[Any] | None = None
    unfinished: Tensor | None = None
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def cut_short(self) -> bool:
        """Whether somebody ended the fit before it was done; it can go on from its checkpoint."""
        return self.reason in (StopReason.INTERRUPTED, StopReason.CANCELLED)
