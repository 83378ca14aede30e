"""Settings as text and as JSON: `--set name=value`, the run record, `untrained recipes NAME`."""

from __future__ import annotations

import dataclasses
import difflib
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from untrained.acceleration import Acceleration
from untrained.averaging import Averaging, ExponentialAverage, SampleAverage
from untrained.errors import InputError
from untrained.inputs import CodeSettings, FourierFeatures, Guide, Meshgrid, Noise
from untrained.langevin import Langevin
from untrained.losses import L1, DataTerm, Gaussian, Huber, Poisson, TotalVariation
from untrained.networks import (
    ConvDecoder,
    DeepDecoder,
    Layered,
    NetworkSettings,
    Plain,
    Pointwise,
    ResNet,
    Skip,
    UNet,
)
from untrained.objectives import (
    BlindDeconvolution,
    DataFit,
    Decompose,
    Deconvolution,
    Dehaze,
    Infill,
    MaskedPrediction,
    NoiseToNoise,
    ObjectiveSettings,
    ScaleEquivariant,
    SelfGuided,
    Sure,
)
from untrained.optimizers import Adam, Constant, Cosine, Halving, Muon, OptimizerSettings, StepSize
from untrained.recipes.recipe import Recipe
from untrained.stopping import (
    Discrepancy,
    ExponentialVariance,
    FixedSteps,
    HeldOut,
    LowestLoss,
    StopRule,
    WindowedVariance,
)

__all__ = ["CHOICES", "KINDS", "decode", "encode", "flatten", "with_settings"]

CHOICES: dict[Any, tuple[type, ...]] = {
    Acceleration: (Acceleration,),
    Averaging: (ExponentialAverage, SampleAverage),
    CodeSettings: (Noise, Meshgrid, Guide, FourierFeatures),
    DataTerm: (Gaussian, Poisson, L1, Huber),
    NetworkSettings: (Skip, UNet, ResNet, DeepDecoder, ConvDecoder, Plain, Pointwise, Layered),
    ObjectiveSettings: (
        DataFit, BlindDeconvolution, Decompose, Deconvolution, Dehaze, Infill, MaskedPrediction,
        NoiseToNoise, ScaleEquivariant, SelfGuided, Sure,
    ),
    OptimizerSettings: (Adam, Muon, Langevin),
    StepSize: (Constant, Cosine, Halving),
    StopRule: (
        FixedSteps, LowestLoss, WindowedVariance, ExponentialVariance, Discrepancy, HeldOut,
    ),
    TotalVariation: (TotalVariation,),
}  # fmt: skip
"""What may stand in a field of each type; a new kind is entered here."""

KINDS = {kind.__name__: kind for kinds in CHOICES.values() for kind in kinds} | {"Recipe": Recipe}
"""Every kind by the name that `--set` and run.json use."""

_FIXED = ("name", "task", "source")


def encode(value: Any) -> Any:
    """Return settings as plain JSON data; a "kind" names the class."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    return list(value) if isinstance(value, tuple) else value


def decode(data: Any) -> Any:
    """Return the settings that `encode` made the data from."""
    if isinstance(data, dict):
        kind = KINDS[data["kind"]]
        return kind(**{name: decode(value) for name, value in data.items() if name != "kind"})
    return tuple(data) if isinstance(data, list) else data


def flatten(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Return every field by its dotted name; a field that holds settings gives its kind."""
    result: dict[str, Any] = {}
    for f in dataclasses.fields(settings):
        if not prefix and f.name in _FIXED:
            continue
        value = getattr(settings, f.name)
        if dataclasses.is_dataclass(value):
            result[prefix + f.name] = type(value).__name__
            result |= flatten(value, f"{prefix}{f.name}.")
        else:
            result[prefix + f.name] = value
    return result


def with_settings(recipe: Recipe, changes: dict[str, str]) -> Recipe:
    """Return the recipe with fields changed by name: {"lr": "0.005", "network.widths": "64,64"}.

    A name may leave out what leads up to it where that is unambiguous (lr for optimizer.lr).
    A field that holds settings takes the name of a kind: {"stopper": "FixedSteps"}. Numbers may be
    fractions (1/30), lists are separated by commas, none unsets.

    Raises:
        InputError: an unknown name ("did you mean"), a value of the wrong type or out of range.
    """
    # kinds first, so that the fields of a new kind can be set in the same breath
    for name, text in sorted(changes.items(), key=lambda item: item[1] not in KINDS):
        recipe = _with(recipe, _full_name(recipe, name).split("."), text, name)
    return recipe


def _full_name(recipe: Recipe, name: str) -> str:
    names = list(flatten(recipe))
    if name in names:
        return name
    ends = [full for full in names if full.endswith("." + name)]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise InputError(f"setting {name!r} is ambiguous; give one of {', '.join(ends)}")
    leaves = {full.rsplit(".", 1)[-1]: full for full in names}
    close = difflib.get_close_matches(name, [*names, *leaves], n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else "see them all with"
    raise InputError(
        f"no setting {name!r} in recipe {recipe.name!r}; {hint} "
        f"(untrained recipes {recipe.task}/{recipe.name})"
    )


def _with(settings: Any, path: list[str], text: str, name: str) -> Any:
    head, *rest = path
    if rest:
        value = _with(getattr(settings, head), rest, text, name)
    else:
        value = _parse(get_type_hints(type(settings))[head], text, name)
    return dataclasses.replace(settings, **{head: value})


def _parse(wanted: Any, text: str, name: str) -> Any:
    options = get_args(wanted) if get_origin(wanted) in (Union, types.UnionType) else (wanted,)
    if type(None) in options and text.lower() == "none":
        return None
    reasons = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _parse_one(option, text.strip())
        except (ValueError, ZeroDivisionError) as error:
            reasons.append(str(error))
    raise InputError(f"setting {name} is {text!r}; wanted {' or '.join(reasons)}")


def _parse_one(wanted: Any, text: str) -> Any:
    """Return the value, or raise ValueError saying what was wanted."""
    if get_origin(wanted) is Literal:
        if text in get_args(wanted):
            return text
        raise ValueError(f"one of {', '.join(get_args(wanted))}")
    if get_origin(wanted) is tuple:
        return tuple(_number(int, part) for part in text.split(",") if part.strip())
    if wanted is bool:
        known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() in known:
            return known[text.lower()]
        raise ValueError("true or false")
    if wanted in (int, float):
        return _number(wanted, text)
    if wanted is str:
        return text
    kinds = {kind.__name__: kind for kind in CHOICES[wanted]}
    if text in kinds:
        return kinds[text]()
    raise ValueError(f"one of {', '.join(kinds)}")


def _number(wanted: type, text: str) -> Any:
    try:
        if wanted is int:
            return int(text)
        above, _, below = text.partition("/")
        return float(above) / float(below) if below else float(above)
    except ValueError:
        kind = "a whole number" if wanted is int else "a number"
        raise ValueError(kind) from None
