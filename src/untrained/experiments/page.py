"""The fits of an experiment as a page to look at: what the viewer shows of runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from untrained.atomic import write_atomically
from untrained.baselines import Image
from untrained.experiments import find_experiment
from untrained.experiments.base import Case, Entry, Experiment, Observer, Outcome
from untrained.experiments.figures import scene_of
from untrained.fitting import StopReason
from untrained.recipes import Recipe
from untrained.report.html import collector, page_of
from untrained.report.model import (
    Fact,
    HistoryView,
    Layer,
    Layers,
    Stop,
    ViewRun,
    describe_settings,
)
from untrained.report.packing import Sources
from untrained.report.pictures import Pixels, Shown

__all__ = ["write_page"]

_MEGABYTES = 2.0
_PICTURES = 0.7  # of the page; the rest is for the viewer and the images of the fits


def write_page(outcome: Outcome, *, command: str) -> Path | None:
    """Write report.html into the outcome's folder: the first seed's fits, as many as 2 MB hold.

    Args:
        outcome: what was measured.
        command: how it was measured.

    Returns:
        its path; None if no images are left in the folder, and no page is written.
    """
    cases = [
        case for case in outcome.experiment.cases()
        if case.seed == outcome.experiment.seeds[0] and _has_images(outcome, case)
    ]  # fmt: skip
    if not cases:
        return None
    methods = outcome.experiment.methods
    cases.sort(key=lambda case: not isinstance(methods[case.method], Recipe))  # fits first
    sources = Sources()
    parts: list[tuple[ViewRun, list[Shown]]] = []
    for case in cases:
        trial, found = sources.copy(), list[Shown]()
        run = _view(outcome, case, trial, found, command)
        if parts and trial.cost > 1e6 * _MEGABYTES * _PICTURES:
            continue
        sources = trial
        parts.append((run, found))
    left_out = len(cases) - len(parts)
    if left_out:
        parts[0][0]["notes"].append(
            f"{left_out} of the {len(cases)} fits are not on this page, to keep it small; "
            "their images are in the folder of the results."
        )
    page = page_of(parts, sources, max_megabytes=_MEGABYTES)
    target = outcome.folder / "report.html"
    write_atomically(target, lambda file: file.write(page.text.encode()))
    return target


def _has_images(outcome: Outcome, case: Case) -> bool:
    return all((outcome.folder / f).exists() for f in outcome.entries[case.key]["images"].values())


def _view(
    outcome: Outcome, case: Case, sources: Sources, snapshots: list[Shown], command: str
) -> ViewRun:
    x, entry = outcome.experiment, outcome.entries[case.key]
    method, scene = x.methods[case.method], scene_of(outcome, case.picture)
    link = collector(sources, snapshots)
    layers: Layers = {
        "estimate": _layer("estimate", outcome.image(entry, "kept"), sources),
        "observed": _layer(
            "observed", scene.observed if scene.seen is None else scene.seen, sources
        ),
        "truth": _layer("truth", scene.shown(scene.truth), sources),
    }
    saved = [
        _shown(f"snapshots/{step}", outcome.image(entry, str(step)))
        for step in sorted(int(name) for name in entry["images"] if name.isdigit())
    ]
    is_fit = isinstance(method, Recipe)
    name = case.picture.rpartition("/")[2].removesuffix(".png")
    return {
        "id": case.key,
        "title": f"{name}, {case.method}",
        "task": x.task,
        "recipe": case.method,
        "status": "finished",
        "layers": layers,
        "overlays": [],
        "snapshots": [
            {"step": int(shown.name.partition("/")[2]), "src": link(shown),
             "width": shown.width, "height": shown.height}
            for shown in saved
        ],
        "history": _history(entry),
        "stop": _stop(entry, method) if isinstance(method, Recipe) else None,
        "peak": {"step": entry["peak_step"], "psnr": round(entry["peak"], 5)} if is_fit else None,
        "facts": _facts(entry, case),
        "settings": describe_settings(method) if isinstance(method, Recipe) else [],
        "notes": [
            f"{x.title}. {_reduced(x)}".strip(),
            "The images of the fit are the network's own, not averages; pictures are rounded to "
            "8 bits.",
        ],
        "command": command,
        "python": _python(x, case) if isinstance(method, Recipe) else "",
    }  # fmt: skip


def _reduced(x: Experiment) -> str:
    """Return what was reduced as plain text: the experiment says it in Markdown."""
    if not x.reduced:
        return ""
    return f"{x.reduced}: " + x.quick.replace("`", "")


def _python(x: Experiment, case: Case) -> str:
    """Return the lines that repeat a fit; "" where an observer has a part in it."""
    method = x.methods[case.method]
    assert isinstance(method, Recipe)
    scene = x.scene(case.picture, x.crop, case.seed)
    if type(x.observer(scene, method, case.seed)) is not Observer:
        return ""
    for quick in (False, True):
        known = find_experiment(x.name, quick=quick).methods.get(case.method)
        if isinstance(known, Recipe) and replace(known, max_steps=method.max_steps) == method:
            break
    else:
        return ""
    recipe = f"experiment.methods[{case.method!r}]"
    given = "scene.given"
    if scene.given is None:
        given = "Given(operator=scene.operator, mask=scene.known.mask)"
    if known != method:
        recipe = f"replace({recipe}, max_steps={method.max_steps})"
    return "\n".join([
        *(["from dataclasses import replace", ""] if known != method else []),
        "from untrained import Given, restore",
        "from untrained.experiments import find_experiment",
        "",
        f"experiment = find_experiment({x.name!r}, quick={quick})",
        f"scene = experiment.scene({case.picture!r}, {x.crop}, {case.seed})",
        "result = restore(",
        f"    scene.observed, recipe={recipe}, seed={case.seed},",
        f"    given={given}, truth=scene.truth,",
        ")",
        "print(scene.score(result.image))",
    ])  # fmt: skip


def _history(entry: Entry) -> HistoryView:
    curves = entry.get("curves", {"steps": [], "psnr_observed": []})
    steps = curves["steps"]
    return {
        "step": steps,
        "loss": curves.get("loss", [None] * len(steps)),
        "psnr_observed": curves["psnr_observed"],
        "truth_step": steps,
        "psnr_truth": curves.get("psnr_truth", []),
        "psnr_truth_iterate": curves.get("psnr_truth_iterate", []),
    }


def _stop(entry: Entry, recipe: Recipe) -> Stop:
    return {
        "step": entry["steps"],
        "kept_step": entry["kept_step"],
        "kept": "iterate" if recipe.average is None else "average",
        "refined": recipe.refinement is not None,
        "reason": entry["reason"],
        "advice": StopReason(entry["reason"]).advice,
    }


def _facts(entry: Entry, case: Case) -> list[Fact]:
    found = {"PSNR to the truth": f"{entry['psnr']:.2f} dB"}
    if entry.get("psnr_degraded") is not None:
        found["PSNR to the truth"] += f" (the observed picture: {entry['psnr_degraded']:.2f} dB)"
    if "ssim" in entry:
        found["SSIM to the truth"] = f"{entry['ssim']:.4f}"
        found["peak"] = f"{entry['peak']:.2f} dB at step {entry['peak_step']}"
        found["parameters"] = f"{entry['parameters']:,}"
    found |= {
        "time": f"{entry['seconds']:.1f} s",
        "seed": str(case.seed),
        "machine": entry["machine"],
    }
    return [{"label": label, "value": value} for label, value in found.items()]


def _layer(label: str, image: Image, sources: Sources) -> Layer:
    pixels = _pixels(image)
    height, width = pixels.shape[:2]
    return {"label": label, "src": sources.add(pixels), "width": width, "height": height}


def _shown(name: str, image: Image) -> Shown:
    height, width = image.shape[:2]
    return Shown(name=name, width=width, height=height, pixels=lambda: _pixels(image))


def _pixels(image: Image) -> Pixels:
    values: Pixels = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return values[..., 0] if values.shape[2] == 1 else values
