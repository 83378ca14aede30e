"""What is minimised: a problem, and the ways of fitting a network to it; one way a file.

Shapes: the estimate is b C H W, measurements are b c h w.
"""

from untrained.objectives.base import Iterate, Objective, ObjectiveSettings, RunNetwork
from untrained.objectives.blind import BlindDeconvolution, BlindDeconvolutionObjective
from untrained.objectives.data_fit import DataFit, DataFitObjective
from untrained.objectives.decompose import Decompose, DecomposeObjective
from untrained.objectives.deconvolution import Deconvolution, DeconvolutionObjective
from untrained.objectives.dehaze import Dehaze, DehazeObjective
from untrained.objectives.equivariant import ScaleEquivariant, ScaleEquivariantObjective
from untrained.objectives.filling import mean_of_neighbours
from untrained.objectives.infill import Infill, InfillObjective
from untrained.objectives.losses import (
    L1,
    DataTerm,
    Gaussian,
    Huber,
    Poisson,
    Ramp,
    TotalVariation,
    Transmission,
)
from untrained.objectives.masked import MaskedPrediction, MaskedPredictionObjective
from untrained.objectives.noise_to_noise import NoiseToNoise, NoiseToNoiseObjective
from untrained.objectives.offsets import FittedOffsets, Offsets
from untrained.objectives.problem import Problem
from untrained.objectives.self_guided import SelfGuided, SelfGuidedObjective
from untrained.objectives.sure import Sure, SureObjective

__all__ = [
    "L1",
    "BlindDeconvolution",
    "BlindDeconvolutionObjective",
    "DataFit",
    "DataFitObjective",
    "DataTerm",
    "Decompose",
    "DecomposeObjective",
    "Deconvolution",
    "DeconvolutionObjective",
    "Dehaze",
    "DehazeObjective",
    "FittedOffsets",
    "Gaussian",
    "Huber",
    "Infill",
    "InfillObjective",
    "Iterate",
    "MaskedPrediction",
    "MaskedPredictionObjective",
    "NoiseToNoise",
    "NoiseToNoiseObjective",
    "Objective",
    "ObjectiveSettings",
    "Offsets",
    "Poisson",
    "Problem",
    "Ramp",
    "RunNetwork",
    "ScaleEquivariant",
    "ScaleEquivariantObjective",
    "SelfGuided",
    "SelfGuidedObjective",
    "Sure",
    "SureObjective",
    "TotalVariation",
    "Transmission",
    "mean_of_neighbours",
]
