"""What is minimised: a problem, and the ways of fitting a network to it; one way a file.

Shapes: the estimate is b C H W, measurements are b c h w.
"""

from untrained.objectives.base import Iterate, Objective, ObjectiveSettings, RunNetwork
from untrained.objectives.data_fit import DataFit, DataFitObjective
from untrained.objectives.decompose import Decompose, DecomposeObjective
from untrained.objectives.dehaze import Dehaze, DehazeObjective
from untrained.objectives.equivariant import ScaleEquivariant, ScaleEquivariantObjective
from untrained.objectives.masked import MaskedPrediction, MaskedPredictionObjective
from untrained.objectives.problem import Problem
from untrained.objectives.sure import Sure, SureObjective

__all__ = [
    "DataFit",
    "DataFitObjective",
    "Decompose",
    "DecomposeObjective",
    "Dehaze",
    "DehazeObjective",
    "Iterate",
    "MaskedPrediction",
    "MaskedPredictionObjective",
    "Objective",
    "ObjectiveSettings",
    "Problem",
    "RunNetwork",
    "ScaleEquivariant",
    "ScaleEquivariantObjective",
    "Sure",
    "SureObjective",
]
