"""A tooth from a sixth and a third of its projections."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from untrained import data
from untrained.baselines import Image
from untrained.calibration import correct_flat_field
from untrained.experiments.base import Experiment, Observer, Outcome, shortened
from untrained.experiments.figures import gallery
from untrained.experiments.report import table
from untrained.experiments.scenes import Scene
from untrained.fitting import Result, Score
from untrained.objectives import Offsets, Problem
from untrained.operators import Projector, Radon
from untrained.recipes import Recipe, find_recipe
from untrained.tasks.ct import ParallelBeam, prepare_ct

__all__ = ["FULL", "QUICK"]

VIEWS = {"30 of 181 views": 30, "60 of 181 views": 60}

_SIDE, _CENTRE, _BINNED = 176, 147.95, 2


def projected(picture: str, crop: int, seed: int) -> Scene:
    """Return the sinogram of some views; the truth is the filtered back-projection of all.

    `crop` is the side of an image with larger pixels; 0 = all of the protocol's.
    """
    sinogram, theta = _scan()
    binning = _BINNED if not crop else max(_BINNED, round(_BINNED * _SIDE / crop))
    side = _SIDE * _BINNED // binning
    reference = _reference(sinogram, theta, binning, side)
    peak = float(np.percentile(reference[_inside(side)], 99.9))
    measured = prepare_ct(
        sinogram, theta, centre=2 * _CENTRE + 0.5, size=side, binning=binning,
        views=VIEWS[picture], beam=ParallelBeam(detector=1 / binning),
    )  # fmt: skip

    def score(image: Image) -> float:
        error = (image[..., 0] - reference)[_inside(side)]
        return float(10 * np.log10(peak**2 / np.mean(error**2)))

    return Scene(
        truth=reference[..., None].astype(np.float64),
        observed=measured.y.astype(np.float64),
        given=measured.given,
        shown=lambda image: (image / peak).clip(0, 1),
        seen=(measured.fbp[..., None].astype(np.float64) / peak).clip(0, 1),
        score=score,
    )  # fmt: skip


class HeldOutViews(Observer):
    """Compares the image with the projections that no method was given."""

    def __init__(self, scene: Scene, recipe: Recipe, seed: int) -> None:
        assert scene.given is not None
        assert isinstance(scene.given.operator, Projector)
        self.used, self.scale = scene.given.operator, float(scene.given.scale or 1)
        y = torch.from_numpy(scene.observed[..., 0]).float()[None, None]
        self.problem = Problem(observed=y / self.scale, operator=self.used)
        self.rms = float("nan")

    def on_end(self, result: Result) -> None:
        """Measure rms of A x + b - y over the views that are not those of the fit.

        b is what `Offsets` finds for this image in the views of the fit.
        """
        image = result.estimate.cpu().float()
        sinogram, theta = _scan()
        others = np.flatnonzero(~np.isin(theta, self.used.angles))
        y = _binned(sinogram, sinogram.shape[1] // self.used.detectors)[others] / self.scale
        made = Radon(
            theta[others], y.shape[1], self.used.size, centre=self.used.centre,
            pixel=self.used.pixel, detector=self.used.detector,
        )  # fmt: skip
        offsets = Offsets(rate=1, after=0).build(self.problem)
        with torch.no_grad():
            offsets.update(self.used(image))
            told = (made(image) + offsets.values)[0, 0].numpy()
        self.rms = self.scale * float(np.sqrt(np.mean((told - y) ** 2)))

    def findings(self, score: Score) -> dict[str, Any]:
        """Return the root of the mean square."""
        return {"held_out": self.rms}


def notes(outcome: Outcome) -> str:
    """Return the table of the held-out projections, which need no truth."""

    def mean(picture: str, method: str) -> float:
        entries = outcome.over_seeds(picture, method)
        return float(np.mean([entry["findings"]["held_out"] for entry in entries]))

    methods = list(outcome.experiment.methods)
    rows = [
        [picture, *(f"{mean(picture, method):.5f}" for method in methods)]
        for picture in outcome.experiment.pictures
    ]
    return table(["rms of A x + b - y in the views left out", *methods], rows)


def _scan() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with np.load(data.fetch("ct_tooth/tooth.npz")) as found:
        corrected = correct_flat_field(
            found["data"][:, 0], found["data_white"][:, 0], found["data_dark"][:, 0]
        )
        return corrected.values, np.deg2rad(found["theta"].astype(np.float64))


def _binned(sinogram: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    count = sinogram.shape[1] // width
    mean: NDArray[np.float64] = sinogram[:, : count * width].reshape(-1, count, width).mean(-1)
    return mean


def _reference(
    sinogram: NDArray[np.float64], theta: NDArray[np.float64], binning: int, side: int
) -> NDArray[np.float32]:
    y = torch.from_numpy(_binned(sinogram, binning)).float()[None, None]
    made = Radon(theta, y.shape[-1], side, centre=(2 * _CENTRE + 1 - binning / 2) / binning)
    reference: NDArray[np.float32] = made.fbp(y)[0, 0].numpy()
    return reference


def _inside(side: int) -> NDArray[np.bool_]:
    at = np.arange(side) - (side - 1) / 2
    inside: NDArray[np.bool_] = at[:, None] ** 2 + at**2 <= (side / 2) ** 2
    return inside


FULL = Experiment(
    name="ct-tooth",
    title="A tooth from a sixth and a third of its projections",
    text="""
A real scan (TomoPy's tooth, parallel beams, 181 views over half a turn; detector pixels binned by
two, 176×176 image), of which 30 or 60 views are used. There is no truth. PSNR is against the
filtered back-projection (ramp) of all views, with its noise and rings, within the circle; the other
referee is the rms over the projections that were left out, which no method saw. The recipes stop by
views that they hold out of those they are given. Baguer, Leuschner & Schmidt ("Computed tomography
reconstruction using deep image prior and learned reconstruction methods", Inverse Problems 36,
2020), whose settings `paper` has, publish no figures for this scan; total variation with its weight
chosen by the left-out views is in docs/measurements.md.
""",
    pictures=tuple(VIEWS),
    scene=projected,
    task="ct",
    methods={name: find_recipe("ct", name) for name in ("fast", "best")},
    observer=HeldOutViews,
    figures=(gallery(*VIEWS),),
    notes=notes,
)

QUICK = replace(
    FULL,
    crop=88,
    methods=shortened({"fast": FULL.methods["fast"]}, {"fast": 60}),
    quick="Pixels twice as wide (88×88) and 60 steps of `fast`; `best` is left out.",
)
