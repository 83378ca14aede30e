"""Settings as data: what may stand where, to JSON and back, flat by dotted names."""

from __future__ import annotations

import dataclasses
from dataclasses import fields
from typing import Any

from untrained.averaging import Averaging, ExponentialAverage, SampleAverage
from untrained.fitting import (
    Acceleration,
    Adam,
    Constant,
    Cosine,
    Discrepancy,
    ExponentialVariance,
    FixedSteps,
    Halving,
    HeldOut,
    Langevin,
    LowestLoss,
    Muon,
    OptimizerSettings,
    RmsProp,
    StepSize,
    StopRule,
    WindowedVariance,
)
from untrained.networks import (
    CodeSettings,
    ConvDecoder,
    Custom,
    Dcgan,
    DeepDecoder,
    EachFrame,
    FourierFeatures,
    Guide,
    Helix,
    Layered,
    Meshgrid,
    NetworkSettings,
    Noise,
    Plain,
    Pointwise,
    ResNet,
    Skip,
    TimeDependent,
    UNet,
)
from untrained.objectives import (
    L1,
    BlindDeconvolution,
    DataFit,
    DataTerm,
    Decompose,
    Deconvolution,
    Dehaze,
    Gaussian,
    GuidedFilter,
    Huber,
    Infill,
    LearnedRegularisation,
    MaskedPrediction,
    MessagePassing,
    NoiseToNoise,
    ObjectiveSettings,
    Offsets,
    Poisson,
    Ramp,
    ScaleEquivariant,
    SelfConsistent,
    SelfGuided,
    Series,
    SpaceTime,
    SplitMeasurement,
    Stacked,
    Sure,
    TotalVariation,
    Transmission,
    WeightPrior,
    ZeroFilled,
)
from untrained.recipes.foreign import find_object, name_of
from untrained.recipes.recipe import Recipe
from untrained.refinement import Collaborative, Refinement

__all__ = ["CHOICES", "KINDS", "decode", "encode", "flatten"]

CHOICES: dict[Any, tuple[type, ...]] = {
    Acceleration: (Acceleration,),
    Averaging: (ExponentialAverage, SampleAverage),
    CodeSettings: (Noise, Meshgrid, Guide, FourierFeatures),
    DataTerm: (Gaussian, Poisson, L1, Huber, Transmission, Ramp, ZeroFilled),
    GuidedFilter: (Collaborative,),
    Helix: (Helix,),
    NetworkSettings: (
        Skip, UNet, ResNet, DeepDecoder, ConvDecoder, Plain, Pointwise, Layered, Dcgan, EachFrame,
        TimeDependent,
    ),
    ObjectiveSettings: (
        DataFit, BlindDeconvolution, Decompose, Deconvolution, Dehaze, Infill, MaskedPrediction,
        NoiseToNoise, ScaleEquivariant, SelfGuided, Sure, LearnedRegularisation, MessagePassing,
        Series, SplitMeasurement, Stacked, SelfConsistent,
    ),
    Offsets: (Offsets,),
    OptimizerSettings: (Adam, Muon, Langevin, RmsProp),
    Refinement: (Collaborative,),
    SpaceTime: (SpaceTime,),
    StepSize: (Constant, Cosine, Halving),
    StopRule: (FixedSteps, LowestLoss, WindowedVariance, ExponentialVariance, Discrepancy, HeldOut),
    TotalVariation: (TotalVariation,),
    WeightPrior: (WeightPrior,),
}  # fmt: skip
"""What may stand in a field of each type; a new kind is entered here."""

KINDS = {kind.__name__: kind for kinds in CHOICES.values() for kind in kinds} | {"Recipe": Recipe}
"""Every kind by the name that `--set` and run.json use."""

_FIXED = ("name", "task", "source", "title")


def encode(value: Any) -> Any:
    """Return settings as plain JSON data; a "kind" names the class (a foreign one in full)."""
    if isinstance(value, Custom):
        return {"kind": "Custom", "name": value.name}
    if dataclasses.is_dataclass(value):
        kind = type(value)
        name = kind.__name__ if KINDS.get(kind.__name__) is kind else name_of(kind)
        return {"kind": name, **{f.name: encode(getattr(value, f.name)) for f in fields(value)}}
    if value is None or isinstance(value, (bool, int, float, str, list)):
        return value
    return list(value) if isinstance(value, tuple) else {"kind": name_of(type(value))}


def decode(data: Any) -> Any:
    """Return the settings that `encode` made the data from; foreign parts are imported.

    Raises:
        InputError: a foreign part that cannot be found by its name.
    """
    if isinstance(data, dict):
        if data["kind"] == "Custom":
            return Custom(module=find_object(data["name"]), name=data["name"])
        kind = KINDS[data["kind"]] if ":" not in data["kind"] else find_object(data["kind"])
        return kind(**{name: decode(value) for name, value in data.items() if name != "kind"})
    return tuple(data) if isinstance(data, list) else data


def flatten(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Return every field by its dotted name; a field that holds settings gives its kind."""
    result: dict[str, Any] = {}
    for f in dataclasses.fields(settings):
        if not prefix and f.name in _FIXED:
            continue
        value = getattr(settings, f.name)
        if isinstance(value, Custom):
            result[prefix + f.name] = value.name
        elif dataclasses.is_dataclass(value):
            result[prefix + f.name] = type(value).__name__
            result |= flatten(value, f"{prefix}{f.name}.")
        else:
            result[prefix + f.name] = value
    return result
