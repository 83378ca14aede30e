"""One case measured: the image that the method stopped at, its score, the curves, the time."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from untrained.baselines import Image, find_baseline
from untrained.experiments.base import Case, Entry, Experiment
from untrained.experiments.scenes import Scene
from untrained.fitting import Callback, Check, Result
from untrained.images import Picture, write_picture
from untrained.jobs import Recorder, RunFolder
from untrained.recipes import Recipe, encode
from untrained.restoring import Execution, Given, restore

__all__ = ["digest", "measure", "unfinished"]

_POINTS = 250
_CHECKPOINT_EVERY = 60.0  # seconds


class _Iterates(Callback):
    """Keep the network's own image (not the average) at chosen steps."""

    def __init__(self, steps: tuple[int, ...]) -> None:
        self.wanted = set(steps)
        self.images: dict[int, Image] = {}

    def on_check(self, check: Check) -> None:
        """Keep the image of the first look at or after each step."""
        for step in sorted(self.wanted):
            if step <= check.step:
                self.images[step] = _array(check.estimate)
                self.wanted.remove(step)

    def state_dict(self) -> dict[str, Any]:
        """Return the images so far."""
        return {"images": {step: torch.from_numpy(x) for step, x in self.images.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from these images."""
        self.images = {step: x.numpy() for step, x in state["images"].items()}
        self.wanted -= self.images.keys()


def digest(experiment: Experiment, case: Case) -> str:
    """Return a short hash of everything that decides the numbers of a case."""
    method = experiment.methods[case.method]
    settings = method if isinstance(method, str) else encode(method)
    text = json.dumps([settings, experiment.crop, list(experiment.snapshots)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def unfinished(experiment: Experiment, case: Case, folder: Path) -> RunFolder:
    """Return where the state of a case's fit is kept until the case is measured."""
    return RunFolder(folder / "unfinished" / f"{_name(case)}-{digest(experiment, case)}")


def measure(experiment: Experiment, case: Case, folder: Path, *, device: str) -> Entry:
    """Restore one test case and return its numbers; its images go into folder/images.

    A fit that was cut short goes on from its state in `unfinished`.

    psnr is of the image that the method stopped at, as the scene counts it. Fits add their own, of
    all channels: ssim, the peak that only the truth shows (peak, peak_step), how far below it they
    ended (gap), and curves: psnr_truth of the image that would be kept, psnr_truth_iterate and
    psnr_observed of the latest iterate.

    Raises:
        KeyboardInterrupt: the fit was interrupted; its state is kept.
    """
    scene = experiment.scene(case.picture, experiment.crop, case.seed)
    method = experiment.methods[case.method]
    began = time.monotonic()
    numbers: Entry
    images: dict[str, Image] = {}
    if isinstance(method, str):
        image = find_baseline(experiment.task, method)(scene.observed, scene.known)
        numbers = {"seconds": time.monotonic() - began}
    else:
        run = unfinished(experiment, case, folder)
        image, numbers, images = _fit(experiment, scene, method, case, run, device)
    images = {"kept": image, **images}
    return {
        "digest": digest(experiment, case),
        "psnr": scene.score(image),
        "size": list(scene.truth.shape),
        **numbers,
        "images": {name: _save(folder, case, name, scene.shown(x)) for name, x in images.items()},
    }


def _fit(
    experiment: Experiment, scene: Scene, recipe: Recipe, case: Case, run: RunFolder, device: str
) -> tuple[Image, Entry, dict[str, Image]]:
    iterates = _Iterates(tuple(s for s in experiment.snapshots if 0 < s <= recipe.max_steps))
    observer = experiment.observer(scene, recipe, case.seed)
    if observer.mask is not None:
        scene = replace(scene, known=replace(scene.known, mask=observer.mask))
    recorder = Recorder(run, run, {"case": case.key}, checkpoint_every=_CHECKPOINT_EVERY)
    result = _restore(
        scene, recipe, case.seed, device, [iterates, observer, recorder], state=run.load_state()
    )
    if result.cut_short:
        raise KeyboardInterrupt
    score, image = result.score, result.image
    assert score is not None
    assert image is not None
    images = {str(step): x for step, x in iterates.images.items()}
    if 0 in experiment.snapshots:
        start = _Iterates((1,))  # what step 1 shows is the network before its first update
        _restore(scene, replace(recipe, max_steps=1, check_every=1), case.seed, device, [start])
        images = {"0": start.images[1], **images}
    picked = np.unique(np.linspace(0, len(score.steps) - 1, _POINTS).round().astype(int))
    numbers: Entry = {
        "ssim": score.ssim_kept,
        "psnr_degraded": score.psnr_degraded,
        "peak": score.peak_psnr,
        "gap": score.gap,
        "peak_step": score.peak_step,
        "kept_step": result.kept_step,
        "steps": result.stop_step,
        "reason": result.reason.value,
        "seconds": result.seconds,
        "parameters": result.details["parameters"],
        "findings": observer.findings(score),
        "curves": {
            "steps": [score.steps[i] for i in picked],
            "loss": [float(f"{result.history.loss[score.steps[i] - 1]:.5g}") for i in picked],
            **{
                name: [round(getattr(score, name)[i], 3) for i in picked]
                for name in ("psnr_truth", "psnr_truth_iterate", "psnr_observed")
            },
        },
    }
    return image, numbers, images


def _restore(
    scene: Scene, recipe: Recipe, seed: int, device: str, callbacks: list[Callback],
    state: dict[str, Any] | None = None,
) -> Result:  # fmt: skip
    return restore(
        scene.observed, recipe=recipe, truth=scene.truth, seed=seed,
        given=scene.given or Given(operator=scene.operator, mask=scene.known.mask),
        execution=Execution(device=device, callbacks=callbacks, state=state),
    )  # fmt: skip


def _array(tensor: Tensor) -> Image:
    return tensor[0].detach().permute(1, 2, 0).to("cpu").double().numpy()


def _save(folder: Path, case: Case, name: str, image: Image) -> str:
    file = f"{_name(case)}-{name}.png"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    values = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    write_picture(folder / "images" / file, Picture.from_array(values))
    return f"images/{file}"


def _name(case: Case) -> str:
    picture = case.picture.replace("/", "-").removesuffix(".png")
    name = f"{picture}-{case.method}-{case.seed}"
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
