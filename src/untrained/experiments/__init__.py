"""Published tables and figures, made again by one command each: `untrained reproduce NAME`.

They are a part of the package, not scripts beside it, so that the command finds them wherever it
is installed. An experiment is data (`Experiment`) in a file of its own; `run.reproduce` measures
what is missing and writes the report.
"""

from __future__ import annotations

from importlib import import_module

from untrained.errors import InputError, did_you_mean
from untrained.experiments.base import Experiment

__all__ = ["EXPERIMENTS", "find_experiment"]

EXPERIMENTS: dict[str, tuple[str, str]] = {
    "denoise-f16": ("denoise_f16", ""),
    "inpaint-11": ("inpaint_11", ""),
    "dip-vs-decoder": ("dip_vs_decoder", ""),
    "denoise-cset9": ("denoise_cset9", ""),
    "sr-set5": ("super_resolution", "SET5"),
    "sr-set14": ("super_resolution", "SET14"),
    "impedance": ("impedance", ""),
    "early-stopping": ("early_stopping", ""),
    "hyperparameters": ("hyperparameters", ""),
    "dynamic": ("dynamic", ""),
    "mri-head": ("mri_head", ""),
    "ct-tooth": ("ct_tooth", ""),
    "sensing": ("sensing", ""),
}
"""By name, the module that has an experiment, and its name there."""


def find_experiment(name: str, *, quick: bool = False) -> Experiment:
    """Return an experiment, whole or reduced to what a CPU does in a few minutes.

    Raises:
        InputError: no such experiment; names the closest one.
    """
    if name not in EXPERIMENTS:
        hint = did_you_mean(name, EXPERIMENTS)
        raise InputError(f"no experiment {name!r}; {hint}there are {', '.join(EXPERIMENTS)}")
    file, group = EXPERIMENTS[name]
    module = import_module(f"untrained.experiments.{file}")
    part = ("QUICK" if quick else "FULL") if not group else group + ("_QUICK" if quick else "")
    experiment: Experiment = getattr(module, part)
    return experiment
