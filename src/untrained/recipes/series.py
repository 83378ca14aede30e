"""A series of frames from few measurements of each."""

from __future__ import annotations

from dataclasses import replace

from untrained.fitting import Acceleration, Adam, Cosine, FixedSteps, Halving
from untrained.networks import EachFrame, Helix, Plain, TimeDependent
from untrained.objectives import Series, SpaceTime, Stacked
from untrained.recipes.recipe import Recipe

__all__ = ["RECIPES", "TASK"]

TASK = "series"

fast = Recipe(
    name="fast",
    title="Space-time variation and low rank in time, stacked by a network (ours, 2026)",
    task=TASK,
    source="ours: above its parts on three series (benchmarks/series.py)",
    network=EachFrame(inner=Plain(width=24, depth=3, silent=True)),
    objective=Stacked(
        first=SpaceTime(weight=1e-3, time_weight=1.0),
        second=SpaceTime(weight=1e-3, time_weight=1.0, low_rank=8e-4),
        third=SpaceTime(weight=3e-4, time_weight=3.0),
    ),
    optimizer=Adam(lr=0.003, step_size=Cosine(hold=0.3)),
    max_steps=200,
    stopper=FixedSteps(),
    acceleration=Acceleration(precision="float32"),
)

best = replace(
    fast,
    name="best",
    title="The same, four networks and longer series (ours, 2026)",
    source="ours, not measured: as fast, of classical series nearer to their minimum, the mean "
    "of four",
    objective=Stacked(
        first=SpaceTime(weight=1e-3, time_weight=1.0, iterations=120),
        second=SpaceTime(weight=1e-3, time_weight=1.0, low_rank=8e-4, iterations=120),
        third=SpaceTime(weight=3e-4, time_weight=3.0, iterations=120),
    ),
    max_steps=300,
    members=4,
)

paper = Recipe(
    name="paper",
    title="Time-dependent deep image prior (Yoo et al., 2021)",
    task=TASK,
    source="Yoo et al., Time-dependent deep image prior for dynamic MRI, IEEE TMI 40(12), 2021, "
    "as in the authors' code: 10000 steps of one random frame, Adam at .001 halved every 2000",
    network=TimeDependent(),
    objective=Series(code=Helix(cycles=13)),
    optimizer=Adam(lr=0.001, step_size=Halving(every=2000)),
    max_steps=10000,
    acceleration=Acceleration(precision="float32"),
)

RECIPES = (fast, best, paper)
