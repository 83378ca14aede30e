"""An experiment: pictures, methods, what is published about them, and what to draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from untrained.baselines import Image
from untrained.errors import InputError
from untrained.experiments.scenes import Scene, SceneOf
from untrained.fitting import Callback, Score
from untrained.recipes import Recipe

__all__ = ["Case", "Entry", "Experiment", "Figure", "Methods", "Observer", "Outcome", "shortened"]

Entry = dict[str, Any]
"""What was measured of one case, as JSON: see `measure.measure`."""

Methods = dict[str, Recipe | str]
"""Methods by label: a recipe, or the name of a classical method."""


class Observer(Callback):
    """Watches a fit for an experiment.

    Attributes:
        mask: (H, W), true = known to the fit; None = what the scene says.
    """

    mask: NDArray[np.bool_] | None = None

    def findings(self, score: Score) -> dict[str, Any]:
        """Return what goes into the entry, as JSON, when the fit is over."""
        return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One fit: a picture by a method with a seed (of the degradation and of the network)."""

    picture: str
    method: str
    seed: int

    @property
    def key(self) -> str:
        """The name in the record."""
        return f"{self.picture} | {self.method} | {self.seed}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A published table or figure, and how it is made again.

    Attributes:
        name: what `untrained reproduce` calls it.
        title: a heading.
        text: what was published, by whom, and what is done here; Markdown.
        pictures: names for `data.load` (or for the scene).
        scene: (picture, crop, seed) -> test case.
        methods: by label; a recipe, or the name of a classical method of `task`.
        task: of the classical methods.
        seeds: each gives another degradation and other random weights.
        crop: side of the central crop; 0 = whole pictures.
        snapshots: steps whose images are kept; 0 = what the random network shows.
        published: label -> picture (or "mean") -> PSNR in dB.
        beside: method -> label of the published figures that it should meet.
        reasons: method -> why it may differ by more than .3 dB from what is published.
        observer: (scene, recipe, seed) -> what watches that fit.
        figures: drawn at the end.
        notes: Markdown of what this experiment found beyond its tables.
        quick: what was reduced; empty = nothing.
        whole_fits: whether only pictures, methods or seeds are fewer: every fit that there is can
            be compared with its published figure.
    """

    name: str
    title: str
    text: str
    pictures: tuple[str, ...]
    scene: SceneOf
    methods: Mapping[str, Recipe | str]
    task: str = "denoise"
    seeds: tuple[int, ...] = (0,)
    crop: int = 0
    snapshots: tuple[int, ...] = ()
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    observer: Callable[[Scene, Recipe, int], Observer] = lambda scene, recipe, seed: Observer()
    figures: tuple[Figure, ...] = ()
    notes: Callable[[Outcome], str] | None = None
    quick: str = ""
    whole_fits: bool = False

    @property
    def reduced(self) -> str:
        """How this differs from the published experiment; empty = not at all."""
        if not self.quick:
            return ""
        return (
            "A part of the published experiment"
            if self.whole_fits
            else "Reduced, not the published experiment"
        )

    def cases(self) -> Iterator[Case]:
        """Yield every case, picture by picture."""
        for seed in self.seeds:
            for picture in self.pictures:
                for method in self.methods:
                    yield Case(picture=picture, method=method, seed=seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an experiment measured, for its tables and figures.

    Attributes:
        experiment: its description.
        entries: by `Case.key`.
        folder: where the figures go; images are in entries[...]["images"], relative to it.
    """

    experiment: Experiment
    entries: Mapping[str, Entry]
    folder: Path

    def entry(self, picture: str, method: str, seed: int | None = None) -> Entry:
        """Return one entry; the first seed's by default."""
        seed = self.experiment.seeds[0] if seed is None else seed
        return self.entries[Case(picture=picture, method=method, seed=seed).key]

    def over_seeds(self, picture: str, method: str) -> list[Entry]:
        """Return the entries of every seed."""
        return [self.entry(picture, method, seed) for seed in self.experiment.seeds]

    def mean(self, method: str, value: str, picture: str | None = None) -> float:
        """Return the mean of a number over seeds, and over pictures unless one is named."""
        pictures = self.experiment.pictures if picture is None else (picture,)
        entries = [e for p in pictures for e in self.over_seeds(p, method)]
        return float(np.mean([e[value] for e in entries]))

    def image(self, entry: Entry, which: str) -> Image:
        """Return an image of an entry: "kept", or a step of the snapshots.

        Raises:
            InputError: its file is gone.
        """
        from untrained import data

        path = self.folder / entry["images"][which]
        if not path.exists():
            raise InputError(
                f"{path} is gone, and a figure shows it; "
                f"remove {self.folder / 'results.json'} to measure everything again"
            )
        return data.load(str(path))


Figure = Callable[[Outcome], dict[str, str]]
"""Draws into outcome.folder and returns file name -> caption."""


def shortened(methods: Mapping[str, Recipe | str], steps: Mapping[str, int]) -> Methods:
    """Return the methods that are named (all, by the name "*") with at most so many steps.

    Classical methods stay as they are.
    """
    return {
        name: method
        if isinstance(method, str)
        else replace(method, max_steps=min(method.max_steps, steps.get(name, steps.get("*", 0))))
        for name, method in methods.items()
        if isinstance(method, str) or name in steps or "*" in steps
    }
