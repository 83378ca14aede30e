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
from untrained.objectives.learned import (
    LearnedRegularisation,
    LearnedRegularisationObjective,
    WeightPrior,
    mean_weights,
)
from untrained.objectives.losses import (
    L1,
    DataTerm,
    Gaussian,
    Huber,
    Poisson,
    Ramp,
    TotalVariation,
    Transmission,
    ZeroFilled,
)
from untrained.objectives.masked import MaskedPrediction, MaskedPredictionObjective
from untrained.objectives.message_passing import (
    GuidedFilter,
    MessagePassing,
    MessagePassingObjective,
)
from untrained.objectives.noise_to_noise import NoiseToNoise, NoiseToNoiseObjective
from untrained.objectives.offsets import FittedOffsets, Offsets
from untrained.objectives.problem import Problem
from untrained.objectives.self_consistent import SelfConsistent, SelfConsistentObjective
from untrained.objectives.self_guided import SelfGuided, SelfGuidedObjective
from untrained.objectives.series import Series, SeriesObjective
from untrained.objectives.space_time import SpaceTime
from untrained.objectives.split_measurement import SplitMeasurement, SplitMeasurementObjective
from untrained.objectives.stacked import Stacked, StackedObjective
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
    "GuidedFilter",
    "Huber",
    "Infill",
    "InfillObjective",
    "Iterate",
    "LearnedRegularisation",
    "LearnedRegularisationObjective",
    "MaskedPrediction",
    "MaskedPredictionObjective",
    "MessagePassing",
    "MessagePassingObjective",
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
    "SelfConsistent",
    "SelfConsistentObjective",
    "SelfGuided",
    "SelfGuidedObjective",
    "Series",
    "SeriesObjective",
    "SpaceTime",
    "SplitMeasurement",
    "SplitMeasurementObjective",
    "Stacked",
    "StackedObjective",
    "Sure",
    "SureObjective",
    "TotalVariation",
    "Transmission",
    "WeightPrior",
    "ZeroFilled",
    "mean_of_neighbours",
    "mean_weights",
]
