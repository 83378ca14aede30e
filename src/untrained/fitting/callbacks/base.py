"""What an observer of a fit is told. Observers watch; they never steer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from untrained.fitting.result import Result

__all__ = ["Callback", "Check", "Plan", "Start"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a fit will cost, as predicted before it starts.

    Attributes:
        size: height, width and channels of the result.
        max_steps: the most steps, over all tiles.
        seconds: the time of so many steps and what follows them; None = nothing is known of it.
        between: the least and the most that it may be: a fit may stop early, the machine be busy.
        memory_bytes: the most memory that the fit takes.
        tiles: into how many parts the picture is cut; 1 = none.
        pixels: of the observation, or of one of its parts.
        device, precision: where and how it runs.
        share: of the most steps that fits of the kind took, on average; 1 = nothing is known of it.
    """

    size: tuple[int, int, int]
    max_steps: int
    seconds: float | None
    between: tuple[float, float] | None
    memory_bytes: int
    tiles: int
    pixels: int
    device: str
    precision: str
    share: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Start:
    """The fit begins (or goes on, if step > 0) and will take at most `max_steps` steps.

    `image` draws what the network shows now, (1, C, H, W); None in tiles.
    """

    step: int
    max_steps: int
    observed: Tensor
    known: Tensor | None
    peak: float
    image: Callable[[], Tensor] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Check:
    """The fit after a few more steps.

    Attributes:
        step: steps taken so far; the lists below cover the last len(losses) of them.
        max_steps: the most that it will take.
        losses: the loss of each step since the last check.
        psnr_observed: PSNR of A x̂ against y in dB, of each of these steps.
        estimate: the latest iterate x̂, (1, C, H, W), on the device.
        image: what would be kept if the fit stopped now: the average if there is one, else the
            latest iterate (the kept one is evaluated again: after its step, without jitter).
        value: the number that the stop rule watches.
        improved: whether the stop rule takes this image for the best so far.
        lr: the step size.
        recoveries: diverging steps rolled back so far.
        seconds: since the start, earlier parts of a resumed fit included.
        state: returns everything that resuming needs; valid until the next check.
    """

    step: int
    max_steps: int
    losses: tuple[float, ...]
    psnr_observed: tuple[float, ...]
    estimate: Tensor
    image: Tensor
    value: float | None
    improved: bool
    lr: float
    recoveries: int
    seconds: float
    state: Callable[[], dict[str, Any]]


class Callback:
    """An observer. Override what is of interest."""

    needs_whole_image: ClassVar[bool] = True
    """Of a picture fitted in tiles, those that need it all hear only the start and the end."""

    def on_plan(self, plan: Plan) -> None:
        """The cost of the fit is known; it has not begun."""

    def on_start(self, start: Start) -> None:
        """The fit is about to take its first step."""

    def on_check(self, check: Check) -> None:
        """A few more steps were taken."""

    def on_end(self, result: Result) -> None:
        """The fit is over."""

    def state_dict(self) -> dict[str, Any]:
        """Return what must survive a killed and resumed run."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a state."""
