"""Figures of the experiments: pictures with names, curves, an animation.

Each function makes a `Figure`, to be listed in an experiment.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from untrained.baselines import Image
from untrained.experiments.base import Figure, Outcome
from untrained.experiments.scenes import Scene
from untrained.images import central, sheet
from untrained.report.drawing import pyplot

__all__ = ["curves", "filmstrip", "gallery", "has", "pyplot", "save_sheet", "scene_of"]

_SIDE = 192


def has(outcome: Outcome, picture: str, *methods: str) -> bool:
    """Whether a figure of this picture and these methods can be drawn: all were measured."""
    x = outcome.experiment
    return picture in x.pictures and set(methods) <= set(x.methods)


def scene_of(outcome: Outcome, picture: str) -> Scene:
    """Return the test case of the first seed."""
    x = outcome.experiment
    return x.scene(picture, x.crop, x.seeds[0])


def save_sheet(path: Path, tiles: Sequence[tuple[str, Image]], columns: int) -> None:
    """Write the tiles as one PNG of few bytes."""
    from PIL import Image as Pillow

    Pillow.fromarray(sheet(tiles, columns=columns)).save(path, optimize=True)


def filmstrip(picture: str, method: str, *, side: int = _SIDE, columns: int = 4) -> Figure:
    """Draw truth, observation and the snapshots of a fit, central crops at 1:1."""

    def draw(outcome: Outcome) -> dict[str, str]:
        if not has(outcome, picture, method):
            return {}
        scene, entry = scene_of(outcome, picture), outcome.entry(picture, method)
        tiles = [
            ("original", scene.truth),
            (_named("observed", scene, scene.observed), scene.observed),
        ]
        steps = sorted(int(name) for name in entry["images"] if name.isdigit())
        for step in steps:
            image = outcome.image(entry, str(step))
            tiles.append((_named(f"step {step}", scene, image), image))
        name = f"{_stem(picture)}-{_stem(method)}-steps.png"
        tiles = [(label, central(image, side)) for label, image in tiles]
        save_sheet(outcome.folder / name, tiles, columns)
        return {name: f"{_stem(picture)}, {method}: what the network shows at these steps."}

    return draw


def gallery(*pictures: str, side: int = _SIDE, columns: int = 4) -> Figure:
    """Draw truth, observation and what each method kept, central crops at 1:1."""

    def draw(outcome: Outcome) -> dict[str, str]:
        captions = {}
        for picture in pictures or outcome.experiment.pictures:
            if picture not in outcome.experiment.pictures:
                continue
            scene = scene_of(outcome, picture)
            observed = _enlarged(scene)
            label = "observed" if scene.seen is not None else _named("observed", scene, observed)
            tiles = [("original", scene.shown(scene.truth)), (label, observed)]
            for method in outcome.experiment.methods:
                entry = outcome.entry(picture, method)
                # what was drawn need not have the estimate's unit, so its score is the entry's
                tiles.append((f"{method}\n{entry['psnr']:.2f} dB", outcome.image(entry, "kept")))
            name = f"{_stem(picture)}-methods.png"
            tiles = [(label, central(image, side)) for label, image in tiles]
            save_sheet(outcome.folder / name, tiles, columns)
            captions[name] = f"{_stem(picture)}: the image that each method stopped at."
        return captions

    return draw


def curves(picture: str, methods: Sequence[str] = (), *, averages: bool = True) -> Figure:
    """Draw PSNR against steps: to the observation and to the truth, and where the peak is."""

    def draw(outcome: Outcome) -> dict[str, str]:
        chosen = [
            m for m in (methods or outcome.experiment.methods)
            if has(outcome, picture, m) and "curves" in outcome.entry(picture, m)
        ]  # fmt: skip
        if not chosen:
            return {}
        plt = pyplot()
        figure, all_axes = plt.subplots(
            1, len(chosen), figsize=(max(6, 4.6 * len(chosen)), 3.8), layout="constrained",
            squeeze=False, sharey=True,
        )  # fmt: skip
        for axes, method in zip(all_axes[0], chosen, strict=True):
            _draw_curves(axes, outcome.entry(picture, method), averages)
            axes.set_title(method)
            axes.set_xlabel("step")
        all_axes[0][0].set_ylabel("PSNR in dB")
        all_axes[0][0].legend(loc="lower right")
        name = f"{_stem(picture)}-curves.png"
        figure.savefig(outcome.folder / name, dpi=110)
        plt.close(figure)
        return {name: f"{_stem(picture)}: PSNR to what was observed and to the truth."}

    return draw


def _draw_curves(axes: Any, entry: dict[str, Any], averages: bool) -> None:
    lines = entry["curves"]
    steps, iterate = lines["steps"], lines["psnr_truth_iterate"]
    axes.plot(steps, lines["psnr_observed"], color="0.6", label="to the observation")
    axes.plot(steps, iterate, color="C0", label="to the truth")
    if averages and lines["psnr_truth"] != iterate:
        axes.plot(steps, lines["psnr_truth"], color="C1", label="to the truth, averaged")
    best = int(np.argmax(iterate))
    place = steps[best] / steps[-1]
    axes.plot(steps[best], iterate[best], "o", color="C0")
    axes.annotate(
        f"{iterate[best]:.2f} dB at {steps[best]}", (steps[best], iterate[best]),
        xytext=(0, 9), textcoords="offset points", color="C0",
        ha="right" if place > 0.7 else "left" if place < 0.15 else "center",
    )  # fmt: skip
    axes.margins(y=0.12)
    axes.grid(alpha=0.3)


def _named(label: str, scene: Scene, image: Image) -> str:
    return label if image.shape != scene.truth.shape else f"{label}\n{scene.score(image):.2f} dB"


def _enlarged(scene: Scene) -> Image:
    if scene.seen is not None:
        return scene.seen
    factor = scene.known.factor
    return scene.observed.repeat(factor, axis=0).repeat(factor, axis=1)


def _stem(name: str) -> str:
    stem = name.rpartition("/")[2].removesuffix(".png")
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in stem)
