"""What a fit gives back: the estimate, why it stopped, and what happened on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray
from torch import Tensor

from untrained.errors import InputError
from untrained.fitting import display
from untrained.fitting.saving import write_fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History", "Result", "Score", "StopReason"]


class _Reasons(type):
    def __iter__(cls) -> Iterator[StopReason]:
        return iter(StopReason._all.values())


class StopReason(str, metaclass=_Reasons):
    """Why a fit stopped, by a short name; `advice` says what that means for the picture.

    The loop and the package's rules have the reasons below. A rule of your own has its own:
    `StopReason("loss_below", "the loss fell below the value that was asked for")`. There is one
    object a name, so that reasons can be compared with `is`.
    """

    MAX_STEPS: ClassVar[StopReason]
    VARIANCE: ClassVar[StopReason]
    DISCREPANCY: ClassVar[StopReason]
    HELD_OUT: ClassVar[StopReason]
    INTERRUPTED: ClassVar[StopReason]
    CANCELLED: ClassVar[StopReason]
    DIVERGED: ClassVar[StopReason]
    NOTHING: ClassVar[StopReason]

    _all: ClassVar[dict[str, StopReason]] = {}
    advice: str

    def __new__(cls, name: str, advice: str = "") -> StopReason:
        """Return the reason of this name; a new one says its advice.

        Raises:
            InputError: no name, or another advice than the reason of this name has.
        """
        if not name:
            raise InputError("a stop reason has no name; give it one, such as loss_below")
        reason = cls._all.get(name)
        if reason is None:
            reason = super().__new__(cls, name)
            # A run may be read where the rule that stopped it is not imported.
            reason.advice = advice or f"a rule of its own stopped it: {name}"
            cls._all[str(name)] = reason
        elif advice and advice != reason.advice:
            if not reason.advice.startswith("a rule of its own"):
                raise InputError(
                    f"stop reason {name!r} means: {reason.advice}; take another name for: {advice}"
                )
            reason.advice = advice
        return reason

    @property
    def value(self) -> str:
        """The name, as plain text for records."""
        return str.__str__(self)

    def __reduce__(self) -> tuple[type[StopReason], tuple[str, str]]:
        return StopReason, (self.value, self.advice)

    def __deepcopy__(self, memo: object) -> StopReason:
        return self


for _name, _advice in {
    "max_steps": "all planned steps were taken",
    "variance": "the iterates' moving variance passed its minimum",
    "discrepancy": "the residual reached the noise level",
    "held_out": "the error on held-out pixels stopped falling",
    "nothing": "nothing to fit: every pixel has the same value",
    "interrupted": "interrupted; the best estimate so far is kept",
    "cancelled": "cancelled; the best estimate so far is kept",
    "diverged": "the fit diverged; the best estimate so far is kept, try a smaller lr",
}.items():
    setattr(StopReason, _name.upper(), StopReason(_name, _advice))


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
        observed: y, (1, c, h, w), of `solve` and `restore`.
        unfinished: the estimate before `Problem.finish`, of `fit` only: `solve` drops it.
        weights: the network's weights at `kept_step`, on its device. Where an average is kept,
            they are those of the iterate at which it was taken: their image is less smooth.
        last_weights: the network's last weights; the fit of a like image can start from them.
        z: what the network is fed for its image: the code, or the picture that it is shown.
        recipe: the settings of the fit as plain data (`recipes.encode`), of `solve` only.
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
    observed: Tensor | None = None
    unfinished: Tensor | None = None
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    last_weights: Mapping[str, Tensor] = field(default_factory=dict)
    z: Tensor | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def cut_short(self) -> bool:
        """Whether somebody ended the fit before it was done; it can go on from its checkpoint."""
        return self.reason in (StopReason.INTERRUPTED, StopReason.CANCELLED)

    def save(self, folder: str | Path) -> Path:
        """Write the fitted network into a folder, for `load_fit`: weights, z, image, settings.

        Returns:
            the folder.

        Raises:
            InputError: a fit in tiles, which has many networks; a folder that cannot be written.
        """
        return write_fit(self, Path(folder))

    def plot(self) -> Figure:
        """Return a figure of the observation, the estimate and the curves; needs matplotlib."""
        return display.figure(self)

    def __repr__(self) -> str:
        """Return a few lines: size, stop, what was kept, scores."""
        return display.in_words(self)

    def _repr_html_(self) -> str:
        """Return observed | estimate and the curves, for notebooks."""
        return display.as_html(self)
