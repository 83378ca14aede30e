"""Scoring against a truth: the only place of a run where the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from untrained.errors import InputError
from untrained.fitting.callbacks.base import Callback, Check, Start
from untrained.fitting.result import Result, Score
from untrained.metrics import psnr, ssim

__all__ = ["Scoring"]


class Scoring(Callback):
    """Follow PSNR to the truth beside PSNR to the observation.

    `latest` is what the other observers show; `score` is filled in when the fit ends. Without a
    truth it does nothing; `restore` fills in the truth that it is given.
    """

    def __init__(self, truth: Tensor | None = None) -> None:
        """`truth` is (1, C, H, W) in the unit range."""
        self.truth = truth
        self.look: Callable[[Tensor], Tensor] | None = None  # of the image, what is compared
        self.first: Tensor | None = None  # an image by a simple method, as it is looked at
        self.full_scale: float | None = None  # None = the problem's
        self.compares_observed = True
        self.latest: dict[str, float] = {}
        self.score: Score | None = None
        self.steps: list[int] = []
        self.psnr_truth: list[float] = []
        self.psnr_truth_iterate: list[float] = []
        self.psnr_observed: list[float] = []
        self.peak = 1.0
        self.observed: Tensor | None = None

    def on_start(self, start: Start) -> None:
        """Move the truth beside the observation; forget looks that the fit will take again."""
        if self.truth is not None:
            self.truth = self.truth.to(start.observed.device)
        # Ctrl-C may come when this observer has seen a look, or half of it, and the others not.
        whole = min(len(getattr(self, name)) for name in _CURVES)
        whole = sum(step <= start.step for step in self.steps[:whole])
        for name in _CURVES:
            del getattr(self, name)[whole:]
        self.observed = start.observed
        self.peak = start.peak if self.full_scale is None else self.full_scale

    def on_check(self, check: Check) -> None:
        """Measure the image that would be kept, and the latest iterate."""
        if self.truth is None:
            return
        image, estimate = self._beside(check.image), self._beside(check.estimate)
        if image.shape != self.truth.shape:
            raise InputError(
                f"truth is {_size(self.truth)}, the estimate is {_size(image)}; "
                "pass a truth of the estimate's size"
            )
        self.steps.append(check.step)
        self.psnr_truth.append(psnr(image, self.truth, peak=self.peak))
        self.psnr_truth_iterate.append(psnr(estimate, self.truth, peak=self.peak))
        self.psnr_observed.append(check.psnr_observed[-1])
        self.latest = {
            "psnr_truth": self.psnr_truth[-1],
            "psnr_truth_iterate": self.psnr_truth_iterate[-1],
        }

    def on_end(self, result: Result) -> None:
        """Score the image that was kept."""
        if self.truth is None:
            return
        kept = self._beside(result.estimate)
        if not self.steps:  # fitted in tiles: there were no looks at the whole image
            self.steps = [result.stop_step]
            self.psnr_truth = [psnr(kept, self.truth, peak=self.peak)]
            self.psnr_truth_iterate = list(self.psnr_truth)
            self.psnr_observed = result.history.psnr_observed[-1:]
        self.score = Score(
            steps=tuple(self.steps),
            psnr_truth=tuple(self.psnr_truth),
            psnr_truth_iterate=tuple(self.psnr_truth_iterate),
            psnr_observed=tuple(self.psnr_observed),
            psnr_kept=psnr(kept, self.truth, peak=self.peak),
            ssim_kept=ssim(kept, self.truth, peak=self.peak),
            psnr_degraded=self._degraded(),
            kept_step=result.kept_step,
        )

    def _degraded(self) -> float | None:
        """Return the PSNR of what there was before; None where the two cannot be compared."""
        assert self.truth is not None
        if self.first is not None:
            return psnr(self.first.to(self.truth), self.truth, peak=self.peak)
        if self.observed is None or not self.compares_observed:
            return None
        observed = self._beside(self.observed)
        if observed.shape != self.truth.shape:
            return None
        return psnr(observed, self.truth, peak=self.peak)

    def _beside(self, image: Tensor) -> Tensor:
        """Return an image as it is compared: the one channel of gray stored as colours repeated."""
        assert self.truth is not None
        image = image if self.look is None else self.look(image)
        return image.expand(-1, self.truth.shape[1], -1, -1) if image.shape[1] == 1 else image

    def state_dict(self) -> dict[str, Any]:
        """Return the curves so far."""
        return {name: list(getattr(self, name)) for name in _CURVES}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from these curves."""
        for name in _CURVES:
            setattr(self, name, list(state.get(name, [])))


_CURVES = ("steps", "psnr_truth", "psnr_truth_iterate", "psnr_observed")


def _size(image: Tensor) -> str:
    return "x".join(map(str, image.shape[1:]))
