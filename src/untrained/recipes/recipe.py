"""A recipe: every setting of a task, frozen, named and cited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from torch import nn

from untrained.averaging import Averaging
from untrained.errors import InputError
from untrained.fitting import Acceleration, Adam, FixedSteps, OptimizerSettings, StopRule
from untrained.networks import Custom, NetworkSettings, Skip
from untrained.objectives import DataFit, ObjectiveSettings
from untrained.refinement import Refinement

__all__ = ["Recipe"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """All settings of a fit, as data.

    Attributes:
        name: what the user calls it.
        task: what it is for, a name of `tasks.TASKS`.
        source: the paper that it is copied from, or the measurement that justifies it.
        title: what it is, by whom and of which year, in a few words.
        network, objective, optimizer, stopper: settings of the parts. The network may also be a
            torch.nn.Module that maps z to the image, or a class or function that makes one.
        average: how iterates are combined into the image that is kept; None = they are not.
        refinement: what follows the fit: y filtered with its image as the guide; None = nothing.
        max_steps: the most steps of the optimizer.
        check_every: steps between two looks at the device.
        exact_known: put the known pixels back into the final image, exactly as they were.
        bounded: take away no more than the noise (`Problem.finish`).
        find_impulses: treat pixels stuck at black or white as missing.
        members: how many networks are fitted side by side, from other seeds; their images are
            averaged.
        fitted: "all" weights of the network, or only those of its "norms": the convolutions stay
            as they were drawn (a z can be fitted too: `DataFit.fit_z`).
        acceleration: precision and memory format.
    """

    name: str
    task: str
    source: str
    title: str = field(default="", compare=False)  # no setting
    network: NetworkSettings = field(default_factory=Skip)
    objective: ObjectiveSettings = field(default_factory=DataFit)
    optimizer: OptimizerSettings = field(default_factory=Adam)
    max_steps: int = 3000
    stopper: StopRule = field(default_factory=FixedSteps)
    average: Averaging | None = None
    refinement: Refinement | None = None
    check_every: int = 10
    exact_known: bool = False
    bounded: bool = False
    find_impulses: bool = False
    members: int = 1
    fitted: Literal["all", "norms"] = "all"
    acceleration: Acceleration = field(default_factory=Acceleration)

    def __post_init__(self) -> None:
        if isinstance(self.network, nn.Module) or not hasattr(self.network, "build"):
            object.__setattr__(self, "network", Custom(module=cast(Any, self.network)))
        for name in ("max_steps", "check_every", "members"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; wanted 1 or more")
        if self.fitted not in ("all", "norms"):
            raise InputError(f"fitted is {self.fitted!r}; wanted all or norms")
